"""Each converter on small made-up networks, whose answers numpy computes by itself."""

import json

import numpy as np
import onnx
import pytest
from doubles.small_networks import GraphModel, SmallEfficientNet, convolved, convolved_depthwise, run
from doubles.torch_files import torch_file
from onnx import helper, numpy_helper

from local.errors import LocalError
from local.models import efficientnet, free_sides, graph_model

RANDOM = np.random.default_rng(2)


def floats(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 1, shape).astype(np.float32)


def test_efficientnet_answers_as_its_layers_say() -> None:
    network = SmallEfficientNet()
    file = efficientnet.convert(torch_file(network.weights))
    onnx.checker.check_model(file, full_check=True)
    pixels = floats(2, 3, 224, 224)
    probabilities, features = run(file, pixels)
    for at, picture in enumerate(pixels):
        expected = network.answers(picture)
        np.testing.assert_allclose(probabilities[at], expected[0], atol=1e-5)
        np.testing.assert_allclose(features[at], expected[1], atol=1e-4)


def converted(model: GraphModel, node: str) -> bytes:
    file = graph_model.converted(model.json, model.weights, {"out": node})
    onnx.checker.check_model(file, full_check=True)
    return file


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """TensorFlow's bilinear resize by neither corners nor half pixels."""
    for axis, size in ((0, height), (1, width)):
        places = np.arange(size) * pixels.shape[axis] / size
        low = places.astype(int)
        high = np.minimum(low + 1, pixels.shape[axis] - 1)
        share = (places - low).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        pixels = np.take(pixels, low, axis) * (1 - share) + np.take(pixels, high, axis) * share
    return pixels


PICTURE = floats(1, 9, 7, 4)
KERNEL, SMALL, OF_CHANNELS, BIAS = floats(3, 3, 4, 5), floats(1, 1, 4, 5), floats(5, 3, 4, 2), floats(5)
SIZE, AXES, LAST = (np.array(values, np.int32) for values in ([18, 21], [1, 2], 3))
FUSED = {"fused_ops": ["BiasAdd", "Relu"]}
EXPECTED = {
    "Conv2D": (lambda m: m.convolution("Conv2D", "it", "images", "kernel"), lambda x: convolved(x, KERNEL)),
    "_FusedConv2D": (
        lambda m: m.convolution("_FusedConv2D", "it", "images", "kernel", "bias", stride=2, **FUSED),
        lambda x: np.maximum(convolved(x, KERNEL, 2) + BIAS, 0),
    ),
    "_FusedConv2D without padding": (
        lambda m: m.convolution(
            "_FusedConv2D", "it", "images", "kernel", "bias", padding="VALID", fused_ops=["BiasAdd"]
        ),
        lambda x: convolved(x, KERNEL, 1, "VALID") + BIAS,
    ),
    "DepthwiseConv2dNative": (
        lambda m: m.convolution("DepthwiseConv2dNative", "it", "images", "of_channels", stride=2),
        lambda x: convolved_depthwise(x, OF_CHANNELS, 2),
    ),
    "FusedDepthwiseConv2dNative": (
        lambda m: m.convolution(
            "FusedDepthwiseConv2dNative", "it", "images", "of_channels", "bias8", fused_ops=["BiasAdd"]
        ),
        lambda x: convolved_depthwise(x, OF_CHANNELS) + np.arange(8),
    ),
    "Mean": (
        lambda m: m.add("Mean", "it", "images", "axes", keep_dims=True),
        lambda x: x.mean(axis=(0, 1), keepdims=True),
    ),
    "Mul": (lambda m: m.add("Mul", "it", "images", "half"), lambda x: x / 2),
    "Add": (lambda m: m.add("Add", "it", "images", "half"), lambda x: x + 0.5),
    "Relu": (lambda m: m.add("Relu", "it", "images"), lambda x: np.maximum(x, 0)),
    "Relu6": (
        lambda m: m.add("Relu6", "it", m.add("Mul", "more", "images", "nine")),
        lambda x: np.clip(9 * x, 0, 6),
    ),
    "Sigmoid": (lambda m: m.add("Sigmoid", "it", "images"), lambda x: 1 / (1 + np.exp(-x))),
    "Identity": (lambda m: m.add("Identity", "it", "images"), lambda x: x),
    "ConcatV2": (
        lambda m: m.add("ConcatV2", "it", "images", m.add("Relu", "other", "images"), "last"),
        lambda x: np.concatenate([x, np.maximum(x, 0)], axis=-1),
    ),
    "ResizeBilinear": (
        lambda m: m.add("ResizeBilinear", "it", "images", "size", align_corners=False, half_pixel_centers=False),
        lambda x: resized(x, 18, 21),
    ),
}


def model_with_constants() -> GraphModel:
    model = GraphModel()
    model.placeholder(*PICTURE.shape)
    constants = {"kernel": KERNEL, "of_channels": OF_CHANNELS, "bias": BIAS, "bias8": np.arange(8, dtype=np.float32)}
    constants |= {"half": np.float32(0.5), "nine": np.float32(9), "axes": AXES, "last": LAST, "size": SIZE}
    for name, values in constants.items():
        model.constant(name, values)
    return model


