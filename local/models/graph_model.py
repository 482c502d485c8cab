"""
Turn a graph model of TensorFlow.js into ONNX: the operations that CenterNet is made of.

A graph model is a JSON file, with TensorFlow's nodes in `modelTopology` and the place of each constant in
`weightsManifest`, and a file of their bytes. TensorFlow counts channels last (NHWC), ONNX convolves channels first:
each convolution stands between two transpositions, which onnxruntime cancels out where two of them meet.
"""

import base64
import json
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from local.errors import LocalError
from local.models.onnx_graph import Array, Graph

Node = Mapping[str, Any]
CHANNELS_FIRST, CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]
TYPES = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}


def convert(model: bytes, weights: bytes) -> bytes:
    """
    Return CenterNet as an ONNX file.

    Its input `tower_0_images` is 1 x 512 x 512 x 3, RGB, 0 to 255. Its outputs are `out0`, for each place of a grid of
    128 x 128 and each class how likely the middle of such a thing is there, and `out1`, how far its left, upper, right
    and lower sides are from there, in pixels.
    """
    return converted(model, weights, {"out0": "tower_0/keypoints", "out1": "tower_0/wh"})


def converted(model: bytes, weights: bytes, outputs: Mapping[str, str]) -> bytes:
    """Return an ONNX file with these outputs, by name the node that has it, and what they need of the model."""
    conversion = _Conversion(json.loads(model), weights)
    results = {name: conversion.result(node) for name, node in outputs.items()}
    shapes = {name: [f"{name}_{axis}" for axis in range(4)] for name in outputs}
    return conversion.graph.written(
        conversion.inputs, {name: (result, shapes[name]) for name, result in results.items()}
    )


class _Conversion:
    def __init__(self, model: Mapping[str, Any], weights: bytes) -> None:
        self.nodes: dict[str, Node] = {node["name"]: node for node in model["modelTopology"]["node"]}
        self.constants = _constants(model, weights)
        self.graph = Graph()
        self.inputs: dict[str, list[int]] = {}
        self._results: dict[str, str] = {}

    def result(self, node: str) -> str:
        """Return the name that the result of a node of TensorFlow has in ONNX, after adding what it needs."""
        # With a stack of its own: Python's would end before a deep network does.
        waiting = [node]
        while waiting:
            name = waiting[-1]
            if missing := [each for each in self._needs(name) if each not in self._results]:
                waiting += missing
                continue
            waiting.pop()
            if name not in self._results:
                self._results[name] = self._added(name)
        return self._results[node]

    def _needs(self, name: str) -> list[str]:
        return list(self.nodes[name].get("input", []))

    def _added(self, name: str) -> str:
        node = self.nodes[name]
        operation = node["op"]
        if operation not in OPERATIONS:
            known = ", ".join(sorted(OPERATIONS))
            raise LocalError(f"the model has an operation {operation} at {name}; known are {known}")
        return OPERATIONS[operation](self, node, [self._results[each] for each in self._needs(name)])

    def constant(self, node: Node, position: int) -> Array:
        """Return the numbers that stand at a position of a node's inputs."""
        return self.constants[node["input"][position]]


def _constants(model: Mapping[str, Any], weights: bytes) -> dict[str, Array]:
    """Cut the bytes of the weights into arrays; those that are kept as 16-bit floats are of 32 bits again."""
    found: dict[str, Array] = {}
    place = 0
    for entry in (entry for group in model["weightsManifest"] for entry in group["weights"]):
        kept = entry.get("quantization", entry)["dtype"]
        if kept not in TYPES:
            raise LocalError(f"the model keeps weights as {kept}; known are {', '.join(TYPES)}")
        array = np.frombuffer(weights, TYPES[kept], prod(entry["shape"]), place).reshape(entry["shape"])
        found[entry["name"]] = array.astype(TYPES[entry["dtype"]])
        place += array.nbytes
    if place != len(weights):
        raise LocalError(f"the model's weights are {len(weights)} bytes, and it describes {place}")
    return found


def _attribute(node: Node, name: str) -> Any:
    """Return an attribute of a node; TensorFlow.js writes texts in base64, and integers as texts."""
    ((kind, value),) = node["attr"][name].items()
    if kind == "list":
        texts = [base64.b64decode(text).decode() for text in value.get("s", [])]
        return texts or [int(number) for number in value.get("i", [])]
    return base64.b64decode(value).decode() if kind == "s" else value


