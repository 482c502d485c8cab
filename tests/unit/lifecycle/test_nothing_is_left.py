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
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from doubles.documents import text_pdf
from doubles.fake_vision import FakeVision
from doubles.http_requests import invocation, request, upload
from doubles.parts import Parts, asking, parts
from doubles.storage_events import storage_event
from doubles.traces import LOG, RememberingHub, Traces
from PIL import Image

from shared import log, names
from shared.durable import purge
from shared.errors import ThrottledError
from shared.images import ImageBytes, ImageUrl
from shared.uploads import rescue
from shared.vision.models import Answer
from shared.vision.questions import Question

PAGE = Path(__file__).resolve().parents[3] / "docs" / "privacy.md"
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
    f"{NAME}-{'x' * 900}.jpg": photograph(4),
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
        self.text = f"{WORDING} line"
        self.tags = {"text": 0.99}

    def ask(self, question: Question, image: ImageBytes | ImageUrl, *, background: bool = False) -> Answer:
        answer = super().ask(question, image, background=background)
        if answer.content_type != names.JSON:
            return answer
        document = json.loads(answer.body)
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
        hub.upload("other.jpg", photograph(9))
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
        self._call("ThumbnailHttp", "GET", params={"width": "90", "height": "80"}, route=route)
        self._call("ThumbnailHttp", "GET", params={"width": "70", "height": "60", "mode": "vision"}, route=route)
        self._call("ThumbnailHttp", "POST", SECOND, params={"width": "50", "height": "60"})
        self._call("AnalyzeHttp", "POST", {"name": PHOTO}, params={"visualFeatures": "Color"})
        self._call("AnalyzeHttp", "POST", SECOND, params={"visualFeatures": "Faces"})
        self._call("DescribeHttp", "POST", {"name": PHOTO})
        self._call("OcrHttp", "POST", {"name": PHOTO}, params={"readingOrder": "basic"})
        self._call("OcrHttp", "POST", SECOND, params={"readingOrder": "basic", "language": "en"})
        self._call("ImagesHttp", "GET", route=route)
        self._call("ThumbnailHttp", "GET", params={"width": "9", "height": "9"}, route={"name": f"{NAME}.png"}, status=404)

    def _call(self, folder: str, method: str, body: Any = b"", *, status: int = 202, **sent: Any) -> None:
        module = __import__(folder)
        bindings = {"starter": "the binding"} if folder == "OcrHttp" else {}
        answer = module.main(request(method, body, **sent), invocation(), **bindings)
        answer = asyncio.run(answer) if asyncio.iscoroutine(answer) else answer
        assert answer.status_code in (200, status), answer.get_body()

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

    def delete_all(self, *, events: bool) -> None:
        """Delete the images, one copy some hours before the rest."""
        for name in sorted(IMAGES, key=lambda name: not name.startswith("Kopie/")):
            self.app.images.delete(names.IMAGES, name)
            if events:
                self._tell_deleted(name)
            self.hub.pass_time(5)

    def _tell_deleted(self, name: str) -> None:
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
            self.hub.pass_time(1)
            self.app.clock.advance(HOUR - 6)
            self._tick()

    def _tick(self) -> None:
        self.hub.keep_house()
        if self.app.clock.utc().hour == 3:
            asyncio.run(purge.purge(self.app.services, self.hub))

    def found(self) -> dict[str, dict[str, list[str]]]:
        return self.traces.found(self.hub)


def allowed() -> tuple[list[str], dict[str, list[set[str]]]]:
    """The moments of the page's table, and by place what may be there at each."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("### What is left, and how long\n")
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    head, *body = rows
    places = {re.sub(r"`|, below .*", "", row[0]) + ("/by-sha256" if "below" in row[0] else ""): row[1:] for row in body}
    return head[1:], {
        place: [set(re.findall(r"name|digest|caption|text|bytes", cell)) for cell in cells]
        for place, cells in places.items()
    }


def check(story: Story, at: int, seen: dict[tuple[str, int], set[str]]) -> None:
    """Compare what is found with the column of that moment."""
    _, places = allowed()
    found = story.found()
    for place, kinds in found.items():
        may = places.get(place, [set()] * 9)[at]
        if place == LOG and story.log_names == "hash":
            may = may - {"name"}
        assert not {kind: what[:3] for kind, what in kinds.items() if kind not in may}, (place, at)
        seen.setdefault((place, at), set()).update(kinds)


@pytest.mark.parametrize("log_names", ["plain", "hash"])
@pytest.mark.parametrize("events", [True, False], ids=["events", "lost events"])
def test_what_is_left_of_deleted_images_is_what_the_page_says(events: bool, log_names: str) -> None:
    log.configure(log_names)  # type: ignore[arg-type]
    traces = Traces(KINDS)
    story = Story(traces, LOG_NAMES=log_names)
    seen: dict[tuple[str, int], set[str]] = {}
    with story.hub.running(), traces.listening():
        story.everything_happens()
        before = story.found()
        story.delete_all(events=events)
        if not events:
            story.pass_hours(25)
        check(story, 0, seen)
        story.pass_hours(26)
        check(story, 1, seen)
        story.pass_hours(8 * 24)
        check(story, 2, seen)
        story.pass_hours(23 * 24)
        check(story, 3, seen)
    print(json.dumps({place: sorted(kinds) for place, kinds in before.items()}, indent=1))
    print({key: sorted(value) for key, value in seen.items()})
