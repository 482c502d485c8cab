"""
After a deletion, name, digest, caption, text and bytes stand only where docs/privacy.md says, and as long as it says.

Everything that the app does with images is done with some whose name, caption, text and bytes no other text has. Then
they are deleted, with events or with none, and the hours and days pass. At each moment that the page names, both
accounts, the histories and the log are searched. What the page allows and no search has found fails too, so that the
page is no wider than the app.
"""

import asyncio
import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import azure.functions as func
import pytest
from doubles.documents import text_pdf
from doubles.fake_vision import FakeVision
from doubles.http_requests import answered, invocation, request, upload
from doubles.parts import Parts, asking, parts
from doubles.pictures import picture
from doubles.storage_events import storage_event
from doubles.traces import LOG, RememberingHub, Traces
from PIL import Image

from shared import log, names
from shared.durable import purge
from shared.errors import ThrottledError
from shared.images import ImageBytes, ImageUrl
from shared.lifecycle import answer_pages, digest_pages, image_pages, owner_pages, record_pages
from shared.uploads import rescue
from shared.vision.models import Answer
from shared.vision.questions import Question

PROJECT = Path(__file__).resolve().parents[3]
PAGE = PROJECT / "docs" / "privacy.md"
# Of the host account: the prefix, and the days since the last change.
RULES = re.findall(
    r"prefixMatch: \[\s+'([^']+)'\s+\].*?daysAfterModificationGreaterThan: (\d+)",
    (PROJECT / "infra" / "host-storage.bicep").read_text(encoding="utf-8"),
    re.DOTALL,
)
NAME, CAPTION, WORDING, MARK = "Zebra8173", "Kaninchen4711", "Wortlaut1357", "Motiv9753"
HOUR, DAY = 3600.0, 86_400.0


def photograph(number: int) -> bytes:
    """A picture with bytes of its own."""
    file = io.BytesIO()
    Image.new("RGB", (200, 120), (number, 90, 40)).save(file, "JPEG", comment=f"{MARK} {number}".encode())
    return file.getvalue()


FIRST, SECOND, WAITING = photograph(1), photograph(2), photograph(3)
DOCUMENT = text_pdf(MARK)
BROKEN = f"{MARK} is no picture".encode()
PHOTO = f"Hüsch {NAME} 100%.jpg"
IMAGES = {
    PHOTO: SECOND,
    f"Kopie/{NAME}.jpg": SECOND,
    f"{NAME}.pdf": DOCUMENT,
    f"{NAME}-{'x' * 400}.jpg": photograph(4),
    f"{NAME} waits.jpg": WAITING,
    f"{NAME} broken.jpg": BROKEN,
}
DIGESTS = tuple(hashlib.sha256(data).hexdigest() for data in {FIRST, *IMAGES.values()})
KINDS = {
    "name": (NAME,),
    "digest": tuple(digest[:16] for digest in DIGESTS),
    "caption": (CAPTION,),
    "text": (WORDING,),
    "bytes": (MARK,),
}