@pytest.mark.parametrize("name", EXPECTED)
def test_an_operation_of_a_graph_model_does_what_tensorflow_does(name: str) -> None:
    model = model_with_constants()
    add, expected = EXPECTED[name]
    (answer,) = run(converted(model, add(model)), PICTURE)
    np.testing.assert_allclose(answer[0], expected(PICTURE[0].astype(np.float64)), atol=1e-5)


def test_every_operation_that_is_known_is_tried() -> None:
    assert {name.split()[0] for name in EXPECTED} == set(graph_model.OPERATIONS) - {"Const", "Placeholder"}


def test_operations_follow_each_other_and_weights_of_16_bits_count_as_they_are() -> None:
    model = GraphModel()
    model.placeholder(*PICTURE.shape)
    kernel, bias = SMALL.astype(np.float16).astype(np.float32), BIAS.astype(np.float16).astype(np.float32)
    model.constant("kernel", SMALL, kept="float16")
    model.constant("unused", np.zeros(1000, np.float32))
    model.constant("bias", BIAS, kept="float16")
    first = model.convolution("_FusedConv2D", "first", "images", "kernel", "bias", **FUSED)
    last = model.add("Add", "last", first, model.add("Sigmoid", "gate", first))
    file = converted(model, last)
    made = np.maximum(convolved(PICTURE[0].astype(np.float64), kernel) + bias, 0)
    (answer,) = run(file, PICTURE)
    np.testing.assert_allclose(answer[0], made + 1 / (1 + np.exp(-made)), atol=1e-5)
    assert len(file) < 4000, "what the outputs do not need is left out"


def test_a_deep_network_is_converted_whatever_pythons_own_depth() -> None:
    model = GraphModel()
    last = model.placeholder(1, 2, 2, 1)
    for at in range(3000):
        last = model.add("Relu", f"relu_{at}", last)
    pixels = np.array([[-1.0, 2.0], [3.0, -4.0]]).reshape(1, 2, 2, 1)
    (answer,) = run(converted(model, last), pixels)
    np.testing.assert_array_equal(answer, np.maximum(pixels, 0))


@pytest.mark.parametrize(
    ("operation", "attributes", "told"),
    [
        ("Softplus", {}, "operation Softplus at it; known are Add, ConcatV2"),
        ("_FusedConv2D", {"fused_ops": ["BiasAdd", "Elu"]}, "fuses BiasAdd and Elu at it"),
        ("Conv2D", {"padding": "EXPLICIT"}, "convolution at it is padded by EXPLICIT"),
        ("Conv2D", {"data_format": "NCHW"}, "channels last"),
    ],
)
def test_what_is_not_known_is_named(operation: str, attributes: dict[str, object], told: str) -> None:
    model = model_with_constants()
    model.convolution(operation, "it", "images", "kernel", "bias", **attributes)
    with pytest.raises(LocalError, match=told):
        converted(model, "it")


def test_weights_of_another_length_and_type_are_refused() -> None:
    model = model_with_constants()
    last = model.add("Mul", "it", "images", "half")
    model.weights += b"more"
    with pytest.raises(LocalError, match="bytes, and it describes"):
        converted(model, last)
    described = json.loads(model.json)
    described["weightsManifest"][0]["weights"][0]["quantization"] = {"dtype": "uint8", "scale": 1, "min": 0}
    with pytest.raises(LocalError, match="keeps weights as uint8"):
        graph_model.converted(json.dumps(described).encode(), model.weights, {"out": last})


def test_a_network_with_fixed_sides_takes_every_size_afterwards() -> None:
    kernel = floats(2, 3, 3, 3)
    described = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (
            ("input.1", [10, 3, 32, 32]),
            ("537", [10, 2, 32, 32]),
            ("kernel", kernel.shape),
            ("between", [10, 2, 32, 32]),
        )
    ]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input.1", "kernel"], ["between"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
            helper.make_node("Relu", ["between"], ["537"]),
        ],
        "small",
        [described[0], described[2]],
        [described[1]],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(np.array(5), "num_batches_tracked")],
        value_info=[described[3]],
    )
    fixed = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=3)
    free = free_sides.convert(fixed.SerializeToString())
    onnx.checker.check_model(free, full_check=True)
    assert {each.name for each in onnx.load_from_string(free).graph.initializer} == {"kernel"}
    for shape in ((1, 3, 32, 32), (2, 3, 11, 17)):
        pixels = floats(*shape)
        (answer,) = run(free, pixels)
        for made, picture in zip(answer, pixels, strict=True):
            expected = np.maximum(convolved(picture.transpose(1, 2, 0), kernel.transpose(2, 3, 1, 0)), 0)
            np.testing.assert_allclose(made.transpose(1, 2, 0), expected, atol=1e-5)
