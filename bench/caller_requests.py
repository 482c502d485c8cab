"""What callers ask of the app: requests of every route, of images that are known and of new bytes."""

import base64
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from PIL import Image

from bench.pictures import Picture

_NONE: Mapping[str, str] = MappingProxyType({})
_BYTES: Mapping[str, str] = MappingProxyType({"Content-Type": "application/octet-stream"})
_JSON: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json"})
_NO_WAIT: Mapping[str, str] = MappingProxyType({**_BYTES, "Prefer": "respond-async"})
_SIDE_PIXELS = 64
_WORK = ("/api/ocr/", "/api/operations/")
_FOLLOWED = ": followed"


class Ask(NamedTuple):
    """One request: what it is called in the table, and the statuses that are an answer to it."""

    what: str
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = _NONE
    statuses: tuple[int, ...] = (200,)


# By weight: what it makes of a picture that the app has, and of a picture that it has not.
_Make = Callable[[Picture, bytes], Ask]


def _named(picture: Picture) -> bytes:
    return json.dumps({"name": picture.name}).encode()


def _batch(known: Picture, new: bytes) -> bytes:
    """What Azure AI Search sends: an image that is known, one that is new, and one that is none."""
    data = ({"name": known.name}, {"image": {"data": base64.b64encode(new).decode()}}, {"image": "none"})
    return json.dumps(
        {"values": [{"recordId": str(number), "data": each} for number, each in enumerate(data)]}
    ).encode()


def _path(picture: Picture) -> str:
    return quote(picture.name, safe="")


_MIX: Sequence[tuple[int, _Make]] = (
    (15, lambda known, new: Ask("state of an image", "GET", f"/api/images?name={_path(known)}")),
    (5, lambda known, new: Ask("list", "GET", "/api/images?limit=10")),
    (5, lambda known, new: Ask("unfinished", "GET", "/api/unfinished?limit=10")),
    (2, lambda known, new: Ask("contract", "GET", "/api/openapi.json")),
    (3, lambda known, new: Ask("new results", "GET", "/api/images?since=now&limit=5", statuses=(200, 202))),
    (
        3,
        lambda known, new: Ask(
            "image, waited for", "GET", f"/api/images?name={_path(known)}&wait=true", statuses=(200, 202)
        ),
    ),
    (5, lambda known, new: Ask("health", "GET", "/api/health")),
    (2, lambda known, new: Ask("domains", "GET", "/api/domains")),
    (
        20,
        lambda known, new: Ask("thumbnail, stored", "GET", f"/api/thumbnail?name={_path(known)}&width=200&height=150"),
    ),
    (
        3,
        lambda known, new: Ask(
            "thumbnail, new", "POST", "/api/thumbnail?width=60&height=60", new, _BYTES, statuses=(200, 202)
        ),
    ),
    (10, lambda known, new: Ask("analyze, known", "POST", "/api/analyze", _named(known), _JSON)),
    (5, lambda known, new: Ask("analyze, known bytes", "POST", "/api/analyze", known.data, _BYTES)),
    (3, lambda known, new: Ask("analyze, new", "POST", "/api/analyze", new, _BYTES)),
    (3, lambda known, new: Ask("describe, new", "POST", "/api/describe", new, _BYTES)),
    (
        3,
        lambda known, new: Ask(
            "analyze, not waiting", "POST", "/api/analyze?visualFeatures=Tags", new, _NO_WAIT, statuses=(200, 202)
        ),
    ),
    (2, lambda known, new: Ask("landmarks, new", "POST", "/api/domains/landmarks", new, _BYTES)),
    (2, lambda known, new: Ask("read, new", "POST", "/api/ocr", new, _BYTES, statuses=(200, 202))),
    (3, lambda known, new: Ask("skill", "POST", "/api/skills/describe?timeoutSeconds=30", _batch(known, new), _JSON)),
    (3, lambda known, new: Ask("no such image", "GET", "/api/images?name=none.png", statuses=(404,))),
    (3, lambda known, new: Ask("wrong parameter", "GET", "/api/images?limit=none", statuses=(400,))),
    (2, lambda known, new: Ask("no image", "POST", "/api/analyze", b"hello\n", _BYTES, statuses=(400,))),
)
NAMES = sorted({make(Picture("a.png", b"", None), b"").what for _, make in _MIX})


def any_request(chance: random.Random, known: Sequence[Picture]) -> Ask:
    """One request of the mix, as *chance* has it, of one of the images that are there or of new bytes."""
    [make] = chance.choices([make for _, make in _MIX], [weight for weight, _ in _MIX])
    return make(chance.choice(known), new_picture(chance))


def follow(what: str, path: str) -> Ask | None:
    """
    What a caller asks at the `Location` of a 202; None where that is no work with an end, but a wait for news.

    Args:
        what: was asked.
        path: of the `Location`, with its query.
    """
    name = f"{what.removesuffix(_FOLLOWED)}{_FOLLOWED}"
    return Ask(name, "GET", path, statuses=(200, 202)) if path.startswith(_WORK) else None


def new_picture(chance: random.Random) -> bytes:
    """A PNG that the app has never seen."""
    file = io.BytesIO()
    # One row of chance is enough, and costs the callers' own core next to nothing.
    row = chance.randbytes(3 * _SIDE_PIXELS)
    Image.frombytes("RGB", (_SIDE_PIXELS, _SIDE_PIXELS), row * _SIDE_PIXELS).save(file, "PNG", compress_level=1)
    return file.getvalue()
