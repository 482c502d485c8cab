"""
Build EfficientNet-Lite0 in ONNX from its PyTorch weights.

The network is that of `efficientnet_lite_builder.py` in github.com/tensorflow/tpu: inverted residual blocks without
squeeze-and-excitation, ReLU6, padding as TensorFlow's SAME. The weights name each layer as lukemelas'
efficientnet_pytorch does.
"""

import re
from collections.abc import Mapping

import numpy as np

from local.models.onnx_graph import Array, Graph
from local.models.torch_weights import read

SIDE = 224
# Of the first block of each stage; every other block keeps the size.
STRIDES = (1, 2, 2, 2, 1, 2, 1)
EPSILON = 1e-3  # of batch normalization, as it was trained


def convert(weights: bytes) -> bytes:
    """
    Return the network as an ONNX file.

    Its input `input` is n x 3 x 224 x 224, RGB, `(x - 127) / 128`. Its outputs are `probabilities` (n x 1000, in the
    order of ImageNet-1k) and `features` (n x 1280), of which the probabilities are made.
    """
    return _Network(read(weights)).written()


class _Network:
    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.weights = weights
        self.graph = Graph()

    def written(self) -> bytes:
        name = self.convolution("input", "_conv_stem", "_bn0", stride=2)
        for block, stride, is_first in self.blocks():
            name = self.block(name, block, stride, is_first)
        name = self.convolution(name, "_conv_head", "_bn1")
        features = self.graph.add("Flatten", self.graph.add("GlobalAveragePool", name))
        matrix, bias = self.weights["_fc.weight"], self.weights["_fc.bias"]
        logits = self.graph.add("Gemm", features, self.graph.constant(matrix), self.graph.constant(bias), transB=1)
        probabilities = self.graph.add("Softmax", logits, axis=1)
        classes, length = matrix.shape
        outputs = {"probabilities": (probabilities, ["n", classes]), "features": (features, ["n", length])}
        return self.graph.written({"input": ["n", 3, SIDE, SIDE]}, outputs)

    def blocks(self) -> list[tuple[str, int, bool]]:
        """Each block's prefix, its stride and whether it is the first of a stage: a stage has its own width."""
        found = {int(match[1]) for name in self.weights if (match := re.match(r"_blocks\.(\d+)\.", name))}
        prefixes = [f"_blocks.{number}." for number in sorted(found)]
        widths = [len(self.weights[f"{prefix}_project_conv.weight"]) for prefix in prefixes]
        firsts = [at == 0 or width != widths[at - 1] for at, width in enumerate(widths)]
        strides = iter(STRIDES)
        return [(prefix, next(strides) if first else 1, first) for prefix, first in zip(prefixes, firsts, strict=True)]

    def block(self, entering: str, prefix: str, stride: int, is_first: bool) -> str:
        name = entering
        if f"{prefix}_expand_conv.weight" in self.weights:
            name = self.convolution(name, f"{prefix}_expand_conv", f"{prefix}_bn0")
        name = self.convolution(name, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride=stride)
        name = self.convolution(name, f"{prefix}_project_conv", f"{prefix}_bn2", is_linear=True)
        return name if is_first else self.graph.add("Add", name, entering)

    def convolution(self, name: str, layer: str, norm: str, *, stride: int = 1, is_linear: bool = False) -> str:
        """Add a convolution with its batch normalization folded into it."""
        kernel = self.weights[f"{layer}.weight"]
        scale = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"] + np.float32(EPSILON))
        bias = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * scale
        outputs, inputs, *sides = kernel.shape
        name = self.graph.add(
            "Conv",
            name,
            self.graph.constant(kernel * scale[:, None, None, None]),
            self.graph.constant(bias),
            kernel_shape=sides,
            strides=[stride, stride],
            # A depthwise kernel looks at one channel.
            group=outputs if inputs == 1 else 1,
            auto_pad="SAME_UPPER",
        )
        return name if is_linear else self.graph.relu6(name)
