"""Which blobs are images, and whether their bytes can be had."""

from collections.abc import Mapping

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs
from doubles.parts import Parts, parts
from doubles.pictures import picture

from shared import names
from shared.api import image_states, unfinished_entries
from shared.errors import NotFoundError
from shared.services import App
from shared.storage import image_blobs
from shared.uploads import rescue, steps

RED = picture(colour=(200, 0, 0))
MARKER = {"hdi_isfolder": "true"}
FOLDERS: list[tuple[str, Mapping[str, str]]] = [
    ("album", MARKER),
    ("album", {"Hdi_IsFolder": "True"}),
    ("album_$folder$", {}),
    ("deep/album/", {}),
]


@pytest.fixture
def app() -> Parts:
    return parts(THUMBNAIL_SIZES="100x50")


def put(app: Parts, name: str, data: bytes = b"", metadata: Mapping[str, str] | None = None) -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg", metadata=metadata)


def listed(services: App) -> list[str]:
    return [image["name"] for image in image_states.page(services, limit=200)["images"]]


@pytest.mark.parametrize(("name", "metadata"), FOLDERS)
def test_a_folder_marker_is_no_image(app: Parts, name: str, metadata: Mapping[str, str]) -> None:
    put(app, name, metadata=metadata)
    put(app, "z.jpg", RED)
    for data in (b"", None):
        assert steps.process(app.services, name, data) == []
    assert all(app.images.contents(container) == {} for container in names.OUTPUTS)
    assert app.vision.asked == []
    assert listed(app.services) == ["z.jpg"]
    for ask in (image_states.of_image, lambda services, name: image_blobs.read(services.images, name, most=9)):
        with pytest.raises(NotFoundError) as caught:
            ask(app.services, name)
        assert caught.value.code == "image_not_found"


@pytest.mark.parametrize(("name", "metadata"), [*FOLDERS, ("a.jpg", {"hdi_isfolder": "false"})])
def test_what_has_bytes_is_judged_by_its_bytes(app: Parts, name: str, metadata: Mapping[str, str]) -> None:
    put(app, name, RED, metadata)
    assert [outcome.state for outcome in steps.process(app.services, name, RED)] == ["done", "done"]
    assert image_states.of_image(app.services, name)["state"] == "complete"
    assert listed(app.services) == [name]


@pytest.mark.parametrize("metadata", [{}, {"hdi_isfolder": "false"}, {"isfolder": "true"}])
def test_an_empty_file_is_no_folder(app: Parts, metadata: Mapping[str, str]) -> None:
    put(app, "a.jpg", metadata=metadata)
    (outcome,) = steps.process(app.services, "a.jpg", b"")
    assert (outcome.state, outcome.code) == ("failed", "image_empty")


def test_an_image_that_became_a_folder_leaves_no_record(app: Parts) -> None:
    put(app, "album", RED)
    steps.process(app.services, "album", RED)
    put(app, "album", metadata=MARKER)
    assert steps.process(app.services, "album", b"") == []
    assert all(app.images.contents(container) == {} for container in names.OUTPUTS)


def test_what_an_earlier_version_has_noted_of_a_folder_is_shown_no_longer(app: Parts) -> None:
    put(app, "album")
    steps.process(app.services, "album", b"")
    (entry,) = unfinished_entries.find(app.services, "album", None)
    assert entry.document["code"] == "image_empty"
    app.images.tell(names.IMAGES, "album", metadata=MARKER)  # type: ignore[arg-type]
    assert unfinished_entries.find(app.services, "album", None) == []
    assert unfinished_entries.page(app.services, unfinished_entries.Filter(), limit=10) == ([], None)


def test_a_folder_whose_event_was_given_up_is_dropped(app: Parts) -> None:
    put(app, "album", metadata=MARKER)
    message = b'{"Type":"BlobTrigger","FunctionId":"AnalyzeOnUpload","ContainerName":"images","BlobName":"album"}'
    assert rescue.rescue(app.services, message) == []
    assert app.images.contents(names.UNFINISHED) == {}


def test_folders_shorten_a_page_and_hide_no_image(clock: FakeClock) -> None:
    blobs = MemoryBlobs(clock)
    for name, data in (("a/", b""), ("a/1.jpg", RED), ("b/", b""), ("b/1.jpg", RED)):
        blobs.write(names.IMAGES, name, data, content_type="image/jpeg")
    found, continuation = [], None
    while True:
        page = image_blobs.page(blobs, prefix="", limit=1, continuation=continuation)
        found += [info.name for info in page.items]
        continuation = page.continuation
        if continuation is None:
            break
    assert found == ["a/1.jpg", "b/1.jpg"]
