"""
An image whose metadata, tags or content type somebody edits: another ETag, the same bytes, and in Azure no event.

`edit` keeps the blob's MD5, as Set Blob Metadata does; `clear` edits the content type without it, as Set Blob
Properties does to whoever sends no MD5.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from doubles.documents import text_pdf
from doubles.parts import Parts, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of

from shared import names
from shared.api import image_states, unfinished_entries
from shared.api.unfinished_entries import Filter
from shared.durable import read_job
from shared.errors import ConflictError, ThrottledError, VisionRefusedError
from shared.images import ImageBlob, ImageBytes
from shared.ocr import poll_loop
from shared.records import versions
from shared.records.thumbnails import CACHE_CONTROL, Thumbnail
from shared.thumbnails import on_demand
from shared.uploads import rescue, steps

RED, BLUE = picture(colour=(200, 0, 0)), picture(colour=(0, 0, 200))
NAME = "a.jpg"
Edit = Callable[[Parts], str]


@pytest.fixture
def app() -> Parts:
    return parts(THUMBNAIL_SIZES="100x50")


def upload(app: Parts, data: bytes = RED, name: str = NAME) -> str:
    return app.images.write(names.IMAGES, name, data, content_type="image/jpeg")


def edit(app: Parts, name: str = NAME) -> str:
    return app.images.edit(names.IMAGES, name, metadata={"album": "holiday"})


def clear(app: Parts, name: str = NAME) -> str:
    return app.images.edit(names.IMAGES, name, content_type="image/png", md5=None)


def process(app: Parts, data: bytes | None = None, name: str = NAME) -> dict[str, str]:
    return {outcome.step: outcome.state for outcome in steps.process(app.services, name, data)}


def state(app: Parts, name: str = NAME) -> str:
    return str(image_states.of_image(app.services, name)["state"])


def listed(app: Parts) -> list[str]:
    return [image["state"] for image in image_states.page(app.services, limit=50)["images"]]


def contents(app: Parts) -> dict[str, dict[str, bytes]]:
    return {each: app.images.contents(each) for each in (names.ANALYSIS, names.TEXT, names.THUMBNAILS)}


def counted(app: Parts, look: Callable[[], object]) -> Counter[tuple[str, str]]:
    """The requests to the images' account that a look takes."""
    asked: Counter[tuple[str, str]] = Counter()

    def count(operation: str, container: str, _name: str) -> None:
        asked[operation, container] += 1

    app.images.before = count
    look()
    app.images.before = None
    return asked


EDITS = pytest.mark.parametrize("change", [edit, clear])


def test_it_is_complete_at_a_look_for_the_same_requests(app: Parts) -> None:
    upload(app)
    process(app)
    before = [counted(app, lambda: state(app)), counted(app, lambda: listed(app))]
    edit(app)
    assert (state(app), listed(app)) == ("complete", ["complete"])
    assert [counted(app, lambda: state(app)), counted(app, lambda: listed(app))] == before


def test_without_an_md5_a_look_at_it_reads_its_bytes_once_and_every_later_look_knows_them(app: Parts) -> None:
    upload(app)
    process(app)
    before = counted(app, lambda: listed(app))
    clear(app)
    assert listed(app) == ["pending"]
    assert counted(app, lambda: state(app))["digest", names.IMAGES] == 1
    assert (state(app), listed(app)) == ("complete", ["complete"])
    assert counted(app, lambda: state(app))["digest", names.IMAGES] == 0
    assert counted(app, lambda: listed(app)) == before
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}


def test_a_look_reads_no_bytes_that_can_be_told_by_their_length_or_md5(app: Parts) -> None:
    upload(app)
    assert counted(app, lambda: state(app))["digest", names.IMAGES] == 0
    process(app)
    for other, change in ((RED + b" ", clear), (RED[:-1] + b" ", edit)):
        upload(app, other)
        change(app)
        assert counted(app, lambda: state(app))["digest", names.IMAGES] == 0
        assert state(app) == "pending"


