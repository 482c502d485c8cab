"""
A Computer Vision that sees: it finds the scene of `doubles.scenes` by its colours in the pixels that it is sent.

It knows no picture but the bytes of a request, and no orientation: it looks at pixels as they are stored, and answers
places in them. What v3.2 does not document that it takes it refuses.
"""

import io
import json
import struct
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from doubles.parts import Parts, asking, parts
from doubles.scenes import Place, find, opened
from PIL import Image, ImageOps, ImageSequence

from shared.clock import Deadline
from shared.transport.http import Reply, Transport
from shared.vision.client import VisionClient

Json = dict[str, Any]

ENDPOINT = "https://vision.invalid"
# learn.microsoft.com, "What is Image Analysis?", "Input requirements", and "Call the v3.2 GA Read API".
_ANALYZED, _READ = ("JPEG", "PNG", "GIF", "BMP"), ("JPEG", "PNG", "BMP", "TIFF")
_MOST_BYTES, _MOST_READ_BYTES = 4 * 1024**2, 500 * 1024**2
_LEAST_SIDE, _MOST_SIDE, _MOST_READ_SIDE = 50, 16_000, 10_000
_WORDS = {"thing": "THING", "face": "FACE"}


class Received(NamedTuple):
    """One request about a picture: the operation, what it asked, and the bytes that came."""

    operation: str
    asked: Mapping[str, str]
    data: bytes


