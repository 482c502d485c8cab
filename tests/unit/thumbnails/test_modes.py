"""What each mode asks, makes and leaves alone: by uploads and over HTTP, with pictures that can be decoded."""

import io
import json
from typing import Any

import pytest
from doubles.fake_vision import thumbnail_bytes
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from doubles.tiffs import Page, tiff
from PIL import Image

from shared import names
from shared.api import image_states
from shared.configuration.parse import Mode
from shared.errors import (
    ImageRejectedError,
    PayloadTooLargeError,
    ThrottledError,
    VisionRefusedError,
    VisionUnavailableError,
)
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.names import Format
from shared.pictures import converter
from shared.records import by_step
from shared.records.thumbnails import Thumbnail
from shared.thumbnails import on_demand
from shared.uploads import retry_step, steps
from shared.uploads.steps import StepOutcome
from shared.vision import questions
from shared.vision.models import Answer

RED, BLUE = (200, 30, 40), (20, 40, 200)
MODES: tuple[Mode, ...] = ("auto", "area", "vision", "center")
FORMATS: tuple[Format, ...] = ("jpeg", "webp")
SIZES = "60x40,20x20"


def halves(kind: str = "JPEG") -> bytes:
    """A picture of 300x100 pixels, red but for its blue right third."""
    image = Image.new("RGB", (300, 100), RED)
    image.paste(BLUE, (200, 0, 300, 100))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


DATA = halves()
# The blue third, as the service tells it.
AT_THE_RIGHT = {"x": 200, "y": 0, "w": 100, "h": 100}
BLUE_THING = {"rectangle": AT_THE_RIGHT, "object": "square", "confidence": 0.9}
# The bytes of a header and nothing else: v3.2 may take it, the app cannot decode it.
UNDECODABLE = picture("JPEG", 300, 100)[:400]


def app_of(**settings: str) -> Parts:
    app = parts(**{"THUMBNAIL_SIZES": SIZES, **settings})
    app.vision.area = AT_THE_RIGHT
    return app


def upload(app: Parts, data: bytes = DATA, name: str = "a.jpg") -> list[StepOutcome]:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    return process(app, name)


def process(app: Parts, name: str = "a.jpg", **options: Any) -> list[StepOutcome]:
    return steps.process(app.services, name, None, **options)


def ended(outcomes: list[StepOutcome]) -> dict[str, str]:
    return {outcome.step: outcome.state for outcome in outcomes}


def stored(app: Parts) -> dict[str, bytes]:
    return app.images.contents(names.THUMBNAILS)


def asked(app: Parts) -> dict[str, int]:
    """What was asked besides analyses, since the last look."""
    found = {key: count for key, count in app.vision.count().items() if key != "analyze"}
    app.vision.asked.clear()
    return found


