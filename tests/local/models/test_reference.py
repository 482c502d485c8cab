"""The detector as set-up converts it answers what TensorFlow.js answers: tests/doubles/tfjs_reference.py asked it."""

import json
from typing import Any

import numpy as np
import onnx
import pytest
from doubles.small_networks import run
from doubles.tfjs_reference import FIXTURE, fingerprint, picture, summary

from local.models.catalogue import DETECTOR
from local.models.recipes import RECIPES, fault

SIDE = 512  # of the picture, in pixels: distances are compared as shares of it
CLOSE = 1e-5


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FIXTURE.read_text())
    return found


@pytest.fixture(scope="module")
def detector() -> bytes:
    """What set-up made; in continuous integration it makes it, or fails."""
    (recipe,) = (each for each in RECIPES if each.model == DETECTOR)
    if wrong := fault(recipe):
        pytest.skip(f"the model of the detector is {wrong}: make models")
    return DETECTOR.path.read_bytes()


def differences(file: bytes, reference: dict[str, Any]) -> dict[str, float]:
    """How far the answers of a network are from the reference, at most."""
    heat_map, sizes = run(file, picture())
    found = summary(heat_map, sizes)
    peaks = np.array(reference["peaks"])
    rows, columns, classes = peaks[:, :3].astype(int).T
    # By place: two peaks of nearly the same height may stand in another order.
    return {
        "scores": np.abs(heat_map[0, rows, columns, classes] - peaks[:, 3]).max(),
        "heights": np.abs(np.array(found["peaks"])[:, 3] - peaks[:, 3]).max(),
        "distances": np.abs(sizes[0, rows, columns] - peaks[:, 4:]).max() / SIDE,
        **{name: largest_share(found[name], reference[name]) for name in ("mean_scores", "mean_sizes")},
    }


def largest_share(found: list[float], reference: list[float]) -> float:
    """The largest difference, as a share of the largest number."""
    return float(np.abs(np.subtract(found, reference)).max() / np.abs(reference).max())


def test_the_picture_is_decoded_as_it_was_for_the_reference(reference: dict[str, Any]) -> None:
    assert fingerprint(picture()) == reference["picture"]


def test_the_converted_detector_answers_as_tensorflow_js_does(detector: bytes, reference: dict[str, Any]) -> None:
    found = differences(detector, reference)
    assert all(value < CLOSE for value in found.values()), found


def resized_otherwise(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "coordinate_transformation_mode":
                attribute.s = b"half_pixel"


def padded_otherwise(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "auto_pad" and attribute.s == b"SAME_UPPER":
                attribute.s = b"SAME_LOWER"


def not_bounded_by_6(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.op_type == "Clip":
            del node.input[2]


@pytest.mark.parametrize("wrongly", [resized_otherwise, padded_otherwise, not_bounded_by_6])
def test_a_conversion_that_is_wrong_in_one_point_is_found(
    wrongly: Any, detector: bytes, reference: dict[str, Any]
) -> None:
    model = onnx.load_from_string(detector)
    wrongly(model)
    found = differences(model.SerializeToString(), reference)
    # What is no number is not close either.
    assert not all(value < 100 * CLOSE for value in found.values()), found