class TellingVision(FakeVision):
    """A service whose captions and lines are unmistakable."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = {"text": 0.99}

    def ask(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool = False) -> Answer:
        answer = super().ask(question, image, background=background)
        if answer.content_type != names.JSON:
            return answer
        document = json.loads(answer.body)
        if image.subject in DIGESTS:
            document["description"]["captions"] = [{"text": f"{CAPTION} on grass", "confidence": 0.9}]
        return answer._replace(body=json.dumps(document).encode())


class Story:
    """An app, its images, and the time."""

    def __init__(self, traces: Traces, **settings: str) -> None:
        made = parts(**settings)
        vision = TellingVision()
        self.app = Parts(asking(made.services, vision), made.images, made.host, vision, made.clock)
        self.hub = RememberingHub(self.app)
        self.traces = traces
        self.log_names = settings.get("LOG_NAMES", "plain")

    def everything_happens(self) -> None:
        """Uploads, an overwriting, a copy, documents, failures, requests, an event that was given up."""
        hub, vision = self.hub, self.app.vision
        self._tick()
        vision.text = "HELLO"
        hub.upload("other.jpg", picture(width=200, height=120))
        hub.pass_time(60)
        vision.text = WORDING
        hub.upload(PHOTO, FIRST)
        hub.pass_time(60)
        for name, data in IMAGES.items():
            if data is WAITING:
                vision.failing = ThrottledError("no", retry_after_seconds=3 * DAY)
            hub.upload(name, data)
            vision.failing = None
            hub.pass_time(60)
        self._requests()
        hub.pass_time(60)
        self._given_up()
        hub.pass_time(600)

    def _requests(self) -> None:
        route = {"name": PHOTO}
        self.call("ThumbnailHttp", "GET", params={"width": "90", "height": "80"}, route=route)
        self.call("ThumbnailHttp", "GET", params={"width": "70", "height": "60", "mode": "vision"}, route=route)
        self.call("ThumbnailHttp", "POST", SECOND, params={"width": "50", "height": "60"})
        self.call("AnalyzeHttp", "POST", {"name": PHOTO}, params={"visualFeatures": "Color"})
        self.call("AnalyzeHttp", "POST", SECOND, params={"visualFeatures": "Faces"})
        self.call("DescribeHttp", "POST", {"name": PHOTO})
        self.call("OcrHttp", "POST", {"name": PHOTO}, params={"readingOrder": "basic"})
        self.call("OcrHttp", "POST", SECOND, params={"readingOrder": "basic", "language": "en"})
        self.call("ImagesHttp", "GET", route=route)
        for name, point in ((PHOTO, {"focal": [0.25, 0.5]}), (f"{NAME}.pdf", {}), (f"{NAME} broken.jpg", {})):
            self.call("CorrectionsHttp", "PUT", {"caption": f"{CAPTION} in a field", **point}, route={"name": name})
        self.call(
            "ThumbnailHttp", "GET", params={"width": "9", "height": "9"}, route={"name": f"{NAME}.png"}, status=404
        )

    def call(self, folder: str, method: str, body: Any = b"", *, status: int = 200, **sent: Any) -> None:
        module = __import__(folder)
        answer = answered(module.main, request(method, body, **sent))
        assert answer.status_code in (200, 202, status), answer.get_body()

    def _given_up(self) -> None:
        for name in (PHOTO, f"{NAME}-gone.jpg"):
            message = {
                "Type": "BlobTrigger",
                "FunctionId": "Host.Functions.AnalyzeOnUpload",
                "ContainerName": names.IMAGES,
                "BlobName": name,
                "ETag": "",
            }
            asyncio.run(rescue.process(json.dumps(message).encode(), "the binding"))
        import AnalyzeOnUpload

        asyncio.run(AnalyzeOnUpload.main(upload(f"elsewhere/{NAME}", b""), "the binding", invocation()))
        event = json.dumps([storage_event("PutBlob", PHOTO)]).encode()
        self.app.host.write("deadletters", "topic/images/2026/1/1/0/event.json", event, content_type=names.JSON)

    def delete_all(self, *, events: bool) -> None:
        """Delete the images, one of the copies before the other."""
        for name in sorted(IMAGES, key=lambda name: not name.startswith("Kopie/")):
            self.app.images.delete(names.IMAGES, name)
            if events:
                self.tell_deleted(name)
            self.hub.pass_time(5)

    def tell_deleted(self, name: str) -> None:
        import StorageEvents

        told = storage_event("DeleteBlob", name, url=self.app.images.url(names.IMAGES, name))
        event = func.EventGridEvent(
            id=told["id"],
            data=told["data"],
            topic=told["topic"],
            subject=told["subject"],
            event_type=told["eventType"],
            event_time=None,
            data_version="",
        )
        asyncio.run(StorageEvents.main(event, "the binding", invocation()))

    def pass_hours(self, hours: int) -> None:
        """Let hours pass, with what the timers do at each."""
        for _ in range(hours):
            self.app.clock.advance(HOUR - 5)
            self._tick()

    def _tick(self) -> None:
        self.hub.keep_house()
        self.hub.fold_index()
        if self.app.clock.utc().hour == 3:
            asyncio.run(purge.purge(self.app.services, self.hub))
            self._apply_rules()

    def _apply_rules(self) -> None:
        """Delete what the rules of the host account delete, once a day."""
        for prefix, days in RULES:
            container, _, beginning = prefix.partition("/")
            before = self.app.clock.utc() - timedelta(days=int(days))
            for found, name, info, _ in self.app.host.everything():
                if found == container and name.startswith(beginning) and info.modified and info.modified < before:
                    self.app.host.delete(container, name)


def told() -> dict[str, list[set[str]]]:
    """By place, what may be there at each moment of the page's table."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("### What is left, and how long\n")
    table = section.partition("\n| where ")[2].partition("\n\n")[0]
    head, _, *body = [line.strip("| ").split(" | ") for line in table.splitlines()]
    assert head == ["after seconds", "after `FORGET_AFTER_HOURS` and an hour", "8 days later", "after 32 days"]
    places = {}
    for where, *cells in body:
        place = where.replace("`", "").replace(", below by-sha256/", "/by-sha256")
        words = [set() if cell == "-" else set(cell.split(", ")) for cell in cells]
        assert set().union(*words) <= KINDS.keys()
        places[place] = words
    return places


