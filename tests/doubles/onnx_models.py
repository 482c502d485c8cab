"""Tiny ONNX models whose answers are known: they are put together here, not trained."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper, save

# What every onnxruntime of the lock reads.
OPSET, IR = 17, 8
DETECTOR_SIDE = 64


def colour_classifier(
    path: Path,
    *,
    shape: Sequence[object] = (1, 3, 8, 8),
    ends_in_softmax: bool = False,
    number: int = TensorProto.FLOAT,
) -> Path:
    """Write a classifier of three classes whose logits are the means of its input's channels."""
    axes = [1, 2] if shape[-1] == 3 else [2, 3]
    nodes = [helper.make_node("ReduceMean", ["picture"], ["means"], axes=axes, keepdims=0)]
    if ends_in_softmax:
        nodes.append(helper.make_node("Softmax", ["means"], ["probabilities"], axis=1))
    return _written(path, nodes, shape, nodes[-1].output[0], [1, 3], number=number)


def detector(path: Path, answer: np.ndarray, *, names: str = "") -> Path:
    """Write a detector that answers every picture the same."""
    nodes = [helper.make_node("Constant", [], ["boxes"], value=numpy_helper.from_array(answer.astype(np.float32)))]
    shape = [1, 3, DETECTOR_SIDE, DETECTOR_SIDE]
    return _written(path, nodes, shape, "boxes", answer.shape, metadata={"names": names} if names else {})


def brightness_detector(path: Path) -> Path:
    """Write an end-to-end detector of one box over everything, as certain as its input is bright."""
    frame, last = np.array([[[0, 0, DETECTOR_SIDE, DETECTOR_SIDE]]], np.float32), np.zeros((1, 1, 1), np.float32)
    nodes = [
        helper.make_node("Constant", [], ["frame"], value=numpy_helper.from_array(frame)),
        helper.make_node("Constant", [], ["class"], value=numpy_helper.from_array(last)),
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("ReduceMean", ["mean"], ["score"], axes=[1], keepdims=1),
        helper.make_node("Unsqueeze", ["score", "axis"], ["scores"]),
        helper.make_node("Concat", ["frame", "scores", "class"], ["boxes"], axis=2),
    ]
    nodes.insert(0, helper.make_node("Constant", [], ["axis"], value=numpy_helper.from_array(np.array([2]))))
    return _written(path, nodes, [1, 3, DETECTOR_SIDE, DETECTOR_SIDE], "boxes", [1, 1, 6])


def raw(*candidates: tuple[float, float, float, float, int, float], classes: int = 2) -> np.ndarray:
    """Return the answer of YOLOv8: of each of *candidates*, left, top, width, height, class and score; 84 in all."""
    answer = np.zeros((1, 4 + classes, 84), np.float32)
    for column, (left, top, width, height, label, score) in enumerate(candidates):
        answer[0, :4, column] = left + width / 2, top + height / 2, width, height
        answer[0, 4 + label, column] = score
    return answer


def end_to_end(*candidates: tuple[float, float, float, float, int, float]) -> np.ndarray:
    """Return the answer of YOLO26 for the same."""
    answer = np.zeros((1, 300, 6), np.float32)
    for row, (left, top, width, height, label, score) in enumerate(candidates):
        answer[0, row] = left, top, left + width, top + height, score, label
    return answer


def _written(
    path: Path,
    nodes: list[object],
    shape: Sequence[object],
    output: str,
    output_shape: Sequence[int],
    *,
    metadata: dict[str, str] | None = None,
    number: int = TensorProto.FLOAT,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("picture", number, list(shape))],
        [helper.make_tensor_value_info(output, number, list(output_shape))],
    )
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    helper.set_model_props(model, metadata or {})
    save(model, str(path))
    return path
