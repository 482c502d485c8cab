"""Write a network down as an ONNX file, one operation after the other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

# The newest of which `auto_pad` and attributes of reductions are part, and which every onnxruntime of the lock runs.
OPERATIONS = 13
FORMAT = 8

Array = NDArray[Any]
Shape = Sequence[int | str]


class Graph:
    """Operations in the order in which they are added; each is named by its result."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, array: Array) -> str:
        """Add numbers that are part of the network; returns their name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add one operation on what has these names; returns the name of its result."""
        result = f"{operation}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, inputs, [result], **attributes))
        return result

    def relu6(self, name: str) -> str:
        """Add a bound to what is negative and to what is more than 6."""
        return self.add("Clip", name, *(self.constant(np.array(bound, np.float32)) for bound in (0, 6)))

    def written(self, inputs: Mapping[str, Shape], outputs: Mapping[str, tuple[str, Shape]]) -> bytes:
        """
        Return the ONNX file. All inputs and outputs are 32-bit floats; a dimension with a name can have any size.

        *outputs* has for each name the result that gets it, and its shape. Constants that nothing reads are left out.
        """
        named = [helper.make_node("Identity", [result], [name]) for name, (result, _) in outputs.items()]
        read = {name for node in self._nodes for name in node.input}
        graph = helper.make_graph(
            [*self._nodes, *named],
            "blobsight",
            [_floats(name, shape) for name, shape in inputs.items()],
            [_floats(name, shape) for name, (_, shape) in outputs.items()],
            [constant for constant in self._constants if constant.name in read],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPERATIONS)], ir_version=FORMAT)
        return bytes(model.SerializeToString())


def _floats(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
