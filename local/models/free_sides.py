"""Let a network take pictures of any size: its ONNX file names one, though nothing in it needs that."""

import onnx


def convert(file: bytes) -> bytes:
    """
    Return the ONNX file with free numbers of pictures, rows and columns.

    The shapes of outputs and of what is in between are let go of, as they follow from the input's.
    """
    model = onnx.load_from_string(file)
    graph = model.graph
    constants = {constant.name for constant in graph.initializer}
    read = {name for node in graph.node for name in node.input}
    # Since format 4 constants are no inputs; those that nothing reads, such as counters of the training, are dropped.
    inputs = [each for each in graph.input if each.name not in constants]
    kept = [constant for constant in graph.initializer if constant.name in read]
    for each in (*inputs, *graph.output):
        for axis, dimension in enumerate(each.type.tensor_type.shape.dim):
            if axis != 1:
                dimension.dim_param = f"{'nchw'[axis]}_{each.name}"
    for field, values in ((graph.input, inputs), (graph.initializer, kept), (graph.value_info, [])):
        del field[:]
        field.extend(values)
    model.ir_version = max(model.ir_version, 4)
    return bytes(model.SerializeToString())
