"""A person's own ONNX models: a classifier and a detector."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doubles.onnx_models import brightness_detector, colour_classifier, detector, end_to_end, raw
from doubles.recognizers import plain
from doubles.vision_calls import Caller, picture
from onnx import TensorProto

from local.addresses import Addresses
from local.errors import LocalError
from local.models import catalogue
from local.stack import recipes
from local.vision.decoding.pixels import Rgb
from local.vision.recognition.loading import Models
from local.vision.recognition.seen import Box, Thing, Word
from local.vision.server import running_vision

PROJECT = Path(__file__).parents[3]
PROGRAM = "import sys; from local.vision.cli import main; sys.exit(main(sys.argv[1:]))"
UNSCALED = {"CLASSIFIER_MEAN": "0,0,0", "CLASSIFIER_STD": "0.1,0.1,0.1"}
# By the classifier's logits, ten times each channel.
REDDISH = (0.8, 0.6, 0.2)


def labels_file(folder: Path, *labels: str, name: str = "labels.txt") -> str:
    path = folder / name
    path.write_text("\n".join(labels) + "\n", encoding="utf-8")
    return str(path)


def classified(model: Path, *labels: str, picture: Rgb, **settings: str) -> dict[str, float]:
    own = {"CLASSIFIER_MODEL": str(model), "CLASSIFIER_LABELS": labels_file(model.parent, *labels)}
    classifier = Models({"MODELS": "off", **UNSCALED, **own, **settings})().classifier
    assert classifier is not None
    words = classifier.classify(picture)
    assert [word.confidence for word in words] == sorted((word.confidence for word in words), reverse=True)
    assert all(word.kinds == () for word in words)
    return {word.name: round(word.confidence, 3) for word in words}


def detected(model: Path, *labels: str, picture: Rgb) -> tuple[Thing, ...]:
    own = {"DETECTOR_MODEL": str(model), "DETECTOR_LABELS": labels_file(model.parent, *labels)}
    found = Models({"MODELS": "off", **own})().detector
    assert found is not None
    return found.detect(picture)


def softmax(*logits: float) -> list[float]:
    powers = np.exp(np.array(logits))
    return [round(float(power / powers.sum()), 3) for power in powers]


@pytest.mark.parametrize(
    ("shape", "number"),
    [
        ((1, 3, 8, 8), TensorProto.FLOAT),
        ((1, 8, 12, 3), TensorProto.FLOAT),
        (("batch", 3, "height", "width"), TensorProto.FLOAT),
        ((1, 3, 8, 8), TensorProto.FLOAT16),
    ],
)
def test_a_classifier_tells_its_classes_by_their_names(tmp_path: Path, shape: tuple[object, ...], number: int) -> None:
    model = colour_classifier(tmp_path / "own.onnx", shape=shape, number=number)
    red, green, _ = softmax(8, 6, 2)

    assert classified(model, "rose", "meadow", "sea", picture=plain(*REDDISH)) == {
        "rose": pytest.approx(red, abs=2e-3),
        "meadow": pytest.approx(green, abs=2e-3),
    }


def test_what_a_classifier_takes_is_scaled_as_asked(tmp_path: Path) -> None:
    model = colour_classifier(tmp_path / "own.onnx")
    picture = plain(0.2, 0.6, 0.8)
    by_imagenet = softmax((0.2 - 0.485) / 0.229, (0.6 - 0.456) / 0.224, (0.8 - 0.406) / 0.225)
    turned = softmax((0.2 - 0.1) / 0.5, (0.6 - 0.2) / 0.4, (0.8 - 0.9) / 0.2)

    assert [*classified(model, "a", "b", "c", picture=picture, CLASSIFIER_MEAN="", CLASSIFIER_STD="").values()] == [
        confidence for confidence in sorted(by_imagenet, reverse=True) if confidence >= 0.1
    ]
    own = {"CLASSIFIER_MEAN": "0.1, 0.2, 0.9", "CLASSIFIER_STD": "0.5,0.4,0.2"}
    assert classified(model, "a", "b", "c", picture=picture, **own) == dict(
        zip("bac", np.array(turned)[[1, 0, 2]], strict=True)
    )


def test_probabilities_are_taken_as_they_are(tmp_path: Path) -> None:
    model = colour_classifier(tmp_path / "own.onnx", ends_in_softmax=True)
    red, green, _ = softmax(8, 6, 2)

    assert classified(model, "rose", "meadow", "sea", picture=plain(*REDDISH)) == {"rose": red, "meadow": green}


def test_a_class_without_a_name_is_never_said_and_names_that_are_there_twice_are_added(tmp_path: Path) -> None:
    model = colour_classifier(tmp_path / "own.onnx")
    red, green, blue = softmax(8, 6, 2)

    assert classified(model, "-", "meadow", "", picture=plain(*REDDISH)) == {"meadow": green}
    assert classified(model, "flower", "flower", "sea", picture=plain(*REDDISH)) == {
        "flower": pytest.approx(1 - blue, abs=2e-3)
    }
    assert red > green


def test_a_classifier_sees_the_middle_of_a_picture_of_another_shape(tmp_path: Path) -> None:
    model = colour_classifier(tmp_path / "own.onnx")
    wide = plain(0, 0, 1, height=60, width=180)
    wide[:, 60:120] = [255, 0, 0]

    assert [*classified(model, "rose", "meadow", "sea", picture=wide)] == ["rose"]
    assert [*classified(model, "rose", "meadow", "sea", picture=np.ascontiguousarray(wide.transpose(1, 0, 2)))] == [
        "rose"
    ]


# On the canvas of 64 x 64 the wide picture is at y from 16 to 48, the tall one at x from 16 to 48.
WIDE, TALL = plain(1, 1, 1, height=320, width=640), plain(1, 1, 1, height=640, width=320)


@pytest.mark.parametrize("layout", [raw, end_to_end])
@pytest.mark.parametrize(
    ("picture", "candidate", "box"),
    [
        (WIDE, (16, 24, 16, 8), Box(160, 80, 160, 80)),
        (WIDE, (-8, 0, 40, 32), Box(0, 0, 320, 160)),
        (TALL, (16, 24, 16, 8), Box(0, 240, 160, 80)),
        (TALL, (40, 56, 20, 20), Box(240, 560, 80, 80)),
    ],
)
def test_a_detector_tells_places_in_the_picture(
    tmp_path: Path, layout: Any, picture: Rgb, candidate: tuple[float, ...], box: Box
) -> None:
    model = detector(tmp_path / "own.onnx", layout((*candidate, 1, 0.75)))

    assert detected(model, "cat", "dog", picture=picture) == (Thing("dog", 0.75, box),)


@pytest.mark.parametrize("layout", [raw, end_to_end])
def test_a_detector_tells_each_thing_once_and_only_what_it_is_sure_of(tmp_path: Path, layout: Any) -> None:
    candidates = [
        (16, 24, 16, 8, 0, 0.625),
        (17, 24, 16, 8, 0, 0.875),  # the same cat
        (16, 24, 16, 8, 1, 0.75),  # a dog in its place
        (40, 24, 16, 8, 1, 0.25),
        (40, 24, 8, 8, 2, 0.9),  # not to be said
        (0, 0, 64, 8, 0, 0.9),  # beside the picture
    ]
    model = detector(tmp_path / "own.onnx", layout(*candidates, **({"classes": 3} if layout is raw else {})))

    things = detected(model, "cat", "dog", "-", picture=WIDE)
    assert [(thing.name, thing.confidence) for thing in things] == [("cat", 0.875), ("dog", 0.75)]


def test_a_detector_that_finds_nothing_and_one_that_answers_nonsense_tell_nothing(tmp_path: Path) -> None:
    # The last is beyond the whole numbers of OpenCV.
    nonsense = end_to_end((16, 24, 16, 8, 7, 0.9), (16, 24, 16, 8, -1, 0.9), (16, 24, 16, 8, 3_000_000_000, 0.9))
    for answer in (raw(), nonsense, nonsense[:, :0]):
        assert detected(detector(tmp_path / "own.onnx", answer), "cat", "dog", picture=WIDE) == ()


def test_a_detector_gets_the_whole_picture_on_gray(tmp_path: Path) -> None:
    model = brightness_detector(tmp_path / "own.onnx")

    [thing] = detected(model, "light", picture=WIDE)
    assert thing.box == Box(0, 0, 640, 320)
    assert thing.confidence == pytest.approx((1 + 114 / 255) / 2, abs=1e-4)


def test_own_models_win_over_those_of_set_up(tmp_path: Path) -> None:
    own = {
        "CLASSIFIER_MODEL": str(colour_classifier(tmp_path / "own.onnx")),
        "CLASSIFIER_LABELS": labels_file(tmp_path, "rose", "meadow", "sea"),
    }
    for which in ("all", "clear", "off"):
        classifier = Models({**own, **UNSCALED, "MODELS": which})().classifier
        assert classifier is not None
        assert classifier.classify(plain(1, 0, 0)) == (Word("rose", pytest.approx(1, abs=1e-3)),)


def test_what_set_up_made_for_the_same_part_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(catalogue, "folder", lambda: tmp_path)
    for model in (catalogue.CLASSIFIER, catalogue.DETECTOR):
        model.path.write_bytes(b"damaged")
    own = {
        "CLASSIFIER_MODEL": str(colour_classifier(tmp_path / "own.onnx")),
        "CLASSIFIER_LABELS": labels_file(tmp_path, "rose", "meadow", "sea"),
    }
    found = Models(own)()

    assert found.classifier is not None
    assert found.detector is None
    assert [line.partition(":")[2].partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        " no objects"
    ]


def test_the_service_tells_what_own_models_see(tmp_path: Path) -> None:
    # Of a drawing, which this is, the service says only what a model is very sure of.
    own = {
        "MODELS": "off",
        **UNSCALED,
        "CLASSIFIER_MODEL": str(colour_classifier(tmp_path / "classifier.onnx")),
        "CLASSIFIER_LABELS": labels_file(tmp_path, "marigold", "meadow", "sea", name="flowers.txt"),
        "DETECTOR_MODEL": str(detector(tmp_path / "detector.onnx", raw((16, 24, 16, 8, 1, 0.9375)))),
        "DETECTOR_LABELS": labels_file(tmp_path, "vase", "windmill"),
    }
    with running_vision(models=Models(own)) as vision, Caller(vision.url, vision.key) as caller:
        answer = caller.post("analyze", picture(1280, 640, colour="red"), query="visualFeatures=Tags,Objects").json()

    names = [tag["name"] for tag in answer["tags"]]
    assert {"marigold", "windmill"} <= set(names)
    assert "meadow" not in names
    [windmill] = answer["objects"]
    assert windmill["object"] == "windmill"
    assert windmill["rectangle"] == {"x": 320, "y": 160, "w": 320, "h": 160}
    assert windmill["confidence"] == 0.9375


# --- settings ---


def own_files(folder: Path) -> dict[str, str]:
    """Make models right and wrong; return their paths by name."""
    files = {
        "classifier": colour_classifier(folder / "classifier.onnx"),
        "flat": colour_classifier(folder / "flat.onnx", shape=(1, 4, 8, 8)),
        "batch": colour_classifier(folder / "batch.onnx", shape=(2, 3, 8, 8)),
        "raw": detector(folder / "raw.onnx", raw()),
        "named": detector(folder / "named.onnx", end_to_end(), names="{0: 'cat', 1: 'dog', 2: 'cow'}"),
        "yolov5": detector(folder / "yolov5.onnx", np.zeros((1, 252, 7))),
        "maps": detector(folder / "maps.onnx", np.zeros((1, 80, 16, 16))),
        "numberless": detector(folder / "nan.onnx", np.full((1, 3), np.nan)),
    }
    (folder / "no.onnx").write_bytes(b"no model at all")
    (folder / "latin1.txt").write_bytes("caf\xe9\nb\nc\n".encode("latin-1"))
    return {name: str(path) for name, path in files.items()} | {
        "no": str(folder / "no.onnx"),
        "latin1": str(folder / "latin1.txt"),
        "missing": str(folder / "missing.onnx"),
        "two": labels_file(folder, "cat", "dog", name="two.txt"),
        "three": labels_file(folder, "a", "b", "c", "", "", name="three.txt"),
    }


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"CLASSIFIER_MODEL": "classifier"}, "CLASSIFIER_MODEL is set, but CLASSIFIER_LABELS is not: set both"),
        ({"DETECTOR_LABELS": "two"}, "DETECTOR_LABELS is set, but DETECTOR_MODEL is not: set both"),
        ({"CLASSIFIER_MODEL": "missing", "CLASSIFIER_LABELS": "three"}, "missing.onnx', which is no file: name one"),
        (
            {"CLASSIFIER_MODEL": "classifier", "CLASSIFIER_LABELS": "missing"},
            "CLASSIFIER_LABELS is .* which is no file",
        ),
        ({"CLASSIFIER_MODEL": "classifier", "CLASSIFIER_LABELS": "latin1"}, "latin1.txt', which is not in UTF-8: use"),
        ({"CLASSIFIER_MODEL": "classifier", "CLASSIFIER_LABELS": "raw"}, "CLASSIFIER_LABELS is .* use a text"),
        (
            {"CLASSIFIER_MODEL": "classifier", "CLASSIFIER_LABELS": "two"},
            "has 2 lines, but .* tells 3 classes apart: give",
        ),
        ({"CLASSIFIER_MODEL": "no", "CLASSIFIER_LABELS": "three"}, "which onnxruntime cannot load .*: export it"),
        ({"CLASSIFIER_MODEL": "flat", "CLASSIFIER_LABELS": "three"}, "which takes 1 x 4 x 8 x 8 of .*: use .* 1 x 3 x"),
        (
            {"CLASSIFIER_MODEL": "batch", "CLASSIFIER_LABELS": "three"},
            "which takes 2 x 3 x 8 x 8 of .*: use .* 1 x 3 x",
        ),
        (
            {"CLASSIFIER_MODEL": "raw", "CLASSIFIER_LABELS": "two"},
            "answers 1 x 6 x 84: use a classifier that answers 1 x",
        ),
        (
            {"CLASSIFIER_MODEL": "numberless", "CLASSIFIER_LABELS": "three"},
            "answers a gray picture with infinity or no number: export",
        ),
        ({"CLASSIFIER_MODEL": "~no-such-person/a", "CLASSIFIER_LABELS": "three"}, "which is no file: name one"),
        ({"CLASSIFIER_MODEL": "a" * 5000, "CLASSIFIER_LABELS": "three"}, "which is no file: name one"),
        ({"CLASSIFIER_MEAN": "0.5,0.5"}, "CLASSIFIER_MEAN is '0.5,0.5': use three numbers for red"),
        ({"CLASSIFIER_STD": "0.5,0,0.5"}, "CLASSIFIER_STD is '0.5,0,0.5': use three numbers above 0"),
        ({"CLASSIFIER_MEAN": "nan,0,0"}, "CLASSIFIER_MEAN is 'nan,0,0': use three numbers"),
        ({"DETECTOR_MODEL": "raw", "DETECTOR_LABELS": "three"}, "DETECTOR_LABELS has 3 lines, but .* tells 2 classes"),
        ({"DETECTOR_MODEL": "named", "DETECTOR_LABELS": "two"}, "DETECTOR_LABELS has 2 lines, but .* tells 3 classes"),
        (
            {"DETECTOR_MODEL": "yolov5", "DETECTOR_LABELS": "two"},
            "answers 1 x 252 x 7: use .* candidates, .* or 1 x boxes",
        ),
        ({"DETECTOR_MODEL": "maps", "DETECTOR_LABELS": "two"}, "which answers 1 x 80 x 16 x 16: use a detector"),
        ({"DETECTOR_MODEL": "classifier", "DETECTOR_LABELS": "three"}, "which answers 1 x 3: use a detector"),
    ],
)
def test_wrong_settings_are_told_in_one_line(tmp_path: Path, settings: dict[str, str], told: str) -> None:
    files = own_files(tmp_path)
    environment = {name: files.get(value, value) for name, value in settings.items()}

    with pytest.raises(LocalError, match=told) as caught:
        Models(environment)
    assert "\n" not in str(caught.value)


def test_labels_may_have_blank_lines_at_the_end_and_a_mark_at_the_beginning(tmp_path: Path) -> None:
    model = colour_classifier(tmp_path / "own.onnx")
    (tmp_path / "more.txt").write_bytes("\ufeffcafé\r\nmeadow\r\nsea\r\n\r\n\r\n".encode())

    found = Models({"CLASSIFIER_MODEL": str(model), "CLASSIFIER_LABELS": str(tmp_path / "more.txt")})()
    assert found.classifier is not None
    assert found.classifier.classify(plain(1, 0, 0))[0].name == "café"


def test_a_wrong_setting_is_one_line_that_a_terminal_does_not_obey() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--port", "0"],
        cwd=PROJECT,
        env={**os.environ, "MODELS": "a\n\x1b[31mb"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stderr == "vision: MODELS is 'a\\n\\x1b[31mb': use all, clear, off\n"


@pytest.mark.parametrize(("environment", "status"), [({"BLOBSIGHT_PARENT": "1"}, 78), ({}, 1)])
def test_a_model_that_cannot_be_used_ends_the_start(tmp_path: Path, environment: dict[str, str], status: int) -> None:
    files = own_files(tmp_path)
    own = {"CLASSIFIER_MODEL": files["no"], "CLASSIFIER_LABELS": files["three"]}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--port", "0"],
        cwd=PROJECT,
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (status, "")
    assert ended.stderr.startswith(f"vision: CLASSIFIER_MODEL is '{files['no']}', which onnxruntime cannot load")
    assert ended.stderr.count("\n") == 1


def test_nothing_is_loaded_for_own_models_that_are_not_there() -> None:
    program = "import sys; from local.vision.recognition.loading import Models; Models({}); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert {"numpy", "onnxruntime", "requests", "cv2", "PIL"}.isdisjoint(modules.stdout.split())


def test_the_stack_hands_own_models_to_its_vision_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service runs in the project's folder, so files are named whole."""
    monkeypatch.chdir(tmp_path)
    for name, value in (("DETECTOR_MODEL", "own.onnx"), ("DETECTOR_LABELS", "/there.txt"), ("CAPTION_MODEL", "llava")):
        monkeypatch.setenv(name, value)
    environment = recipes.vision(Addresses(7071), tmp_path).environment

    assert environment["DETECTOR_MODEL"] == str(tmp_path / "own.onnx")
    assert (environment["DETECTOR_LABELS"], environment["CAPTION_MODEL"]) == ("/there.txt", "llava")
    assert "CLASSIFIER_MODEL" not in environment
