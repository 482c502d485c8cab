"""Networks of made-up weights with the layers of the trained ones, and what numpy makes of a picture with them."""

import base64
import json
from typing import Any

import numpy as np
import onnxruntime
from numpy.lib.stride_tricks import sliding_window_view


def run(file: bytes, pixels: Any) -> list[Any]:
    """What onnxruntime answers for a network with one input; it may warn of nothing."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 2
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    return session.run(None, {entry.name: pixels.astype(np.float32)})


def convolved(pixels: Any, kernel: Any, stride: int = 1, padding: str = "SAME") -> Any:
    """A convolution of rows x columns x channels by rows x columns x channels x results, as TensorFlow pads it."""
    sides = kernel.shape[:2]
    if padding == "SAME":
        needed = [max((-(-n // stride) - 1) * stride + k - n, 0) for n, k in zip(pixels.shape, sides, strict=False)]
        pixels = np.pad(pixels, [*((n // 2, n - n // 2) for n in needed), (0, 0)])
    windows = sliding_window_view(pixels, sides, (0, 1))[::stride, ::stride]
    return np.einsum("yxcij,ijcr->yxr", windows, kernel, optimize=True)


def convolved_depthwise(pixels: Any, kernel: Any, stride: int = 1) -> Any:
    """The same, with a kernel of rows x columns x channels x results for each channel."""
    each = [convolved(pixels[..., at : at + 1], kernel[:, :, at : at + 1], stride) for at in range(pixels.shape[-1])]
    return np.concatenate(each, axis=-1)


class SmallEfficientNet:
    """An EfficientNet-Lite0 with channels that can be counted on fingers."""

    WIDTHS = (2, 3, 3, 4, 5, 6, 7, 8)
    STRIDES = (1, 2, 1, 2, 2, 1, 2, 1)

    def __init__(self) -> None:
        self.random = np.random.default_rng(5)
        self.weights: dict[str, Any] = {}
        self._layer("_conv_stem", "_bn0", 4, 3, 3)
        channels = 4
        for at, width in enumerate(self.WIDTHS):
            block, inner = f"_blocks.{at}.", channels * (2 if at else 1)
            if at:
                self._layer(f"{block}_expand_conv", f"{block}_bn0", inner, channels, 1)
            self._layer(f"{block}_depthwise_conv", f"{block}_bn1", inner, 1, 5 if at == 3 else 3)
            self._layer(f"{block}_project_conv", f"{block}_bn2", width, inner, 1)
            channels = width
        self._layer("_conv_head", "_bn1", 9, channels, 1)
        self.weights["_fc.weight"], self.weights["_fc.bias"] = self._floats(6, 9), self._floats(6)

    def _floats(self, *shape: int) -> Any:
        return self.random.normal(0, 1, shape).astype(np.float32)

    def _layer(self, name: str, norm: str, outputs: int, inputs: int, side: int) -> None:
        self.weights[f"{name}.weight"] = self._floats(outputs, inputs, side, side)
        for part in ("weight", "bias", "running_mean"):
            self.weights[f"{norm}.{part}"] = self._floats(outputs)
        self.weights[f"{norm}.running_var"] = self._floats(outputs) ** 2 + np.float32(0.5)
        self.weights[f"{norm}.num_batches_tracked"] = np.array(7, np.int64)

    def _applied(self, pixels: Any, name: str, norm: str, stride: int = 1, is_linear: bool = False) -> Any:
        kernel = self.weights[f"{name}.weight"].transpose(2, 3, 1, 0).astype(np.float64)
        if "depthwise" in name:
            made = convolved_depthwise(pixels, kernel.transpose(0, 1, 3, 2), stride)
        else:
            made = convolved(pixels, kernel, stride)
        gamma, beta, mean, variance = (
            self.weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        made = (made - mean) / np.sqrt(variance + 1e-3) * gamma + beta
        return made if is_linear else np.clip(made, 0, 6)

    def answers(self, pixels: Any) -> tuple[Any, Any]:
        """Probabilities and features of one picture of channels x rows x columns."""
        x = self._applied(pixels.transpose(1, 2, 0).astype(np.float64), "_conv_stem", "_bn0", 2)
        for at, (width, stride) in enumerate(zip(self.WIDTHS, self.STRIDES, strict=True)):
            block, entering = f"_blocks.{at}.", x
            if at:
                x = self._applied(x, f"{block}_expand_conv", f"{block}_bn0")
            x = self._applied(x, f"{block}_depthwise_conv", f"{block}_bn1", stride)
            x = self._applied(x, f"{block}_project_conv", f"{block}_bn2", is_linear=True)
            x = x + entering if at and width == self.WIDTHS[at - 1] else x
        features = self._applied(x, "_conv_head", "_bn1").mean(axis=(0, 1))
        logits = self.weights["_fc.weight"] @ features + self.weights["_fc.bias"]
        raised = np.exp(logits - logits.max())
        return raised / raised.sum(), features


class GraphModel:
    """A graph model of TensorFlow.js, node by node."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.weights = b""

    def constant(self, name: str, values: Any, *, kept: str | None = None) -> str:
        """Numbers; *kept* is the type that they have in the file, if that is another one."""
        values = np.asarray(values)
        entry = {"name": name, "shape": list(values.shape), "dtype": str(values.dtype)}
        if kept:
            entry["quantization"] = {"dtype": kept, "original_dtype": str(values.dtype)}
        self.entries.append(entry)
        self.weights += values.astype(kept or values.dtype).tobytes()
        self.add("Const", name)
        return name

    def add(self, operation: str, name: str, *inputs: str, **attributes: Any) -> str:
        """A node; texts among its attributes are written as TensorFlow.js does."""
        written = {key: self._attribute(value) for key, value in attributes.items()}
        self.nodes.append({"name": name, "op": operation, "input": list(inputs), "attr": written})
        return name

    def _attribute(self, value: Any) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"b": value}
        if isinstance(value, str):
            return {"s": base64.b64encode(value.encode()).decode()}
        if isinstance(value, dict):
            return value
        if value and isinstance(value[0], str):
            return {"list": {"s": [self._attribute(text)["s"] for text in value]}}
        return {"list": {"i": [str(number) for number in value]}}

    def placeholder(self, *shape: int) -> str:
        """The picture."""
        return self.add("Placeholder", "images", shape={"shape": {"dim": [{"size": str(side)} for side in shape]}})

    def convolution(self, operation: str, name: str, *inputs: str, stride: int = 1, **attributes: Any) -> str:
        """A convolution with the attributes that each one has."""
        usual = {"strides": [1, stride, stride, 1], "dilations": [1, 1, 1, 1]}
        usual |= {"padding": "SAME", "data_format": "NHWC"}
        return self.add(operation, name, *inputs, **{**usual, **attributes})

    @property
    def json(self) -> bytes:
        """The model's first file; `weights` is the second one."""
        manifest = [{"paths": ["model.bin"], "weights": self.entries}]
        return json.dumps({"modelTopology": {"node": self.nodes}, "weightsManifest": manifest}).encode()
