import io
import json
from typing import Any

import pytest
from doubles.clock import FakeClock
from doubles.parts import ENVIRONMENT, parts
from doubles.pictures import picture
from PIL import Image

from shared import names
from shared.durable import read_job
from shared.images import ImageBytes
from shared.records import analysis
from shared.records.versions import Source
from shared.settings import Settings
from shared.uploads import steps
from shared.vision.models import Analysis, Answer


def settings(**environment: str) -> Settings:
    return Settings.from_env({**ENVIRONMENT, **environment})


def seen(**body: Any) -> Analysis:
    return Analysis.of(body)


SIGN = seen(tags=[{"name": "text", "confidence": 0.5}])
FAINT = seen(tags=[{"name": "text", "confidence": 0.49}, {"name": "textile", "confidence": 1.0}])
PAGE = seen(categories=[{"name": "text_sign", "score": 0.01}])
LANDSCAPE = seen(categories=[{"name": "outdoor_"}], tags=[{"name": "sky", "confidence": 1.0}])


@pytest.mark.parametrize(
    ("found", "mode", "content_type", "expected"),
    [
        (SIGN, "auto", "image/jpeg", True),
        (FAINT, "auto", "image/jpeg", False),
        (PAGE, "auto", "image/png", True),
        (LANDSCAPE, "auto", "image/jpeg", False),
        (LANDSCAPE, "always", "image/bmp", True),
        (SIGN, "never", "image/jpeg", False),
        (SIGN, "auto", "image/gif", False),
        (SIGN, "always", "image/gif", False),
        (seen(tags=[{"name": "text"}]), "auto", "image/jpeg", False),
    ],
)
def test_whether_there_is_text_to_read(found: Analysis, mode: str, content_type: str, expected: bool) -> None:
    assert analysis.has_text(found, content_type, mode) is expected


def test_the_question_follows_the_settings() -> None:
    asked = analysis.question(settings(VISION_FEATURES="Tags", VISION_LANGUAGE="es", VISION_MODEL_VERSION="2021-05-01"))
    assert dict(asked.parameters) == {"visualFeatures": "Tags", "language": "es", "model-version": "2021-05-01"}


def test_the_record_holds_what_was_asked_of_which_bytes_and_when(clock: FakeClock) -> None:
    result = {"tags": [{"name": "text", "confidence": 0.9}], "requestId": "id-1", "modelVersion": "2021-05-01", "x": 1}
    source = Source("2026/a.png", "0x1", ImageBytes(picture("PNG", 120, 80)))
    chosen = settings(VISION_FEATURES="Tags")
    spec = analysis.spec(source.name, chosen)
    usage = {"Tags": 1, "Objects": 1, "Transaction": 1}
    answer = Answer("application/json", json.dumps(result).encode(), "id-1", usage=usage)
    record = json.loads(analysis.document(source, answer, chosen, clock))
    assert (spec.container, spec.name, spec.content_type) == ("analysis", "2026/a.png.json", names.JSON)
    assert record == {
        "source": {
            "name": "2026/a.png",
            "etag": "0x1",
            "sha256": source.image.subject,
            "bytes": len(source.image.data),
            "width": 120,
            "height": 80,
            "contentType": "image/png",
        },
        "sent": {"kind": "PNG", "width": 120, "height": 80, "bytes": source.size, "untouched": True},
        "request": {"features": ["Tags"], "language": "en", "modelVersion": "latest"},
        "result": result,
        "text": "due",
        "service": {"requestId": "id-1", "modelVersion": "2021-05-01", "calls": 1, "billed": 2, "usage": usage},
        "at": "2026-01-01T00:00:00+00:00",
    }


def test_an_answer_that_was_paid_for_earlier_counts_no_call_and_no_transaction(clock: FakeClock) -> None:
    source = Source("a.jpg", "0x1", ImageBytes(picture()))
    kept = Answer("application/json", b"{}", "id-1", paid=False)
    record = json.loads(analysis.document(source, kept, settings(), clock))
    service = record["service"]
    assert (service["calls"], service["billed"], service["usage"]) == (0, 0, {})
    assert record["text"] == "none"


def test_an_upload_is_billed_by_its_features_and_a_copy_of_it_by_nothing() -> None:
    app = parts()
    for name in ("a.png", "copy.png"):
        app.images.write(names.IMAGES, name, picture("PNG"), content_type="image/png")
        steps.process(app.services, name, picture("PNG"), only=("analysis",))
    price = len(app.services.settings.vision_features)
    found = [
        json.loads(app.images.contents(names.ANALYSIS)[names.analysis(name)])["service"]
        for name in ("a.png", "copy.png")
    ]
    assert [(each["billed"], each["usage"]) for each in found] == [(price, {"Transaction": price}), (0, {})]


@pytest.mark.parametrize(("mode", "due"), [("auto", True), ("never", False)])
def test_a_changed_text_mode_counts_for_analyses_that_are_there(mode: str, due: bool, clock: FakeClock) -> None:
    """The record says what was due when it was written; the result in it tells what is due now."""
    result = {"tags": [{"name": "text", "confidence": 0.9}]}
    source = Source("a.jpg", "0x1", ImageBytes(picture()))
    answer = Answer("application/json", json.dumps(result).encode(), "id-1")
    record = analysis.document(source, answer, settings(TEXT_MODE="never"), clock)
    assert json.loads(record)["text"] == "none"
    assert analysis.text_due(record, mode) is due


def test_a_record_tells_when_the_image_was_uploaded_and_taken() -> None:
    app = parts()
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:17 09:08:07"
    file = io.BytesIO()
    Image.new("RGB", (80, 60), (90, 140, 30)).save(file, "JPEG", exif=exif.tobytes())
    for name, data in (("photo.jpg", file.getvalue()), ("drawing.png", picture("PNG")), ("scan.pdf", b"%PDF-1.7\n")):
        app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    at = {each.name: each.modified for each in app.images.page(names.IMAGES).items}
    app.clock.advance(3600)
    for name, data in (("photo.jpg", file.getvalue()), ("drawing.png", None)):
        steps.process(app.services, name, data, only=("analysis",))
        source = json.loads(app.images.contents(names.ANALYSIS)[names.analysis(name)])["source"]
        uploaded = at[name]
        assert uploaded
        assert source["uploaded"] == uploaded.isoformat()
        assert source.get("taken") == ("2024-05-17T09:08:07" if name == "photo.jpg" else None)
    (due,) = steps.process(app.services, "scan.pdf", None)
    assert due.job
    assert due.job.source["uploaded"] == (at["scan.pdf"] and at["scan.pdf"].isoformat())
    assert due.job == read_job.Job.from_json(due.job.to_json())