def _placeholder(conversion: _Conversion, node: Node, inputs: list[str]) -> str:
    name = str(node["name"]).replace("/", "_")
    conversion.inputs[name] = [int(side["size"]) for side in _attribute(node, "shape")["dim"]]
    return name


def _constant(conversion: _Conversion, node: Node, inputs: list[str]) -> str:
    return conversion.graph.constant(conversion.constants[node["name"]])


def _convolution(conversion: _Conversion, node: Node, inputs: list[str]) -> str:
    graph, kernel = conversion.graph, conversion.constant(node, 1)
    if "Depthwise" in node["op"]:
        height, width, groups, times = kernel.shape
        kernel = kernel.transpose(2, 3, 0, 1).reshape(groups * times, 1, height, width)
    else:
        groups, kernel = 1, kernel.transpose(3, 2, 0, 1)
    fused = _attribute(node, "fused_ops") if "fused_ops" in node["attr"] else []
    if fused not in ([], ["BiasAdd"], ["BiasAdd", "Relu"]):
        raise LocalError(f"the model fuses {' and '.join(fused)} at {node['name']}; known are BiasAdd and Relu")
    padding = _attribute(node, "padding")
    if padding not in ("SAME", "VALID") or _attribute(node, "data_format") != "NHWC":
        raise LocalError(f"the convolution at {node['name']} is padded by {padding} or has no channels last")
    made = graph.add(
        "Conv",
        graph.add("Transpose", inputs[0], perm=CHANNELS_FIRST),
        graph.constant(kernel),
        *([graph.constant(conversion.constant(node, 2))] if fused else []),
        kernel_shape=kernel.shape[2:],
        strides=_attribute(node, "strides")[1:3],
        dilations=_attribute(node, "dilations")[1:3],
        group=groups,
        auto_pad="SAME_UPPER" if padding == "SAME" else "VALID",
    )
    made = graph.add("Relu", made) if "Relu" in fused else made
    return graph.add("Transpose", made, perm=CHANNELS_LAST)


def _mean(conversion: _Conversion, node: Node, inputs: list[str]) -> str:
    axes = [int(axis) for axis in np.atleast_1d(conversion.constant(node, 1))]
    return conversion.graph.add("ReduceMean", inputs[0], axes=axes, keepdims=int(_attribute(node, "keep_dims")))


def _concatenation(conversion: _Conversion, node: Node, inputs: list[str]) -> str:
    return conversion.graph.add("Concat", *inputs[:-1], axis=int(conversion.constant(node, -1)))


def _bilinear(conversion: _Conversion, node: Node, inputs: list[str]) -> str:
    if _attribute(node, "align_corners") or _attribute(node, "half_pixel_centers"):
        raise LocalError(f"the model resizes at {node['name']} by corners or half pixels, which is not known")
    graph = conversion.graph
    image = graph.add("Transpose", inputs[0], perm=CHANNELS_FIRST)
    # As many images and channels as there are, in the new height and width.
    kept = graph.add("Slice", graph.add("Shape", image), *(graph.constant(np.array([at])) for at in (0, 2)))
    size = graph.add("Concat", kept, graph.constant(conversion.constant(node, 1).astype(np.int64)), axis=0)
    resized = graph.add("Resize", image, "", "", size, mode="linear", coordinate_transformation_mode="asymmetric")
    return graph.add("Transpose", resized, perm=CHANNELS_LAST)


def _same(operation: str) -> Callable[[_Conversion, Node, list[str]], str]:
    """Of an operation that ONNX has as well."""
    return lambda conversion, node, inputs: conversion.graph.add(operation, *inputs)


OPERATIONS: dict[str, Callable[[_Conversion, Node, list[str]], str]] = {
    "Add": _same("Add"),
    "ConcatV2": _concatenation,
    "Const": _constant,
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _convolution,
    "FusedDepthwiseConv2dNative": _convolution,
    "Identity": _same("Identity"),
    "Mean": _mean,
    "Mul": _same("Mul"),
    "Placeholder": _placeholder,
    "Relu": _same("Relu"),
    "Relu6": lambda conversion, node, inputs: conversion.graph.relu6(inputs[0]),
    "ResizeBilinear": _bilinear,
    "Sigmoid": _same("Sigmoid"),
    "_FusedConv2D": _convolution,
}
