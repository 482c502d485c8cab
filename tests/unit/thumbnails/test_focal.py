"""Thumbnails around the focal point that a correction names: in every mode, on every way, and for nothing."""

import io
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from PIL import Image

from shared import names
from shared.api import image_states
from shared.configuration.parse import Mode
from shared.errors import BusyError
from shared.images import ImageBlob
from shared.pictures import crops, looks
from shared.pictures.crops import Box, Point
from shared.records import corrections
from shared.records.thumbnails import FOCAL, Thumbnail
from shared.thumbnails import on_demand, recut
from shared.uploads import steps

MODES: tuple[Mode, ...] = ("auto", "area", "vision", "center")
RED, GREEN, BLUE = (210, 20, 20), (20, 160, 30), (20, 30, 210)
NAME = "album/a.jpg"
SIZES = "60x60,20x20"
AT_THE_RIGHT = {"x": 200, "y": 0, "w": 100, "h": 100}
LEFT, MIDDLE, RIGHT = [0.1, 0.5], [0.5, 0.5], [0.9, 0.4]


def thirds(*colours: tuple[int, int, int]) -> bytes:
    """A picture of 300x100 pixels in three colours, from left to right."""
    image = Image.new("RGB", (300, 100))
    for number, colour in enumerate(colours):
        image.paste(colour, (100 * number, 0, 100 * number + 100, 100))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


DATA, OTHER = thirds(RED, GREEN, BLUE), thirds(BLUE, GREEN, RED)


def app_of(**settings: str) -> Parts:
    app = parts(**{"THUMBNAIL_SIZES": SIZES, **settings})
    app.vision.area = AT_THE_RIGHT
    return app


def put(app: Parts, data: bytes = DATA) -> None:
    app.images.write(names.IMAGES, NAME, data, content_type="image/jpeg")


def upload(app: Parts, data: bytes = DATA) -> dict[str, str]:
    put(app, data)
    return {each.step: each.state for each in steps.process(app.services, NAME, None)}


def correct(app: Parts, point: list[float] | None) -> None:
    """Write the correction, or take it back."""
    if point is None:
        app.images.delete(names.CORRECTIONS, names.correction(NAME))
    else:
        content = corrections.document(corrections.of_members({"focal": point}), {"name": NAME}, "2026-01-01")
        app.images.write(names.CORRECTIONS, names.correction(NAME), content, content_type=names.JSON)


def corrected(app: Parts, point: list[float] | None) -> None:
    """What `PUT` and `DELETE` of a correction do."""
    correct(app, point)
    recut.recut(app.services, NAME)


def shown(data: bytes) -> str:
    """The colour in the middle of a thumbnail."""
    with Image.open(io.BytesIO(data)) as image:
        found = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    assert isinstance(found, tuple)
    return ("red", "green", "blue")[found.index(max(found))]


def all_shown(app: Parts) -> set[str]:
    stored = app.images.contents(names.THUMBNAILS)
    assert stored
    return {shown(data) for data in stored.values()}