def decoded(data: bytes) -> tuple[str, tuple[int, int], str]:
    """The format, the size, and what the middle shows."""
    with Image.open(io.BytesIO(data)) as image:
        red, _, blue = image.convert("RGB").getpixel((image.width // 2, image.height // 2))  # type: ignore[misc]
        return str(image.format), image.size, "red" if red > blue else "blue"


def real_thumbnails(app: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `generateThumbnail` be answered with a picture of its size, all blue."""

    def made(question: questions.Question, image: object) -> bytes:
        told = dict(question.parameters)
        return picture("JPEG", int(told["width"]), int(told["height"]), colour=BLUE)

    monkeypatch.setattr("doubles.fake_vision.thumbnail_bytes", made)


CALLS = {"auto": {"areaOfInterest": 1}, "area": {"areaOfInterest": 1}, "vision": {"generateThumbnail": 2}, "center": {}}


@pytest.mark.parametrize("formats", ["jpeg", "webp", "jpeg,webp"])
@pytest.mark.parametrize("mode", MODES)
def test_an_upload_gets_every_size_in_every_format_for_the_calls_of_its_mode(
    monkeypatch: pytest.MonkeyPatch, mode: Mode, formats: str
) -> None:
    app = app_of(THUMBNAIL_MODE=mode, THUMBNAIL_FORMATS=formats)
    real_thumbnails(app, monkeypatch)
    assert ended(upload(app)) == {"analysis": "done", "thumbnails": "done"}
    kind = "plain" if mode == "center" else "smart"
    endings = {"jpeg": "jpg", "webp": "webp"}
    expected = {
        f"a.jpg/{width}x{height}-{kind}.{endings[form]}": (
            form.upper(),
            (width, height),
            "red" if mode == "center" else "blue",
        )
        for width, height in ((60, 40), (20, 20))
        for form in formats.split(",")
    }
    assert {name: decoded(data) for name, data in stored(app).items()} == expected
    assert asked(app) == CALLS[mode]
    state = image_states.of_image(app.services, "a.jpg")
    assert state["state"] == "complete"
    assert [(each["size"], each["format"]) for each in state["thumbnails"]] == [
        (size, form) for size in SIZES.split(",") for form in formats.split(",")
    ]
    for name in expected:
        info = app.images.head(names.THUMBNAILS, name)
        assert info
        assert info.content_type == f"image/{'jpeg' if name.endswith('jpg') else 'webp'}"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("mode", MODES)
def test_a_caller_gets_it_in_every_mode_and_format_however_the_image_comes(
    monkeypatch: pytest.MonkeyPatch, mode: Mode, form: Format
) -> None:
    app = app_of()
    real_thumbnails(app, monkeypatch)
    app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
    for image in (ImageBlob("a.jpg"), ImageBytes(DATA), ImageBlob("a.jpg"), ImageBytes(DATA)):
        blob, _ = on_demand.thumbnail(app.services, image, Thumbnail(60, 40, mode, form))
        shown = "red" if mode == "center" else "blue"
        assert decoded(blob.data) == (form.upper(), (60, 40), shown)
        assert blob.info.content_type == f"image/{form}"
    calls = {"generateThumbnail": 1} if mode == "vision" else CALLS[mode]
    assert asked(app) == calls


@pytest.mark.parametrize("sizes", ["60x40", "10x10,20x20,30x30,40x40,50x50,60x60"])
def test_boxes_that_the_analysis_was_paid_for_make_all_thumbnails_for_nothing(sizes: str) -> None:
    app = app_of(THUMBNAIL_SIZES=sizes, THUMBNAIL_FORMATS="jpeg,webp")
    app.vision.objects = [BLUE_THING]
    assert ended(upload(app)) == {"analysis": "done", "thumbnails": "done"}
    assert asked(app) == {}
    assert {decoded(data)[2] for data in stored(app).values()} == {"blue"}
    # Later, and of the same bytes under another name or over HTTP.
    on_demand.thumbnail(app.services, ImageBlob("a.jpg"), Thumbnail(77, 33, "auto"))
    on_demand.thumbnail(app.services, ImageBytes(DATA), Thumbnail(77, 33, "auto"))
    assert ended(upload(app, name="b.jpg")) == {"analysis": "done", "thumbnails": "done"}
    assert asked(app) == {}
    assert app.host.contents(names.CACHE).keys() == {
        names.claim(ImageBytes(DATA).subject, questions.analyze(["Tags", "Description", "Objects"]).key)
    }, "the thumbnail is stored once"


def test_of_a_known_picture_a_size_a_format_and_a_copy_cost_nothing() -> None:
    app = app_of()
    upload(app)
    assert asked(app) == {"areaOfInterest": 1}
    more = restarted(app, THUMBNAIL_SIZES=f"{SIZES},30x30", THUMBNAIL_FORMATS="jpeg,webp")
    assert ended(process(more)) == {"analysis": "skipped", "thumbnails": "done"}
    assert ended(upload(more, name="copy.jpg")) == {"analysis": "done", "thumbnails": "done"}
    assert len(stored(app)) == 12
    assert asked(app) == {}


def test_a_copy_of_what_the_version_before_made_thumbnails_of_is_paid_no_more() -> None:
    app = app_of(THUMBNAIL_MODE="vision")
    upload(app)
    made = sorted(stored(app).values())
    asked(app)
    now = restarted(app, THUMBNAIL_SIZES=SIZES)
    upload(now, name="copy.jpg")
    assert asked(app) == {}
    assert sorted(data for name, data in stored(app).items() if name.startswith("copy.jpg/")) == made


# A change of the mode: what becomes pending, and what it costs then.
@pytest.mark.parametrize(
    ("before", "after", "is_pending", "calls"),
    [
        *((mode, mode, False, {}) for mode in MODES),
        ("vision", "auto", False, {}),
        ("vision", "area", False, {}),
        ("vision", "center", True, {}),
        ("auto", "area", False, {}),  # it was cut around an area of interest, as there were no boxes
        ("area", "auto", False, {}),
        ("auto", "vision", True, {"generateThumbnail": 2}),
        ("area", "vision", True, {"generateThumbnail": 2}),
        ("auto", "center", True, {}),
        ("center", "auto", True, {"areaOfInterest": 1}),
        ("center", "vision", True, {"generateThumbnail": 2}),
    ],
)
def test_a_change_of_the_mode_leaves_what_holds(
    before: Mode, after: Mode, is_pending: bool, calls: dict[str, int]
) -> None:
    app = app_of(THUMBNAIL_MODE=before)
    upload(app)
    asked(app)
    now = restarted(app, THUMBNAIL_SIZES=SIZES, THUMBNAIL_MODE=after)
    state = image_states.of_image(now.services, "a.jpg")
    assert state["state"] == ("pending" if is_pending else "complete")
    if is_pending:
        assert {each["reason"]["code"] for each in state["thumbnails"]} == {"settings_changed"}
    assert ended(process(now)) == {"analysis": "skipped", "thumbnails": "done" if is_pending else "skipped"}
    assert asked(app) == calls
    assert image_states.of_image(now.services, "a.jpg")["state"] == "complete"


def test_a_crop_around_boxes_does_not_answer_for_an_area() -> None:
    app = app_of()
    app.vision.objects = [BLUE_THING]
    upload(app)
    now = restarted(app, THUMBNAIL_SIZES=SIZES, THUMBNAIL_MODE="area")
    assert image_states.of_image(now.services, "a.jpg")["state"] == "pending"
    process(now)
    assert asked(app) == {"areaOfInterest": 1}
    assert image_states.of_image(app.services, "a.jpg")["state"] == "complete"


def test_the_older_setting_is_the_mode_center_and_keeps_what_it_had_made() -> None:
    app = app_of()
    asked_for = Thumbnail(60, 40, "center").asked
    app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
    now = restarted(app, THUMBNAIL_SIZES="60x40", THUMBNAIL_SMART="false")
    process(now)
    place = "a.jpg/60x40-plain.jpg"
    info = app.images.head(names.THUMBNAILS, place)
    assert info
    # As the version before has left it.
    app.images.write(
        names.THUMBNAILS,
        place,
        b"former",
        content_type="image/jpeg",
        metadata={**info.metadata, names.REQUEST: asked_for.key},
    )
    assert ended(process(now))["thumbnails"] == "skipped"
    assert asked(app) == {}


# What the app cannot decode.


@pytest.mark.parametrize("mode", MODES)
def test_what_goes_untouched_and_cannot_be_decoded_is_left_to_the_service(mode: Mode) -> None:
    app = app_of(THUMBNAIL_MODE=mode)
    assert ended(upload(app, UNDECODABLE)) == {"analysis": "done", "thumbnails": "done"}
    assert asked(app) == {"generateThumbnail": 2}
    smart = mode != "center"
    question = questions.thumbnail(60, 40, smart_cropping=smart)
    assert stored(app)[f"a.jpg/60x40-{'smart' if smart else 'plain'}.jpg"] == thumbnail_bytes(
        question, ImageBytes(UNDECODABLE)
    )
    # Made by the service, they hold in each mode of their kind.
    others: tuple[Mode, ...] = ("auto", "area", "vision") if smart else ("center",)
    for other in others:
        again = restarted(app, THUMBNAIL_SIZES=SIZES, THUMBNAIL_MODE=other)
        assert image_states.of_image(again.services, "a.jpg")["state"] == "complete"
    assert asked(app) == {}


def test_nothing_is_paid_for_what_neither_can_make() -> None:
    app = app_of(THUMBNAIL_SIZES="2000x10,60x40")
    outcomes = {outcome.step: outcome for outcome in upload(app, UNDECODABLE)}
    assert (outcomes["thumbnails"].state, outcomes["thumbnails"].code) == ("failed", "image_unreadable")
    assert list(stored(app)) == ["a.jpg/60x40-smart.jpg"]
    assert asked(app) == {"generateThumbnail": 1}
    broken = halves("WEBP")[:-400]
    with pytest.raises(ImageRejectedError):
        on_demand.thumbnail(app.services, ImageBytes(broken), Thumbnail(60, 40, "auto"))
    assert asked(app) == {}


def test_the_picture_is_decoded_once_for_all_and_never_where_all_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of(THUMBNAIL_FORMATS="jpeg,webp")
    decoded_sizes: list[Any] = []
    real = converter.Converter.reduced

    def counted(self: converter.Converter, data: bytes, header: Any, sizes: Any, sent: Any) -> Any:
        decoded_sizes.append(list(sizes))
        return real(self, data, header, sizes, sent)

    monkeypatch.setattr(converter.Converter, "reduced", counted)
    upload(app)
    process(app)
    on_demand.thumbnail(app.services, ImageBlob("a.jpg"), Thumbnail(60, 40, "auto"))
    assert decoded_sizes == [[(60, 40), (60, 40), (20, 20), (20, 20)]]


def test_a_thumbnail_is_never_enlarged() -> None:
    app = app_of(THUMBNAIL_SIZES="4096x2048", THUMBNAIL_MODE="center")
    upload(app)
    assert decoded(stored(app)["a.jpg/4096x2048-plain.jpg"])[1] == (200, 100)


# Addresses.


@pytest.mark.parametrize("mode", MODES)
def test_an_address_is_the_services_in_every_mode(mode: Mode) -> None:
    app = app_of()
    image = ImageUrl("https://example.com/a.jpg")
    blob, _ = on_demand.thumbnail(app.services, image, Thumbnail(60, 40, mode))
    assert blob.data == thumbnail_bytes(questions.thumbnail(60, 40, smart_cropping=mode != "center"), image)
    assert asked(app) == {"generateThumbnail": 1}


def test_bytes_beyond_the_limit_are_refused_in_the_mode_that_asks_nothing_too() -> None:
    app = app_of(MAX_UPLOAD_MEGABYTES="1")
    with pytest.raises(PayloadTooLargeError):
        on_demand.thumbnail(app.services, ImageBytes(DATA.ljust(2**20 + 1, b"\0")), Thumbnail(60, 40, "center"))


# What is stored of bytes under their digest.


def digest_place(mode: str = "smart") -> str:
    return f"by-sha256/{ImageBytes(DATA).subject}/60x40-{mode}.jpg"


@pytest.mark.parametrize("mode", ["auto", "area", "vision"])
def test_what_the_version_before_has_stored_of_bytes_holds(mode: Mode) -> None:
    app = app_of()
    app.images.write(names.THUMBNAILS, digest_place(), b"former", content_type="image/jpeg")
    blob, _ = on_demand.thumbnail(app.services, ImageBytes(DATA), Thumbnail(60, 40, mode))
    assert (blob.data, asked(app)) == (b"former", {})


@pytest.mark.parametrize("image", [ImageBlob("a.jpg"), ImageBytes(DATA)], ids=["blob", "bytes"])
def test_a_crop_by_the_app_does_not_answer_vision_and_its_successor_holds_for_all(
    image: ImageBlob | ImageBytes,
) -> None:
    app = app_of()
    app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
    cut, _ = on_demand.thumbnail(app.services, image, Thumbnail(60, 40, "auto"))
    asked(app)
    made, _ = on_demand.thumbnail(app.services, image, Thumbnail(60, 40, "vision"))
    assert asked(app) == {"generateThumbnail": 1}
    assert (made.info.name, made.data == cut.data) == (cut.info.name, False)
    for mode in ("vision", "auto", "area"):
        again, _ = on_demand.thumbnail(app.services, image, Thumbnail(60, 40, mode))
        assert again.data == made.data
    assert asked(app) == {}


@pytest.mark.parametrize("image", [ImageBlob("a.jpg"), ImageBytes(DATA)], ids=["blob", "bytes"])
def test_callers_who_race_for_one_thumbnail_get_the_same_and_pay_once(image: ImageBlob | ImageBytes) -> None:
    app = app_of()
    app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
    wanted = Thumbnail(60, 40, "auto")
    others: list[bytes] = []

    def another(*_: object) -> None:
        # Just before the first one writes its own.
        app.images.before = None
        others.append(on_demand.thumbnail(app.services, image, wanted)[0].data)

    app.images.before = lambda operation, container, name: (
        another() if (operation, container) == ("write", names.THUMBNAILS) else None
    )
    first, _ = on_demand.thumbnail(app.services, image, wanted)
    assert others == [first.data]
    assert asked(app) == {"areaOfInterest": 1}
    assert len(stored(app)) == 1


# An analysis that is put off or was refused.


def test_thumbnails_wait_for_the_analysis_that_is_put_off_with_its_error_and_without_a_call() -> None:
    app = app_of()
    app.vision.failures = [ThrottledError("Slow down.")]
    outcomes = upload(app)
    assert [(each.step, each.state, each.code) for each in outcomes] == [
        ("analysis", "deferred", "vision_throttled"),
        ("thumbnails", "deferred", "vision_throttled"),
    ]
    assert asked(app) == {}
    assert len(app.vision.asked) == 0
    app.clock.advance(60)
    assert ended(process(app)) == {"analysis": "done", "thumbnails": "done"}


def test_boxes_of_a_record_by_other_settings_are_in_hand_while_the_analysis_is_put_off() -> None:
    app = app_of()
    app.vision.objects = [BLUE_THING]
    upload(app)
    app = restarted(app, THUMBNAIL_SIZES="60x40,30x30", VISION_LANGUAGE="de", VISION_STOP="true")
    app.vision.failing = VisionUnavailableError("Down.")
    assert ended(process(app)) == {"analysis": "deferred", "thumbnails": "done"}
    assert decoded(stored(app)["a.jpg/30x30-smart.jpg"])[2] == "blue"
    assert asked(app) == {}


def test_thumbnails_whose_turn_comes_before_the_analysis_is_there_wait_for_its_boxes() -> None:
    app = app_of()
    app.vision.objects = [BLUE_THING]
    app.vision.failures = [ThrottledError("Slow down.")]
    upload(app)
    app.clock.advance(60)
    backlog = app.host.contents(names.QUOTA)
    early: list[StepOutcome] = []

    def meanwhile(question: object, image: object) -> None:
        early.extend(process(app, only=("thumbnails",), from_backlog=True))

    app.vision.at_call = meanwhile
    assert ended(process(app, only=("analysis",), from_backlog=True)) == {"analysis": "done"}
    (waiting,) = early
    assert (waiting.state, waiting.code) == ("deferred", "backlog")
    assert waiting.appointment
    assert waiting.appointment.seconds == pytest.approx(5.0)
    assert app.host.contents(names.QUOTA) == backlog
    assert ended(process(app, only=("thumbnails",), from_backlog=True)) == {"thumbnails": "done"}
    assert asked(app) == {}


@pytest.mark.parametrize(("mode", "calls"), [("auto", {"areaOfInterest": 1}), ("center", {})])
def test_thumbnails_do_not_wait_for_an_analysis_that_failed_or_in_another_mode(
    mode: Mode, calls: dict[str, int]
) -> None:
    app = app_of(THUMBNAIL_MODE=mode)
    error = VisionRefusedError("No such model.") if mode == "auto" else ThrottledError("Slow down.")
    app.vision.failures = [error]
    app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
    process(app, only=("analysis",))
    assert ended(process(app, only=("thumbnails",), from_backlog=True)) == {"thumbnails": "done"}
    assert asked(app) == calls


def test_an_area_of_interest_that_is_not_told_is_asked_for_once_for_all_sizes() -> None:
    app = app_of(THUMBNAIL_MODE="area", THUMBNAIL_FORMATS="jpeg,webp")
    app.vision.failing = VisionUnavailableError("Down.")
    assert ended(upload(app)) == {"analysis": "deferred", "thumbnails": "deferred"}
    assert asked(app) == {"areaOfInterest": 1}
    app.vision.failing = None
    app.clock.advance(60)
    assert ended(process(app)) == {"analysis": "done", "thumbnails": "done"}


@pytest.mark.parametrize("mode", ["area", "vision", "center"])
def test_in_other_modes_they_wait_for_nothing(mode: Mode) -> None:
    app = app_of(THUMBNAIL_MODE=mode)
    app.vision.failures = [ThrottledError("Slow down.")]
    assert ended(upload(app)) == {"analysis": "deferred", "thumbnails": "done"}


def test_an_analysis_that_fails_for_another_reason_leaves_one_area_of_interest() -> None:
    app = app_of()
    app.vision.failures = [VisionRefusedError("No such model.")]
    assert ended(upload(app)) == {"analysis": "failed", "thumbnails": "done"}
    assert asked(app) == {"areaOfInterest": 1}


def test_a_paid_answer_that_names_no_place_does_not_keep_thumbnails_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of()
    answer = app.vision.ask

    def unreadable(question: questions.Question, image: Any, **options: Any) -> Answer:
        told = answer(question, image, **options)
        return told._replace(body=b'{"areaOfInterest": 1}') if question.operation == "areaOfInterest" else told

    monkeypatch.setattr(app.vision, "ask", unreadable)
    assert ended(upload(app)) == {"analysis": "done", "thumbnails": "done"}
    assert asked(app) == {"areaOfInterest": 1}


def refused_before(app: Parts) -> None:
    """An image that the service has refused, as the version before refused a HEIC, and that it takes by now."""
    app.vision.failures = [ImageRejectedError("No.", code="format_not_supported")]
    assert ended(upload(app)) == {"analysis": "failed"}
    subject, question = ImageBytes(DATA).subject, questions.analyze(["Tags", "Description", "Objects"])
    app.services.answers.forget_refusal(subject, question)
    note = app.images.contents(names.UNFINISHED)["analysis/a.jpg.json"]
    info = app.images.head(names.UNFINISHED, "analysis/a.jpg.json")
    assert info
    reopened = json.dumps({**json.loads(note), "state": "deferred", "until": None}).encode()
    metadata = {**info.metadata, "state": "deferred"}
    app.images.write(names.UNFINISHED, info.name, reopened, content_type=names.JSON, metadata=metadata)


def test_a_retry_of_an_analysis_that_had_blamed_the_image_makes_the_thumbnails_too() -> None:
    app = app_of()
    refused_before(app)
    assert ended(process(app, only=("analysis",), from_backlog=True)) == {"analysis": "done", "thumbnails": "done"}
    assert image_states.of_image(app.services, "a.jpg")["state"] == "complete"


def test_it_does_so_where_the_analysis_was_put_off_in_between() -> None:
    app = app_of()
    refused_before(app)
    app.vision.failures = [ThrottledError("Slow down.")]
    assert ended(process(app, only=("analysis",), from_backlog=True)) == {"analysis": "deferred"}
    assert ended(process(app, only=("analysis",), from_backlog=True)) == {"analysis": "done", "thumbnails": "done"}


def test_its_thumbnails_that_are_put_off_have_an_appointment_of_their_own() -> None:
    app = app_of()
    refused_before(app)

    def at_call(question: questions.Question, image: object) -> None:
        if question.operation == "areaOfInterest":
            raise ThrottledError("Slow down.")

    app.vision.at_call = at_call
    work: Any = {"name": "a.jpg", "steps": ["analysis"], "key": "k", "attempts": 1, "crash": None}
    outcome, left = retry_step._retry(app.services, work)
    assert outcome["state"] == "ended"
    assert [each.steps for each in left] == [("thumbnails",)]  # type: ignore[union-attr]


def test_of_an_image_without_that_past_a_retry_of_the_analysis_is_that_alone() -> None:
    app = app_of()
    app.vision.failures = [VisionRefusedError("No.")]
    app.images.write(names.IMAGES, "a.jpg", DATA, content_type="image/jpeg")
    process(app, only=("analysis",))
    assert ended(process(restarted(app, VISION_FEATURES="Faces"), only=("analysis",))) == {"analysis": "done"}


# Notes and appointments of other questions that hold.


def test_a_deferred_image_keeps_its_appointments_and_attempts_when_fewer_features_are_asked_for() -> None:
    """As the version before left it: six features, each thumbnail by a call."""
    features = "Categories,Tags,Description,Color,ImageType,Objects"
    app = app_of(THUMBNAIL_MODE="vision", VISION_FEATURES=features)
    app.vision.failing = ThrottledError("Slow down.", retry_after_seconds=3600.0)
    before = upload(app)
    now = restarted(app, THUMBNAIL_SIZES=SIZES)
    state = image_states.of_image(now.services, "a.jpg")
    assert [state["analysis"]["state"], *(each["state"] for each in state["thumbnails"])] == ["deferred"] * 3
    app.clock.advance(60.0)
    after = process(now)
    ids = [[each.appointment and each.appointment.instance_id for each in outcomes] for outcomes in (before, after)]
    assert ids[0] == ids[1]
    for each in after:
        assert each.appointment
        assert each.appointment.attempts == 2
        assert each.appointment.seconds == pytest.approx(3540.0, abs=60.0)
    app.clock.advance(3600.0)
    app.vision.failing = None
    assert ended(process(now)) == {"analysis": "done", "thumbnails": "done"}
    assert app.images.contents(names.UNFINISHED) == {}


def test_what_failed_with_more_features_stays_failed_with_fewer() -> None:
    app = app_of(VISION_FEATURES="Tags,Description,Objects,Brands", THUMBNAIL_MODE="vision")
    app.vision.failing = VisionRefusedError("No.")
    upload(app)
    now = restarted(app, THUMBNAIL_SIZES=SIZES)
    app.vision.failing = None
    app.vision.asked.clear()
    assert ended(process(now)) == {"analysis": "failed", "thumbnails": "failed"}
    assert app.vision.asked == []
    more = restarted(app, THUMBNAIL_SIZES=SIZES, VISION_FEATURES="Faces")
    assert image_states.of_image(more.services, "a.jpg")["analysis"]["state"] == "pending"


def test_no_call_means_no_place_in_the_backlog() -> None:
    app = app_of()
    counts = {
        mode: by_step.calls(restarted(app, THUMBNAIL_SIZES=SIZES, THUMBNAIL_MODE=mode).services.settings, "thumbnails")
        for mode in MODES
    }
    assert counts == {"auto": 1, "area": 1, "vision": 2, "center": 0}


# TIFFs.

ONE_PAGE = picture("TIFF", 300, 100)
TWO_PAGES = tiff(Page(60, 60), Page(60, 60))


def text_only_of_before(app: Parts) -> None:
    """Records as the version before has left them of a TIFF, which was a document to it."""
    app.images.write(names.IMAGES, "a.tif", ONE_PAGE, content_type="image/tiff")
    subject = ImageBytes(ONE_PAGE).subject
    asked_for = questions.read(reading_order="natural")
    for ending in ("txt", "json"):
        info = app.images.head(names.IMAGES, "a.tif")
        assert info
        metadata = {
            names.SOURCE_ETAG: info.etag,
            names.SOURCE_SHA256: subject,
            names.REQUEST: asked_for.key,
            names.TEXT_ONLY: "true",
        }
        app.images.write(names.TEXT, f"a.tif.{ending}", b"", content_type=names.JSON, metadata=metadata)


@pytest.mark.parametrize("mode", ["auto", "always", "never"])
def test_a_tiff_of_one_page_is_a_photo_whose_text_is_read_whatever_the_setting(mode: str) -> None:
    app = app_of(TEXT_MODE=mode)
    outcomes = upload(app, ONE_PAGE, "a.tif")
    assert ended(outcomes) == {"analysis": "done", "thumbnails": "done", "text": "due"}
    assert len(stored(app)) == 2
    job = outcomes[-1].job
    assert job
    assert not job.text_only


def test_one_of_pages_is_a_document() -> None:
    assert ended(upload(app_of(), TWO_PAGES, "a.tif")) == {"text": "due"}


def test_one_that_was_a_document_to_the_version_before_stays_one() -> None:
    app = app_of()
    text_only_of_before(app)
    assert image_states.of_image(app.services, "a.tif")["state"] == "complete"
    assert ended(process(app, "a.tif")) == {"text": "skipped"}
    assert app.vision.asked == []
    # Other bytes under its name are a photo.
    assert ended(upload(app, picture("TIFF", 200, 100), "a.tif"))["thumbnails"] == "done"


def test_one_that_cannot_be_decoded_keeps_its_text() -> None:
    app = app_of()
    # Compressed as the app cannot decode it; Read may.
    outcomes = upload(app, tiff(Page(60, 60, compression=34661)), "a.tif")
    assert ended(outcomes) == {"analysis": "failed", "text": "due"}
    state = image_states.of_image(app.services, "a.tif")
    assert (state["analysis"]["problem"]["code"], state["text"]["state"]) == ("image_unreadable", "pending")
    assert ended(process(app, "a.tif")) == {"analysis": "failed", "text": "due"}
    assert app.vision.asked == []
