"""The index tells of each image the state that GET /api/images tells, in all kinds of states."""

import random
from collections.abc import Callable, Mapping

import pytest
from doubles.parts import ENVIRONMENT, Parts, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun
from doubles.tiffs import Page, tiff

from shared import names
from shared.api import image_states
from shared.errors import ThrottledError, VisionRefusedError, VisionUnauthorizedError
from shared.images import ImageBlob
from shared.index import derive
from shared.index.entry import ANALYSIS, IMAGE, UNFINISHED, Entry
from shared.index.states import state_of
from shared.records import by_step, unfinished
from shared.records.thumbnails import Thumbnail
from shared.services import App
from shared.settings import Settings
from shared.storage import image_blobs
from shared.thumbnails import on_demand
from shared.uploads import steps

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
ONE_PAGE, TWO_PAGES = tiff(Page(60, 60)), tiff(Page(60, 60), Page(60, 60))
LONG = f"{'l' * 950}.jpg"
# What a person may change after images came.
SETTINGS: Mapping[str, dict[str, str]] = {
    "the same": {},
    "other features": {"VISION_FEATURES": "Faces"},
    "fewer features": {"VISION_FEATURES": "Tags,Description"},
    "other language": {"VISION_LANGUAGE": "de"},
    "text always": {"TEXT_MODE": "always"},
    "text never": {"TEXT_MODE": "never"},
    "another reading order": {"TEXT_READING_ORDER": "basic"},
    "another size": {"THUMBNAIL_SIZES": "200x150,50x50"},
    "a size more": {"THUMBNAIL_SIZES": "200x150,1024x768,50x50"},
    "a size less": {"THUMBNAIL_SIZES": "1024x768"},
    "no thumbnails": {"THUMBNAIL_SIZES": ""},
    "thumbnails of the middle": {"THUMBNAIL_MODE": "center"},
    "thumbnails by Computer Vision": {"THUMBNAIL_MODE": "vision"},
    "a format more": {"THUMBNAIL_FORMATS": "jpeg,webp"},
}


def upload(app: Parts, name: str = "a.jpg", data: bytes = RED) -> str:
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def process(app: Parts, name: str = "a.jpg") -> ReadRun | None:
    """Process an image; the run of its text, if there is text to read."""
    jobs = [outcome.job for outcome in steps.process(app.services, name, None) if outcome.job]
    return ReadRun(app, jobs[0]) if jobs else None


def finish(app: Parts, name: str = "a.jpg") -> None:
    if run := process(app, name):
        run.finish()


def with_settings(app: Parts, **settings: str) -> App:
    return app.services._replace(settings=Settings.from_env({**ENVIRONMENT, **settings}))


def entry_of(services: App, name: str) -> Entry:
    entry = Entry(names.stem(name))
    entry.apply(derive.line_of(services.images, services.settings, services.clock, name))
    return entry


def check(services: App) -> dict[str, str]:
    """Compare the index of each image with what GET /api/images tells; the states, by the images' names."""
    told = {}
    for info in image_blobs.page(services.images, prefix="", limit=1000, continuation=None).items:
        told[info.name] = image_states.of_image(services, info.name)["state"]
        assert state_of(entry_of(services, info.name), services.settings) == told[info.name], info.name
    return told


def untouched(app: Parts) -> str:
    upload(app)
    return "pending"


def complete(app: Parts) -> str:
    upload(app)
    finish(app)
    return "complete"


def long_name(app: Parts) -> str:
    upload(app, LONG)
    finish(app, LONG)
    return "complete"


def edited(app: Parts) -> str:
    upload(app)
    finish(app)
    app.images.edit(names.IMAGES, "a.jpg", metadata={"note": "edited"})
    return "complete"


def edited_without_md5(app: Parts) -> str:
    upload(app)
    finish(app)
    app.images.edit(names.IMAGES, "a.jpg", metadata={"note": "edited"}, md5=None)
    return "complete"


def overwritten(app: Parts) -> str:
    upload(app)
    finish(app)
    upload(app, data=BLUE)
    return "pending"


def overwritten_and_deferred(app: Parts) -> str:
    upload(app)
    finish(app)
    upload(app, data=BLUE)
    app.vision.failing = ThrottledError("Slow down.")
    finish(app)
    return "deferred"


def deferred(app: Parts) -> str:
    upload(app)
    app.vision.failing = ThrottledError("Slow down.")
    finish(app)
    return "deferred"


def failed(app: Parts) -> str:
    upload(app)
    app.vision.failing = VisionRefusedError("No.")
    finish(app)
    return "failed"


def no_picture(app: Parts) -> str:
    upload(app, data=b"no picture at all")
    finish(app)
    return "failed"


def text_due(app: Parts) -> str:
    app.vision.tags = {"text": 0.9}
    upload(app)
    process(app)
    return "pending"


def text_read(app: Parts) -> str:
    app.vision.tags = {"text": 0.9}
    upload(app)
    finish(app)
    return "complete"


def text_without_places(app: Parts) -> str:
    text_read(app)
    app.images.delete(names.TEXT, "a.jpg.json")
    return "pending"


def text_failed(app: Parts) -> str:
    app.vision.tags, app.vision.reads = {"text": 0.9}, [["failed"]]
    upload(app)
    finish(app)
    return "failed"


def text_deferred(app: Parts) -> str:
    app.vision.tags = {"text": 0.9}
    upload(app)
    run = process(app)
    assert run
    app.vision.failures = [VisionUnauthorizedError("wrong key (401)")]
    run.step()
    return "deferred"


def document(app: Parts) -> str:
    upload(app, data=picture("PDF"))
    finish(app)
    return "complete"