def real_thumbnails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Computer Vision make thumbnails that can be decoded, all blue."""
    monkeypatch.setattr("doubles.fake_vision.thumbnail_bytes", lambda *_: picture("JPEG", 60, 60, colour=BLUE))


@pytest.mark.parametrize(
    ("sides", "shape", "point", "expected"),
    [
        ((300, 100), (50, 50), Point(0.5, 0.5), Box(100, 0, 100, 100)),
        ((300, 100), (50, 50), Point(0.0, 0.9), Box(0, 0, 100, 100)),
        ((300, 100), (50, 50), Point(1.0, 0.0), Box(200, 0, 100, 100)),
        ((300, 100), (50, 50), Point(0.4, 0.0), Box(70, 0, 100, 100)),
        ((100, 300), (50, 50), Point(0.0, 0.25), Box(0, 25, 100, 100)),
        ((100, 100), (50, 50), Point(0.1, 0.9), Box(0, 0, 100, 100)),
        ((4000, 50), (1, 4000), Point(0.5, 0.5), Box(1999.5, 0, 1, 50)),
    ],
)
def test_a_window_has_the_point_in_its_middle_as_far_as_the_edges_let_it(
    sides: tuple[int, int], shape: tuple[int, int], point: Point, expected: Box
) -> None:
    assert crops.around(sides, shape, point) == pytest.approx(expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_focal_point_recuts_every_size_and_format_for_nothing(monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    real_thumbnails(monkeypatch)
    app = app_of(THUMBNAIL_MODE=mode, THUMBNAIL_FORMATS="jpeg,webp")
    upload(app)
    on_demand.thumbnail(app.services, ImageBlob(NAME), Thumbnail(30, 40, "auto", "webp"))
    on_demand.thumbnail(app.services, ImageBlob(NAME), Thumbnail(40, 40, "center"))
    app.vision.asked.clear()
    correct(app, LEFT)
    assert recut.recut(app.services, NAME) == 6
    assert all_shown(app) == {"red"}
    assert not app.vision.asked
    for name in app.images.contents(names.THUMBNAILS):
        info = app.images.head(names.THUMBNAILS, name)
        assert info
        assert info.metadata[FOCAL] == "0.1,0.5"
        assert info.metadata[looks.COLOUR] == "red"
        assert (names.ON_DEMAND in info.metadata) == ("x40" in name)
        assert info.content_type == ("image/webp" if name.endswith("webp") else "image/jpeg")
    assert image_states.of_image(app.services, NAME)["state"] == "complete"
    # A second time there is nothing to do, and no try makes any of them anew.
    assert recut.recut(app.services, NAME) == 0
    assert steps.process(app.services, NAME, None)[1].state == "skipped"


@pytest.mark.parametrize("mode", MODES)
def test_without_the_point_they_are_cut_by_what_is_known_and_nothing_is_paid_or_pending(
    monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    real_thumbnails(monkeypatch)
    app = app_of(THUMBNAIL_MODE=mode)
    upload(app)
    before = {name: shown(data) for name, data in app.images.contents(names.THUMBNAILS).items()}
    correct(app, LEFT)
    recut.recut(app.services, NAME)
    correct(app, None)
    app.vision.asked.clear()
    assert recut.recut(app.services, NAME) == 2
    assert {name: shown(data) for name, data in app.images.contents(names.THUMBNAILS).items()} == before
    assert not app.vision.asked
    assert image_states.of_image(app.services, NAME)["state"] == "complete"
    assert recut.recut(app.services, NAME) == 0


@pytest.mark.parametrize("mode", MODES)
def test_where_nothing_is_known_the_middle_takes_the_place_of_a_point_that_goes(mode: Mode) -> None:
    app = app_of(THUMBNAIL_MODE=mode)
    put(app)
    correct(app, LEFT)
    assert recut.recut(app.services, NAME) == 2
    assert all_shown(app) == {"red"}
    correct(app, None)
    assert recut.recut(app.services, NAME) == 2
    assert all_shown(app) == {"green"}
    assert not app.vision.asked
    app.vision.asked.clear()
    assert upload(app) == {"analysis": "done", "thumbnails": "skipped"}
    assert image_states.of_image(app.services, NAME)["state"] == "complete"


def test_an_upload_without_a_correction_makes_no_request_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of()
    read, seen = app.images.read, []

    def reading(container: str, name: str, **options: Any) -> Any:
        seen.append(container)
        return read(container, name, **options)

    monkeypatch.setattr(app.images, "read", reading)
    assert upload(app) == {"analysis": "done", "thumbnails": "done"}
    assert names.CORRECTIONS not in seen


@pytest.mark.parametrize("mode", MODES)
def test_the_point_stands_when_the_image_is_overwritten(monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    real_thumbnails(monkeypatch)
    app = app_of(THUMBNAIL_MODE=mode)
    upload(app)
    correct(app, LEFT)
    recut.recut(app.services, NAME)
    app.vision.asked.clear()
    assert upload(app, OTHER) == {"analysis": "done", "thumbnails": "done"}
    assert all_shown(app) == {"blue"}
    assert set(app.vision.count()) == {"analyze"}


def test_the_point_holds_for_sizes_that_settings_add_later() -> None:
    app = app_of()
    upload(app)
    correct(app, LEFT)
    recut.recut(app.services, NAME)
    more = restarted(app, THUMBNAIL_SIZES=f"{SIZES},40x30")
    assert [each.state for each in steps.process(more.services, NAME, None)][:2] == ["skipped", "done"]
    assert len(app.images.contents(names.THUMBNAILS)) == 3
    assert all_shown(app) == {"red"}


def test_the_point_holds_for_an_image_that_could_not_be_read_before() -> None:
    app = app_of()
    upload(app, DATA[:200])
    correct(app, LEFT)
    assert recut.recut(app.services, NAME) == 0
    assert upload(app) == {"analysis": "done", "thumbnails": "done"}
    assert all_shown(app) == {"red"}


def test_a_caller_gets_a_thumbnail_around_the_point() -> None:
    app = app_of()
    put(app)
    correct(app, RIGHT)
    for mode in MODES:
        blob, _ = on_demand.thumbnail(app.services, ImageBlob(NAME), Thumbnail(30, 30, mode))
        assert shown(blob.data) == "blue"
    assert not app.vision.asked


def moments(app: Parts, moment: int, work: Callable[[], object], act: Callable[[], object]) -> bool:
    """Do the work, and *act* before that request of it to the account of the images; whether it made so many."""
    left = [moment]
    requests = ("head", "read", "digest", "page", "write", "delete")

    def wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                act()
            return original(*args, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for each in requests:
            patch.setattr(app.images, each, wrapped(getattr(app.images, each)))
        work()
    return left[0] <= 0


@pytest.mark.parametrize("former", [None, LEFT], ids=["without a point", "with another point"])
@pytest.mark.parametrize("then", [RIGHT, None], ids=["set", "taken back"])
def test_a_correction_at_any_moment_of_an_upload_counts_in_the_end(
    former: list[float] | None, then: list[float] | None
) -> None:
    for moment in itertools.count(1):
        app = app_of(THUMBNAIL_MODE="center")
        if former:
            upload(app, OTHER)
            corrected(app, former)
        put(app)
        if not moments(app, moment, partial(steps.process, app.services, NAME, None), partial(corrected, app, then)):
            break
        assert all_shown(app) == ({"blue"} if then else {"green"}), moment
        assert image_states.of_image(app.services, NAME)["state"] == "complete"
    assert moment > 15


def test_a_correction_at_any_moment_of_a_caller_counts_in_the_end() -> None:
    for moment in itertools.count(1):
        app = app_of(THUMBNAIL_MODE="center")
        put(app)
        wanted = Thumbnail(30, 30, "center")
        work = partial(on_demand.thumbnail, app.services, ImageBlob(NAME), wanted)
        if not moments(app, moment, work, partial(corrected, app, RIGHT)):
            break
        assert all_shown(app) == {"blue"}, moment
    assert moment > 7


def test_of_two_corrections_the_later_counts_at_any_moment_of_the_first() -> None:
    for moment in itertools.count(1):
        app = app_of(THUMBNAIL_MODE="center")
        upload(app)
        correct(app, LEFT)
        if not moments(app, moment, partial(recut.recut, app.services, NAME), partial(corrected, app, RIGHT)):
            break
        assert all_shown(app) == {"blue"}, moment
    assert moment > 7


@pytest.mark.parametrize("data", [None, OTHER], ids=["deleted", "overwritten"])
def test_an_image_that_goes_at_any_moment_leaves_nothing_of_it(data: bytes | None) -> None:
    for moment in itertools.count(1):
        app = app_of(THUMBNAIL_MODE="center")
        upload(app)
        correct(app, LEFT)
        act = partial(put, app, data) if data else partial(app.images.delete, names.IMAGES, NAME)
        if not moments(app, moment, partial(recut.recut, app.services, NAME), act):
            break
        steps.process(app.services, NAME, None)
        if data:
            assert all_shown(app) == {"blue"}, moment
        else:
            assert app.images.contents(names.THUMBNAILS) == {}, moment
    assert moment > 7


def test_a_correction_without_a_point_and_one_that_is_none_change_nothing() -> None:
    app = app_of(THUMBNAIL_MODE="center")
    upload(app)
    caption = corrections.document(corrections.of_members({"caption": "a cup"}), {"name": NAME}, "2026-01-01")
    for content in (caption, b"no JSON", b'{"focal": [2, 0.5], "source": {}, "at": ""}', b"[]"):
        app.images.write(names.CORRECTIONS, names.correction(NAME), content, content_type=names.JSON)
        assert recut.recut(app.services, NAME) == 0
    assert all_shown(app) == {"green"}


def test_thumbnails_of_images_below_the_name_are_left_alone() -> None:
    app = app_of(THUMBNAIL_MODE="center")
    upload(app)
    below = names.thumbnail(f"{NAME}/b.jpg", width=60, height=60, smart=False)
    app.images.write(names.THUMBNAILS, below, b"another's", content_type=names.JPEG)
    app.images.write(names.THUMBNAILS, f"{names.thumbnails(NAME)}readme", b"no thumbnail", content_type=names.JPEG)
    correct(app, LEFT)
    assert recut.recut(app.services, NAME) == 2
    assert app.images.contents(names.THUMBNAILS)[below] == b"another's"


def test_a_document_has_none_and_an_image_that_is_gone_neither() -> None:
    app = app_of()
    put(app, b"%PDF-1.7\n")
    correct(app, LEFT)
    assert recut.recut(app.services, NAME) == 0
    app.images.delete(names.IMAGES, NAME)
    assert recut.recut(app.services, NAME) == 0
    assert app.images.contents(names.THUMBNAILS) == {}


def test_a_correction_that_others_write_again_and_again_is_busy() -> None:
    app = app_of(THUMBNAIL_MODE="center")
    upload(app)
    points = iter([[number / 100, 0.5] for number in range(100)])
    read = app.images.read

    def reading(container: str, name: str, **options: Any) -> Any:
        if container == names.CORRECTIONS:
            correct(app, next(points))
        return read(container, name, **options)

    app.images.read = reading  # type: ignore[method-assign]
    with pytest.raises(BusyError):
        recut.recut(app.services, NAME)


def test_every_thumbnail_tells_how_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in MODES:
        real_thumbnails(monkeypatch)
        app = app_of(THUMBNAIL_MODE=mode, THUMBNAIL_FORMATS="jpeg,webp")
        upload(app)
        for name, data in app.images.contents(names.THUMBNAILS).items():
            info = app.images.head(names.THUMBNAILS, name)
            assert info
            assert info.metadata[looks.COLOUR] == shown(data)
            found = looks.of_bytes(data)
            assert found
            assert looks.FLAT in (found.look, info.metadata[looks.LOOK]) or (
                looks.distance(found.look, info.metadata[looks.LOOK]) <= looks.SAME_BITS
            )