def test_other_bytes_of_the_same_length_are_another_version_without_an_md5_too(app: Parts) -> None:
    upload(app)
    process(app)
    before = app.images.page(names.ANALYSIS).items
    upload(app, RED[:-1] + b" ")
    clear(app)
    assert state(app) == "pending"
    assert app.images.page(names.ANALYSIS).items == before


def test_a_look_at_bytes_that_cannot_be_read_tells_what_the_properties_tell(app: Parts) -> None:
    """In the archive tier for instance."""
    upload(app)
    process(app)
    clear(app)

    def refuse(operation: str, _container: str, _name: str) -> None:
        if operation == "digest":
            raise ConflictError("archived")

    app.images.before = refuse
    assert state(app) == "pending"


@EDITS
@pytest.mark.parametrize("data", [RED, None], ids=["event", "retry"])
def test_processing_finds_its_records_and_has_them_tell_its_etag(app: Parts, change: Edit, data: bytes | None) -> None:
    upload(app)
    process(app)
    before, etag = contents(app), change(app)
    assert process(app, data) == {"analysis": "skipped", "thumbnails": "skipped"}
    assert contents(app) == before
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}
    assert (listed(app), state(app)) == (["complete"], "complete")
    for container in (names.ANALYSIS, names.THUMBNAILS):
        (record,) = app.images.page(container).items
        assert record.metadata[names.SOURCE_ETAG] == etag
        assert record.metadata[names.SOURCE_SHA256] == ImageBytes(RED).subject
        assert record.metadata[names.SOURCE_MD5] == hashlib.md5(RED).hexdigest()
        assert record.metadata[names.SOURCE_BYTES] == str(len(RED))
        assert record.content_type == (names.JSON if container == names.ANALYSIS else names.JPEG)
        assert record.cache_control == (None if container == names.ANALYSIS else CACHE_CONTROL)


def test_a_false_md5_gives_no_record_of_other_bytes(app: Parts) -> None:
    """An old event, late: the image was overwritten by other bytes, of which its uploader says the old ones' MD5."""
    old, new = RED + b"1", RED + b"2"
    upload(app, old)
    process(app, old)
    etag = upload(app, new)
    process(app, new)
    app.images.edit(names.IMAGES, NAME, md5=hashlib.md5(old).digest())
    before = contents(app)
    assert process(app, old) == {"analysis": "skipped", "thumbnails": "skipped"}
    assert contents(app) == before
    assert app.vision.count() == {"analyze": 2, "areaOfInterest": 2}
    assert etag.encode() in contents(app)[names.ANALYSIS]["a.jpg.json"]


def test_a_false_md5_keeps_no_image_from_being_processed(app: Parts) -> None:
    old, new = RED + b"1", RED + b"2"
    upload(app, old)
    process(app, old)
    upload(app, new)
    app.images.edit(names.IMAGES, NAME, md5=hashlib.md5(old).digest())
    assert process(app, new) == {"analysis": "done", "thumbnails": "done"}
    assert ImageBytes(new).subject.encode() in contents(app)[names.ANALYSIS]["a.jpg.json"]


# Edited while it is worked on.


def meddle(app: Parts, change: Edit, moment: int | None) -> Counter[str]:
    """Have it edited before operation number *moment*, or before each; the value counts the operations."""
    seen: Counter[str] = Counter()

    def before(*_: object) -> None:
        seen["moments"] += 1
        if moment in (None, seen["moments"] - 1):
            change(app)

    app.images.before = before
    app.vision.at_call = before
    return seen


def moments(work: Callable[[Parts], object]) -> range:
    """The moments of undisturbed work."""
    app = parts(THUMBNAIL_SIZES="100x50")
    upload(app)
    seen = meddle(app, edit, -1)
    work(app)
    return range(seen["moments"])


