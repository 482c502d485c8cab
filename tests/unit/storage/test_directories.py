"""Directories that are left empty, in an account where they are real."""

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs
from doubles.parts import parts
from doubles.pictures import picture

from shared import names
from shared.errors import ConflictError, StorageNameTakenError
from shared.lifecycle import deletion
from shared.records import by_step
from shared.storage import directories
from shared.uploads import steps
from shared.uploads.steps import StepOutcome


@pytest.fixture
def lake() -> MemoryBlobs:
    blobs = MemoryBlobs(FakeClock())
    blobs.has_directories = True
    return blobs


def write(blobs: MemoryBlobs, *found: str) -> None:
    for name in found:
        blobs.write("text", name, b"x", content_type="text/plain")


def test_empty_directories_go_from_the_lowest_up(lake: MemoryBlobs) -> None:
    write(lake, "a/b/c/d.txt", "a/e.txt")
    lake.delete("text", "a/b/c/d.txt")
    directories.prune(lake, "text", "a/b/c/d.txt")
    assert list(lake.contents("text")) == ["a", "a/e.txt"]
    lake.delete("text", "a/e.txt")
    directories.prune(lake, "text", "a/e.txt")
    assert lake.contents("text") == {}


def test_a_directory_that_another_process_has_deleted_is_passed_over(lake: MemoryBlobs) -> None:
    write(lake, "a/b/c.txt")
    for each in ("a/b/c.txt", "a/b"):
        lake.delete("text", each)
    directories.prune(lake, "text", "a/b/c.txt")
    assert lake.contents("text") == {}


def test_a_directory_that_fills_again_meanwhile_stays(lake: MemoryBlobs) -> None:
    write(lake, "a/b/c.txt")
    lake.delete("text", "a/b/c.txt")

    def before(operation: str, container: str, name: str) -> None:
        if (operation, name) == ("delete", "a/b"):
            write(lake, "a/b/d.txt")

    lake.before = before
    directories.prune(lake, "text", "a/b/c.txt")
    assert list(lake.contents("text")) == ["a", "a/b", "a/b/d.txt"]


def test_a_file_that_takes_the_place_of_a_directory_stays(lake: MemoryBlobs) -> None:
    write(lake, "a/b/c.txt")
    lake.delete("text", "a/b/c.txt")

    def before(operation: str, container: str, name: str) -> None:
        if (operation, name) == ("delete", "a/b"):
            lake.delete("text", "a/b")
            write(lake, "a/b")

    lake.before = before
    directories.prune(lake, "text", "a/b/c.txt")
    assert lake.contents("text")["a/b"] == b"x"
    lake.before = None
    directories.prune(lake, "text", "a/b/c.txt")
    assert lake.contents("text")["a/b"] == b"x"


def test_an_account_without_directories_is_asked_nothing() -> None:
    blobs = MemoryBlobs(FakeClock(), lambda *operation: pytest.fail(str(operation)))
    directories.prune(blobs, "text", "a/b/c.txt")


def test_no_directory_tells_the_name_of_an_image_that_is_gone() -> None:
    app = parts(THUMBNAIL_SIZES="100x50")
    app.images.has_directories = True
    for name in ("album/2026/a.jpg", "album/b.jpg"):
        app.images.write(names.IMAGES, name, picture(), content_type="image/jpeg")
        steps.process(app.services, name, None)
    for name in ("album/2026/a.jpg", "album/b.jpg"):
        app.images.delete(names.IMAGES, name)
        deletion.forget(app.services, name)
    for container in (names.ANALYSIS, names.TEXT, names.THUMBNAILS, names.UNFINISHED):
        assert app.images.contents(container) == {}
    # The user's own directories are not the app's.
    assert list(app.images.contents(names.IMAGES)) == ["album", "album/2026"]


def test_images_whose_records_exclude_each_other_end_as_a_failure_that_is_told_and_nothing_is_paid_twice() -> None:
    app = parts(TEXT_MODE="never")
    app.images.has_directories = True
    for name in ("a", "a.json/b.jpg"):
        app.images.write(names.IMAGES, name, picture(), content_type="image/jpeg")

    def analysis_of(name: str) -> StepOutcome:
        return steps.process(app.services, name, None, only=(by_step.ANALYSIS,))[0]

    assert analysis_of("a").state == "done"
    for _ in range(2):
        outcome = analysis_of("a.json/b.jpg")
        assert (outcome.state, outcome.code, outcome.appointment) == ("failed", "name_taken", None)
    assert app.vision.count() == {"analyze": 1}
    # The other way round no call is made at all.
    app.images.delete(names.IMAGES, "a")
    deletion.forget(app.services, "a")
    app.images.delete(names.UNFINISHED, "analysis/a.json/b.jpg.json")
    assert analysis_of("a.json/b.jpg").state == "done"
    app.images.write(names.IMAGES, "a", picture(colour=(1, 2, 3)), content_type="image/jpeg")
    outcome = analysis_of("a")
    assert (outcome.state, outcome.code) == ("failed", "name_taken")
    assert app.vision.count() == {"analyze": 1}


def test_the_double_refuses_as_the_account_does(lake: MemoryBlobs) -> None:
    write(lake, "a/b.txt")
    with pytest.raises(ConflictError, match="DirectoryIsNotEmpty"):
        lake.delete("text", "a")
    for name in ("a", "a/b.txt/c.txt"):
        with pytest.raises(StorageNameTakenError, match="PathConflict"):
            write(lake, name)