def assert_left(story: Story, at: int, *, wholly: bool) -> None:
    """Compare what is found with that column of the page; *wholly* also what the page tells and is not found."""
    may = {place: cells[at] for place, cells in told().items() if cells[at]}
    if story.log_names == "hash":
        may[LOG] = may[LOG] - {"name"}
    found = story.traces.found(story.hub)
    more = {
        place: {kind: where[:3] for kind, where in kinds.items() if kind not in may.get(place, set())}
        for place, kinds in found.items()
    }
    assert {place: kinds for place, kinds in more.items() if kinds} == {}, at
    if wholly:
        assert {place: set(kinds) for place, kinds in found.items()} == may, at


@pytest.mark.parametrize("log_names", ["plain", "hash"])
@pytest.mark.parametrize("events", [True, False], ids=["events", "lost events"])
def test_what_is_left_of_deleted_images_is_what_the_page_says(
    events: bool, log_names: Literal["plain", "hash"], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.configure(log_names)
    # Of pages that go on at a name, the histories have that name.
    for module in (answer_pages, digest_pages, owner_pages):
        monkeypatch.setattr(module, "_PAGE", 2)
    monkeypatch.setattr(image_pages, "_IMAGES", 2)
    monkeypatch.setattr(record_pages, "_RECORDS", 2)
    traces = Traces(KINDS)
    story = Story(traces, LOG_NAMES=log_names)
    with story.hub.running(), traces.listening():
        story.everything_happens()
        story.delete_all(events=events)
        if not events:
            story.pass_hours(25)
        assert_left(story, 0, wholly=events)
        story.pass_hours(26)
        assert_left(story, 1, wholly=events)
        story.pass_hours(8 * 24)
        assert_left(story, 2, wholly=events)
        story.pass_hours(23 * 24)
        assert_left(story, 3, wholly=events)


def test_before_the_deletion_the_search_finds_all_where_the_page_says_that_it_is_kept() -> None:
    traces = Traces(KINDS)
    story = Story(traces)
    with story.hub.running(), traces.listening():
        story.everything_happens()
        found = {place: set(kinds) for place, kinds in traces.found(story.hub).items()}
    assert found == {
        "images": {"name", "bytes"},
        "analysis": {"name", "digest", "caption"},
        "corrections": {"name", "digest", "caption"},
        "text": {"name", "digest", "text"},
        "text/by-sha256": {"digest", "text"},
        "thumbnails": {"name", "digest"},
        "thumbnails/by-sha256": {"digest"},
        "unfinished": {"name", "digest"},
        "cache": {"digest", "caption", "text"},
        "owners": {"name", "digest"},
        "forgetting": {"digest"},  # of the bytes that were overwritten
        "index": {"name", "caption", "text"},
        "deadletters": {"name"},
        "histories": {"name", "digest"},
        "log": {"name", "digest"},
    }


def test_at_once_no_answer_is_left() -> None:
    traces = Traces(KINDS)
    story = Story(traces, FORGET_AFTER_HOURS="0")
    with story.hub.running(), traces.listening():
        story.everything_happens()
        story.delete_all(events=True)
        assert traces.found(story.hub).keys() == {"deadletters", "histories", "index", "log"}


ADDRESS, SECRET = "Adresse8642", "Geheim9753"
URL = f"https://example.com/{ADDRESS}.jpg?sig={SECRET}"


def test_what_is_left_of_an_address_goes_within_a_month() -> None:
    digest = hashlib.sha256(URL.encode()).hexdigest()[:12]
    traces = Traces({"address": (ADDRESS,), "digest": (digest,), "secret": (SECRET,), "text": (WORDING,)})
    story = Story(traces)

    def found() -> dict[str, set[str]]:
        return {place: set(kinds) for place, kinds in traces.found(story.hub).items()}

    with story.hub.running(), traces.listening():
        story.pass_hours(1)
        story.app.vision.text = WORDING
        for folder, query in (
            ("OcrHttp", {}),
            ("AnalyzeHttp", {}),
            ("ThumbnailHttp", {"width": "50", "height": "60"}),
        ):
            story.call(folder, "POST", {"url": URL}, params=query)
        story.hub.pass_time(60)
        kept = {"text/by-sha256": {"address", "digest", "text"}, "thumbnails/by-sha256": {"digest"}}
        logged = {"log": {"digest"}}
        histories = {"histories": {"address", "digest"}}
        assert found() == {**kept, **logged, **histories, "cache": {"digest", "text"}}
        story.pass_hours(25 + 24)
        assert found() == {**kept, **logged, **histories}
        story.pass_hours(8 * 24)
        assert found() == {**kept, **logged}
        story.pass_hours(23 * 24)
        assert found() == logged


class Deletion:
    """Deletes the image, and tells the app of it, before one of the operations of storage."""

    def __init__(self, story: Story, number: int) -> None:
        self._story = story
        self._left = number
        for account in (story.app.images, story.app.host):
            account.before = self

    def __call__(self, operation: str, container: str, name: str) -> None:
        if container == names.INDEX:
            return  # the event would wait for the lines that wait for it
        self._left -= 1
        if self._left == 0:
            self._story.app.images.delete(names.IMAGES, PHOTO)
            self._story.tell_deleted(PHOTO)

    @property
    def is_done(self) -> bool:
        return self._left <= 0


def uploaded(story: Story) -> None:
    story.hub.deliver(PHOTO)


def asked_for(story: Story) -> None:
    """What is asked before and what is asked after the deletion are of several kinds."""
    story.call("ThumbnailHttp", "GET", params={"width": "90", "height": "80"}, route={"name": PHOTO}, status=404)
    story.call("DescribeHttp", "POST", {"name": PHOTO}, status=404)
    story.call("OcrHttp", "POST", {"name": PHOTO}, params={"readingOrder": "basic"}, status=404)


@pytest.mark.parametrize("act", [uploaded, asked_for])
def test_nothing_is_left_of_an_image_that_is_deleted_in_the_middle(act: Callable[[Story], None]) -> None:
    for number in range(1, 1000):
        traces = Traces(KINDS)
        story = Story(traces)
        with story.hub.running(), traces.listening():
            story.app.images.write(names.IMAGES, PHOTO, SECOND, content_type="image/jpeg")
            if act is asked_for:
                story.hub.deliver(PHOTO)
                story.hub.pass_time(30)
            deletion = Deletion(story, number)
            act(story)
            story.hub.pass_time(30)
            story.app.images.before = story.app.host.before = None
            if not deletion.is_done:
                assert number > 30
                return
            assert_left(story, 0, wholly=False)