SEEING = moments(lambda app: process(app, RED))
READING = moments(lambda app: ReadRun(app, job_of(app, RED)).finish())


@EDITS
@pytest.mark.parametrize("moment", [*SEEING, None])
def test_an_edit_at_any_moment_of_its_processing_throws_no_work_away(
    app: Parts, change: Edit, moment: int | None
) -> None:
    """Before every single operation too, as if somebody edited it without end."""
    upload(app)
    meddle(app, change, moment)
    assert process(app, RED) == {"analysis": "done", "thumbnails": "done"}
    app.images.before = None
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}
    assert app.images.contents(names.UNFINISHED) == {}
    assert state(app) == "complete"


@EDITS
@pytest.mark.parametrize("moment", [*READING, None])
def test_an_edit_at_any_moment_of_a_read_throws_no_text_away(app: Parts, change: Edit, moment: int | None) -> None:
    job = job_of(app, RED)
    meddle(app, change, moment)
    run = ReadRun(app, job)
    assert run.finish()["state"] == "done"
    app.images.before = app.vision.at_call = None
    assert [call for call in app.vision.asked if call[0].operation == "read"] == [(job.question, job.subject)]
    assert app.images.contents(names.UNFINISHED) == {}
    process(app)
    assert state(app) == "complete"


def test_a_read_that_was_begun_before_the_edit_is_not_begun_again_after(app: Parts) -> None:
    pdf = text_pdf("It is read once.")
    first = job_of(app, pdf, "a.pdf", text_only=True)
    run = ReadRun(app, first).until(poll_loop.POLL)
    edit(app, "a.pdf")
    (outcome,) = steps.process(app.services, "a.pdf", pdf)
    assert outcome.job
    second = ReadRun(app, outcome.job)
    assert second.finish()["state"] == run.finish()["state"] == "done"
    assert len(app.vision.asked) == 1
    assert state(app, "a.pdf") == "complete"


@EDITS
def test_a_document_keeps_its_text(app: Parts, change: Callable[[Parts, str], str]) -> None:
    pdf = text_pdf("It stays.")
    ReadRun(app, job_of(app, pdf, "a.pdf", text_only=True)).finish()
    before = contents(app)
    change(app, "a.pdf")
    assert process(app, name="a.pdf") == {"text": "skipped"}
    assert contents(app) == before
    assert state(app, "a.pdf") == "complete"


# What is unfinished.


def unfinished_of(app: Parts) -> dict[str, Any]:
    entries, _ = unfinished_entries.page(app.services, Filter(), limit=50)
    return {entry.step: entry.document["state"] for entry in entries}


def test_what_failed_stays_failed_and_a_retry_finds_it(app: Parts) -> None:
    upload(app)
    app.vision.failures = [VisionRefusedError("No such model.")]
    process(app)
    edit(app)
    assert (state(app), listed(app)) == ("failed", ["failed"])
    assert unfinished_of(app) == {"analysis": "failed"}
    assert process(app) == {"analysis": "failed", "thumbnails": "skipped"}
    assert app.vision.count() == {"analyze": 1, "areaOfInterest": 1}
    (entry,) = unfinished_entries.find(app.services, NAME, None)
    assert unfinished_entries.reopen(app.services, entry, 0.0)
    assert process(app) == {"analysis": "done", "thumbnails": "skipped"}


def test_a_retry_reads_the_bytes_of_an_image_without_an_md5(app: Parts) -> None:
    upload(app)
    app.vision.failures = [VisionRefusedError("No such model.")]
    process(app)
    clear(app)
    assert unfinished_of(app) == {}
    assert [entry.step for entry in unfinished_entries.find(app.services, NAME, None)] == ["analysis"]
    assert unfinished_of(app) == {"analysis": "failed"}
    assert (state(app), listed(app)) == ("failed", ["failed"])