class RefusedError(Exception):
    """The service refuses the picture."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SeeingService(Transport):
    """
    The service behind the client's wire. Safe for threads.

    Attributes:
        received: every request about a picture, in order, those that were refused too.
        refused: the operation and the code of those that were.
        sees: which parts of the scene it has words for; others are of interest at most.
    """

    def __init__(self, sees: tuple[str, ...] = ("thing", "face")) -> None:
        self.received: list[Received] = []
        self.refused: list[tuple[str, str]] = []
        self.sees = sees
        self._reads: dict[str, Json] = {}
        self._lock = threading.Lock()

    def count(self) -> Counter[str]:
        """How often each operation was asked."""
        return Counter(each.operation for each in self.received)

    def sent(self, operation: str) -> list[bytes]:
        """What it was sent to each call of that operation."""
        return [each.data for each in self.received if each.operation == operation]

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Reply:
        address = urlsplit(url)
        operation = address.path.partition("/vision/v3.2/")[2]
        if method == "GET":
            return _json(self._reads.get(operation.rpartition("/")[2], {"status": "notStarted"}))
        assert headers["Content-Type"] == "application/octet-stream"
        received = Received(operation, dict(parse_qsl(address.query)), body or b"")
        with self._lock:
            self.received.append(received)
        try:
            return self._answer(received)
        except RefusedError as error:
            self.refused.append((operation, error.code))
            inner = {"code": error.code, "message": str(error)}
            return _json({"error": {"code": "InvalidRequest", "message": str(error), "innererror": inner}}, 400)

    def _answer(self, received: Received) -> Reply:
        if received.operation == "read/analyze":
            return self._accept(received.data)
        (image,) = _pictures(received.data, _ANALYZED, _MOST_BYTES, _MOST_SIDE)[:1]
        if received.operation == "generateThumbnail":
            size = int(received.asked["width"]), int(received.asked["height"])
            file = io.BytesIO()
            ImageOps.fit(Image.fromarray(opened(image)), size).save(file, "JPEG")
            return Reply(200, {"Content-Type": "image/jpeg"}, file.getvalue())
        metadata = {"width": image.width, "height": image.height, "format": str(image.format).capitalize()}
        found = find(opened(image))
        if received.operation != "areaOfInterest":
            found = {what: place for what, place in found.items() if what in self.sees}
        told = {"requestId": f"request-{len(self.received)}", "modelVersion": "2021-05-01", "metadata": metadata}
        return _json(_seen(received, found, image.size) | told)

    def _accept(self, data: bytes) -> Reply:
        pages = [_page(number, image) for number, image in enumerate(_documents(data), 1)]
        with self._lock:
            identifier = f"00000000-0000-4000-8000-{len(self._reads):012}"
        moments = {"createdDateTime": "2026-01-01T00:00:00Z", "lastUpdatedDateTime": "2026-01-01T00:00:03Z"}
        result = {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": pages}
        self._reads[identifier] = {"status": "succeeded", **moments, "analyzeResult": result}
        address = f"{ENDPOINT}/vision/v3.2/read/analyzeResults/{identifier}"
        return Reply(202, {"Operation-Location": address}, b"")


def _json(body: Json, status: int = 200) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def _pictures(data: bytes, kinds: tuple[str, ...], most_bytes: int, most_side: int) -> list[Image.Image]:
    """The picture, or of a TIFF each page, after the checks."""
    if not 0 < len(data) < most_bytes:
        raise RefusedError("InvalidImageSize", f"{len(data)} bytes")
    try:
        # What turns a TIFF by itself is told that it is upright.
        image = Image.open(io.BytesIO(_without_turn(data)))
        # A file of several pictures is none of the kinds, though it begins with one (CIPA DC-007).
        if image.format not in kinds:
            raise RefusedError("InvalidImageFormat", f"a {image.format}")
        frames = [each.copy() for each in ImageSequence.Iterator(image)] if image.format == "TIFF" else [image]
        for each in frames:
            each.load()
    except OSError as error:
        raise RefusedError("InvalidImageFormat", str(error)) from error
    for each in frames:
        if min(each.size) < _LEAST_SIDE or max(each.size) > most_side:
            raise RefusedError("InvalidImageSize", f"{each.width}x{each.height} pixels")
    return frames


def _documents(data: bytes) -> list[Image.Image]:
    return _pictures(data, _READ, _MOST_READ_BYTES, _MOST_READ_SIDE)


def _without_turn(data: bytes) -> bytes:
    """A TIFF that says of itself to be upright; everything else as it is."""
    for mark, order in ((b"II*\0", "<"), (b"MM\0*", ">")):
        if data.startswith(mark):
            for orientation in range(2, 9):
                entry, upright = (struct.pack(f"{order}HHIH", 274, 3, 1, value) for value in (orientation, 1))
                data = data.replace(entry, upright)
    return data


def _xywh(place: Place) -> Json:
    return dict(zip("xywh", place, strict=True))


def _ltwh(place: Place) -> Json:
    return place._asdict()


def _seen(received: Received, found: Mapping[str, Place], sides: tuple[int, int]) -> Json:
    """What an operation answers about the places that were found."""
    thing, face = found.get("thing"), found.get("face")
    objects = [{"rectangle": _xywh(thing), "object": "thing", "confidence": 0.9}] if thing else []
    if received.operation == "areaOfInterest":
        return {"areaOfInterest": _xywh(_around([*found.values()] or [Place(0, 0, *sides)]))}
    if received.operation == "detect":
        return {"objects": objects}
    celebrities = [{"name": "Ada", "confidence": 0.9, "faceRectangle": _ltwh(face)}] if face else []
    if received.operation.startswith("models/"):
        return {"result": {"celebrities": celebrities}}
    everything: Json = {
        "tags": [{"name": "text", "confidence": 0.99}],
        "description": {"tags": ["text"], "captions": [{"text": "a scene", "confidence": 0.5}]},
        "objects": objects,
        "faces": [{"faceRectangle": _ltwh(face)}] if face else [],
        "brands": [{"name": "Acme", "confidence": 0.7, "rectangle": _xywh(thing)}] if thing else [],
        "categories": [{"name": "people_", "score": 0.9, "detail": {"celebrities": celebrities}}],
    }
    features = received.asked.get("visualFeatures", "Categories").lower().split(",")
    return {name: value for name, value in everything.items() if name in features}


def _around(places: list[Place]) -> Place:
    """The smallest place that holds them all."""
    lefts, tops, rights, bottoms = zip(*(place.edges for place in places), strict=True)
    return Place(min(lefts), min(tops), max(rights) - min(lefts), max(bottoms) - min(tops))


def _page(number: int, image: Image.Image) -> Json:
    """A page with a line at each part of the scene, one word each."""
    lines = []
    for what, place in find(opened(image)).items():
        left, top, right, bottom = place.edges
        corners = [left, top, right, top, right, bottom, left, bottom]
        word = {"boundingBox": corners, "text": _WORDS[what], "confidence": 0.98}
        lines.append({"boundingBox": corners, "text": _WORDS[what], "words": [word]})
    return {
        "page": number,
        "angle": 0.0,
        "width": image.width,
        "height": image.height,
        "unit": "pixel",
        "lines": lines,
    }


def seeing_parts(service: SeeingService, **settings: str) -> Parts:
    """The app's services with this one behind the client's wire; *settings* as `doubles.parts.parts` takes them."""
    app = parts(**settings)
    vision = VisionClient(ENDPOINT, "key", transport=service, clock=app.clock)
    return Parts(asking(app.services, vision), app.images, app.host, app.vision, app.clock)