def document_due(app: Parts) -> str:
    upload(app, data=TWO_PAGES)
    process(app)
    return "pending"


def document_failed(app: Parts) -> str:
    app.vision.reads = [["failed"]]
    upload(app, data=picture("PDF"))
    finish(app)
    return "failed"


def document_over_a_photograph(app: Parts) -> str:
    text_read(app)
    upload(app, data=picture("PDF"))
    finish(app)
    return "complete"


def photograph_over_a_document(app: Parts) -> str:
    document(app)
    app.vision.tags = {"text": 0.9}
    upload(app)
    process(app)
    return "pending"


def tiff_that_cannot_be_decoded(app: Parts) -> str:
    upload(app, data=ONE_PAGE[: len(ONE_PAGE) // 2])
    process(app)
    return image_states.of_image(app.services, "a.jpg")["state"]


def one_thumbnail_missing(app: Parts) -> str:
    complete(app)
    app.images.delete(names.THUMBNAILS, "a.jpg/200x150-smart.jpg")
    return "pending"


def thumbnails_that_callers_asked_for(app: Parts) -> str:
    complete(app)
    for width, height in ((50, 50), (200, 150)):
        app.images.delete(names.THUMBNAILS, f"a.jpg/{width}x{height}-smart.jpg")
        on_demand.thumbnail(app.services, ImageBlob("a.jpg"), Thumbnail(width, height, "auto"))
    return "complete"


def images_further_down(app: Parts) -> str:
    complete(app)
    upload(app, "a.jpg/b.jpg")
    finish(app, "a.jpg/b.jpg")
    upload(app, "a.jpg/c.jpg")
    return "complete"


def too_large(app: Parts) -> str:
    services = with_settings(app, MAX_UPLOAD_MEGABYTES="1")
    upload(app, data=RED.ljust(2 * 1024 * 1024, b"\0"))
    steps.process(services, "a.jpg", None)
    return "failed"


WORLDS: tuple[Callable[[Parts], str], ...] = (
    untouched,
    complete,
    long_name,
    edited,
    edited_without_md5,
    overwritten,
    overwritten_and_deferred,
    deferred,
    failed,
    no_picture,
    text_due,
    text_read,
    text_without_places,
    text_failed,
    text_deferred,
    document,
    document_due,
    document_failed,
    document_over_a_photograph,
    photograph_over_a_document,
    tiff_that_cannot_be_decoded,
    one_thumbnail_missing,
    thumbnails_that_callers_asked_for,
    images_further_down,
    too_large,
)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_the_index_tells_the_state_that_images_tell(world: Callable[[Parts], str]) -> None:
    app = parts()
    expected = world(app)
    app.vision.failing = None
    told = check(app.services)
    assert told[next(iter(told))] == expected


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_after_a_change_of_settings_too(world: Callable[[Parts], str], settings: str) -> None:
    app = parts()
    world(app)
    check(with_settings(app, **SETTINGS[settings]))


@pytest.mark.parametrize("seed", range(30))
def test_in_any_order_of_things_too(seed: int) -> None:
    """Uploads, deletions, tries that fail and records that go, with other settings in between."""
    chance, app = random.Random(seed), parts()
    data = (RED, BLUE, picture("PDF"), TWO_PAGES, b"no picture at all")
    for _ in range(25):
        name = chance.choice(["a.jpg", "b/c.jpg", LONG])
        services = with_settings(app, **chance.choice(list(SETTINGS.values())))
        app.vision.tags = {"text": chance.choice([0.1, 0.9])}
        app.vision.failing = chance.choice([None, None, ThrottledError("Slow."), VisionRefusedError("No.")])
        match chance.randrange(5):
            case 0 | 1:
                upload(app, name, chance.choice(data))
            case 2 | 3:
                jobs = [outcome.job for outcome in steps.process(services, name, None) if outcome.job]
                for job in jobs:
                    run = ReadRun(app, job)
                    # While Computer Vision throttles, it would wait on and on.
                    run.step() if isinstance(app.vision.failing, ThrottledError) else run.finish()
            case 4:
                for container, record in chance.sample(by_step.places(services.settings, name), 2):
                    app.images.delete(container, record)
        app.clock.advance(chance.choice([0.5, 90.0]))
    app.vision.failing = None
    for settings in SETTINGS.values():
        check(with_settings(app, **settings))


def test_of_parts_of_two_versions_the_latest_counts() -> None:
    """A line that was lost leaves a part of the version before."""
    app = parts()
    complete(app)
    entry = entry_of(app.services, "a.jpg")
    analysis = {**entry.part(ANALYSIS), "v": "01234567"}
    entry.apply({"stem": "a.jpg", "at": entry.at[ANALYSIS] + 1, "parts": {ANALYSIS: analysis}})
    assert state_of(entry, app.services.settings) == "pending"


def test_an_old_entry_has_one_time_for_all_parts_and_its_note_counts() -> None:
    app = parts()
    complete(app)
    entry = entry_of(app.services, "a.jpg")
    specs = by_step.specs(app.services.settings, by_step.ANALYSIS, "a.jpg")
    upload(app, data=b"no picture at all")
    process(app)
    note = entry_of(app.services, "a.jpg").part(f"{UNFINISHED}{by_step.ANALYSIS}")
    assert note["q"]
    assert unfinished.request_of(specs)
    entry.apply({"stem": "a.jpg", "at": entry.at[IMAGE], "parts": {f"{UNFINISHED}{by_step.ANALYSIS}": note}})
    assert len(set(entry.at.values())) == 1
    assert state_of(entry, app.services.settings) == "failed"


def test_an_entry_of_nothing_is_pending() -> None:
    assert state_of(Entry("a.jpg"), parts().services.settings) == "pending"