@EDITS
def test_the_attempts_of_what_is_deferred_are_counted_on(app: Parts, change: Edit) -> None:
    upload(app)
    app.vision.failing = ThrottledError("Slow down.")
    process(app)
    change(app)
    assert state(app) == "deferred"
    app.clock.advance(60)
    process(app)
    assert image_states.of_image(app.services, NAME)["analysis"]["problem"]["attempts"] == 2


# Thumbnails over HTTP.


@EDITS
def test_its_thumbnail_is_served_without_a_call(app: Parts, change: Edit) -> None:
    size = Thumbnail(100, 50, "auto")
    upload(app)
    made, _ = on_demand.thumbnail(app.services, ImageBlob(NAME), size)
    change(app)
    again, _ = on_demand.thumbnail(app.services, ImageBlob(NAME), size)
    assert again.data == made.data
    assert app.vision.count() == {"areaOfInterest": 1}


def test_its_thumbnail_is_served_however_often_it_is_edited(app: Parts) -> None:
    size = Thumbnail(100, 50, "auto")
    upload(app)
    meddle(app, clear, None)
    for _ in range(3):
        on_demand.thumbnail(app.services, ImageBlob(NAME), size)
    assert app.vision.count() == {"areaOfInterest": 1}


# An upload that was given up.


@EDITS
def test_a_rescue_after_the_edit_finds_records_and_failures(
    app: Parts, change: Edit, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    etag = upload(app)
    app.vision.failures = [VisionRefusedError("No such model.")]
    process(app)
    change(app)
    app.clock.advance(3600)
    message = (
        '{"Type": "BlobTrigger", "FunctionId": "Host.Functions.AnalyzeOnUpload", "ContainerName": "images",'
        f' "BlobName": "a.jpg", "ETag": "\\"{etag}\\""}}'
    )
    assert rescue.rescue(app.services, message.encode()) == []
    assert "accounted_for" in caplog.text
    assert state(app) == "failed"


# The old bytes come back while others are worked on.


class Returning:
    """A.jpg has red bytes, then blue ones; before operation number *moment* of the blue ones' work it is red again."""

    def __init__(self, moment: int, work: Callable[[Parts], object]) -> None:
        self.app = app = parts(THUMBNAIL_SIZES="100x50")
        app.vision.tags = {"text": 0.9}
        self.moments = 0
        self._moment = moment
        upload(app, RED)
        self.settle(RED)
        upload(app, BLUE)
        app.images.before = app.host.before = self._before
        app.vision.at_call = self._before
        work(app)
        app.images.before = app.host.before = app.vision.at_call = None

    def settle(self, data: bytes) -> None:
        """Its event, and the text that is due."""
        for outcome in steps.process(self.app.services, NAME, data):
            if outcome.job:
                ReadRun(self.app, outcome.job).finish()

    def _before(self, *_: object) -> None:
        self.moments += 1
        if self.moments - 1 == self._moment:
            upload(self.app, RED)
            self.settle(RED)


def see_blue(app: Parts) -> None:
    steps.process(app.services, NAME, BLUE)


def read_blue(app: Parts) -> None:
    version = versions.identify(app.images, NAME, None)
    assert version
    ReadRun(app, read_job.from_image(version, app.services.settings, text_only=False)).finish()


@pytest.mark.parametrize(
    ("work", "moment"),
    [(work, moment) for work in (see_blue, read_blue) for moment in range(Returning(-1, work).moments)],
)
def test_bytes_that_come_back_at_any_moment_have_their_records(work: Callable[[Parts], object], moment: int) -> None:
    app = Returning(moment, work).app
    assert state(app) == "complete"
    record = contents(app)[names.ANALYSIS]["a.jpg.json"]
    assert ImageBytes(RED).subject.encode() in record
    reads = [subject for question, subject in app.vision.asked if question.operation == "read"]
    assert reads.count(ImageBytes(RED).subject) == 1
