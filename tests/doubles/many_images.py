"""
Thousands of images in an account, with the records that the app's own code makes of them.

    python tests/doubles/many_images.py CONNECTION_STRING FIRST LAST

Their uploads are done on an account in memory, with a Computer Vision that answers at once, as requests to storage
would take most of the time. The records are copied, and the index is told of them as the comparison of the night tells
it. `fill` does that in processes side by side, and folds the index.

Of most images only the records go into the account, as that is what lists and searches look at. The image itself is
there too where it has text or has failed.
"""

import asyncio
import io
import itertools
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
from azure.storage.blob import AccountSasPermissions, BlobServiceClient, ResourceTypes, generate_account_sas
from doubles.clock import EPOCH, FakeClock
from doubles.fake_vision import FakeVision
from doubles.memory import MemoryBlobs
from doubles.parts import ENVIRONMENT, Parts, asking, parts
from doubles.read_runs import ReadRun
from PIL import Image
from yarl import URL

from shared import names, services
from shared.durable.read_job import from_image
from shared.images import ImageBytes, ImageUrl
from shared.index import derive, places
from shared.index.entry import Line
from shared.index.fold import fold
from shared.records.versions import Source
from shared.settings import Settings
from shared.storage.blobs import Blob, BlobInfo
from shared.uploads import steps
from shared.vision.questions import Question

# What the app in front of the account has to be told too: records of other sizes would be pending.
SETTINGS = {"THUMBNAIL_SIZES": "200x150", "VISION_RATE": "100000/1"}
# One of so many has text; one of so many is no picture at all, against its name.
TEXT_EACH, FAILED_EACH = 20, 480
_PROJECT = Path(__file__).resolve().parents[2]
_PROCESSES = 2
_BATCH = 200
_AT_ONCE = 24
_BLOCK_BYTES = 3 * 2**20
_THINGS = (
    "dog",
    "cat",
    "car",
    "house",
    "tree",
    "person",
    "table",
    "cup",
    "bottle",
    "bridge",
    "flower",
    "train",
    "boat",
)
_PLACES = ("street", "beach", "kitchen", "forest", "office", "garden", "station", "mountain", "harbour", "field")
_HOW = ("small", "large", "black", "white", "red", "old", "wooden", "sunny", "blurry", "modern")
_WORDS = ("invoice", "total", "due", "customer", "number", "payment", "order", "delivery", "tax", "balance", "receipt")


class Made(NamedTuple):
    """
    One of the images.

    Attributes:
        name: the blob's.
        data: its bytes.
        caption: what Computer Vision says of it.
        tags: likewise.
        text: what it reads in it; None where it has no text.
        is_whole: whether the image itself goes into the account with its records.
    """

    name: str
    data: bytes
    caption: str
    tags: tuple[str, ...]
    text: str | None
    is_whole: bool = True


def image(number: int) -> Made:
    """The image of this number, the same at every run."""
    chance = random.Random(number)
    year, month = chance.randint(2019, 2026), chance.randint(1, 12)
    thing, other, place = chance.choice(_THINGS), chance.choice(_THINGS), chance.choice(_PLACES)
    name = f"{year}/{month:02}/img-{number:06}.jpg"
    caption = f"a {chance.choice(_HOW)} {chance.choice(_HOW)} {thing} beside a {other} at the {place}"
    text = f"{' '.join(chance.choices(_WORDS, k=6))} {number}" if number % TEXT_EACH == 0 else None
    tags = tuple(dict.fromkeys([thing, other, place, chance.choice(_HOW), *(["text"] if text else [])]))
    if number % FAILED_EACH == FAILED_EACH - 1:
        return Made(name, f"this is no picture, but number {number}".encode(), caption, tags, None)
    data = _jpeg(chance, number, f"{year}:{month:02}:{chance.randint(1, 28):02} 12:00:00")
    return Made(name, data, caption, tags, text, is_whole=text is not None)


def _jpeg(chance: random.Random, number: int, taken: str) -> bytes:
    """A small picture with bytes of its own, which knows when it was taken."""
    size = chance.choice([(64, 64), (80, 60), (60, 80), (96, 54)])
    # Blurred spots of chance: few of them look like each other.
    shown = Image.frombytes("RGB", (5, 4), chance.randbytes(60)).resize(size, Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = taken
    # Two pictures of the same look have other bytes all the same.
    exif[0x010E] = f"number {number}"
    written = io.BytesIO()
    shown.save(written, "JPEG", exif=exif)
    return written.getvalue()


class _Seeing(FakeVision):
    """One that says of an image what that image has to say of itself."""

    shown: Made

    def _found(self, question: Question, image: ImageBytes | ImageUrl) -> dict[str, object]:
        made = self.shown
        captions = [{"text": made.caption, "confidence": 0.9}]
        return {
            "description": {"tags": list(made.tags), "captions": captions},
            "tags": [{"name": tag, "confidence": 0.9} for tag in made.tags],
            "categories": [],
            # With an object that is named no area of interest has to be asked for.
            "objects": [{"rectangle": {"x": 8, "y": 8, "w": 30, "h": 30}, "object": made.tags[0], "confidence": 0.8}],
        }


class _Account:
    """The account that is filled, by plain requests: the official client takes a millisecond for each."""

    def __init__(self, session: aiohttp.ClientSession, connection_string: str) -> None:
        with BlobServiceClient.from_connection_string(connection_string) as client:
            self._url = client.primary_endpoint.rstrip("/")
            self._signature = generate_account_sas(
                client.account_name,
                client.credential.account_key,
                ResourceTypes(object=True),
                AccountSasPermissions(write=True, create=True),
                datetime.now(UTC) + timedelta(hours=1),
            )
        self._session = session
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def put(self, container: str, info: BlobInfo, data: bytes) -> BlobInfo:
        """Write a blob; its properties as they are there."""
        headers = {
            "x-ms-version": "2021-12-02",
            "x-ms-blob-type": "BlockBlob",
            "x-ms-blob-content-type": info.content_type or "application/octet-stream",
            **{f"x-ms-meta-{name}": value for name, value in info.metadata.items()},
            **({"x-ms-blob-cache-control": info.cache_control} if info.cache_control else {}),
        }
        url = f"{self._url}/{container}/{quote(info.name, safe='~/')}?{self._signature}"
        async with self._places, self._session.put(URL(url, encoded=True), data=data, headers=headers) as answer:
            assert answer.status == 201, (info.name, answer.status, await answer.text())
            at = parsedate_to_datetime(answer.headers["Last-Modified"])
            return info._replace(etag=answer.headers["ETag"].strip('"'), size=len(data), modified=at, created=at)


async def _uploaded(account: _Account, made: list[Made]) -> list[Blob]:
    now = datetime.now(UTC)

    async def info_of(each: Made) -> BlobInfo:
        info = BlobInfo(each.name, "0x1", len(each.data), "image/jpeg", modified=now, created=now)
        return await account.put(names.IMAGES, info, each.data) if each.is_whole else info

    infos = await asyncio.gather(*map(info_of, made))
    return [Blob(info, each.data) for info, each in zip(infos, made, strict=True)]


def _app() -> tuple[Parts, _Seeing]:
    """The app in memory. Its clock is an hour behind, as it runs ahead where the app waits."""
    behind = datetime.now(UTC) - timedelta(hours=1) - EPOCH
    app = parts(FakeClock(behind.total_seconds()), **SETTINGS)
    seeing = _Seeing()
    return Parts(asking(app.services, seeing), app.images, app.host, seeing, app.clock), seeing


def _process(app: Parts, seeing: _Seeing, made: Made) -> None:
    """Do what the upload of the image does, with its text where it has one."""
    seeing.shown = made
    seeing.text = made.text or ""
    steps.process(app.services, made.name, None)
    if made.text is not None:
        blob = app.images.read(names.IMAGES, made.name)
        assert blob is not None
        source = Source(made.name, blob.info.etag, ImageBytes(blob.data)).found(blob.info)
        ReadRun(app, from_image(source, app.services.settings, text_only=False)).finish()


async def _copied(account: _Account, images: MemoryBlobs) -> None:
    """Write all records into the account; the account in memory has their properties there from then on."""
    records = [(container, info, data) for container, _, info, data in images.everything() if container != names.IMAGES]
    found = await asyncio.gather(*(account.put(*record) for record in records))
    for (container, _, data), info in zip(records, found, strict=True):
        images.restore(container, Blob(info, data))


async def _batch(account: _Account, made: list[Made]) -> list[Line]:
    """Images and records of a batch go into the account; what the index has to know of them."""
    app, seeing = _app()
    for blob in await _uploaded(account, made):
        app.images.restore(names.IMAGES, blob)
    for each in made:
        _process(app, seeing, each)
    await _copied(account, app.images)
    settings, clock = app.services.settings, app.clock
    return [derive.line_of(app.images, settings, clock, each.name) for each in made]


def _note(host: Any, writer: str, lines: list[Line]) -> None:
    """Append lines to the tail of a writer, as the app does."""
    tail = places.tail(writer)
    host.begin_appends(names.INDEX, tail)
    block = b""
    for line in lines:
        block += json.dumps(line, separators=(",", ":")).encode() + b"\n"
        if len(block) > _BLOCK_BYTES:
            assert host.append(names.INDEX, tail, block)
            block = b""
    assert not block or host.append(names.INDEX, tail, block)


def _app_on(connection_string: str) -> services.App:
    accounts = dict.fromkeys(("ImagesStorage", "AzureWebJobsStorage"), connection_string)
    return services.build(Settings.from_env({**ENVIRONMENT, **SETTINGS, **accounts}))


async def put_all(connection_string: str, made: Iterator[Made]) -> list[Line]:
    """Put images with their records into the account."""
    lines: list[Line] = []
    async with aiohttp.ClientSession() as session:
        account = _Account(session, connection_string)
        while batch := list(itertools.islice(made, _BATCH)):
            lines += await _batch(account, batch)
    return lines


def put(connection_string: str, made: list[Made], writer: str) -> None:
    """The same, and let the index know of them."""
    # In a thread of its own: the caller's may have the loop of a browser in it.
    with ThreadPoolExecutor(1) as pool:
        lines = pool.submit(lambda: asyncio.run(put_all(connection_string, iter(made)))).result()
    _note(_app_on(connection_string).host, writer, lines)


def fill(connection_string: str, count: int, others: list[Made]) -> None:
    """Put so many images into an account that has its containers, and some of one's own; and fold the index."""
    share = -(-count // _PROCESSES)
    # Each finds the project and these doubles, whichever program has called this.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_PROJECT), str(_PROJECT / "tests")])}
    begun = [
        subprocess.Popen(
            [sys.executable, __file__, connection_string, str(first), str(min(first + share, count))], env=environment
        )
        for first in range(0, count, share)
    ]
    try:
        put(connection_string, others, "others")
        assert [process.wait() for process in begun] == [0] * len(begun)
    finally:
        for process in begun:
            process.kill()
            process.wait()
    app = _app_on(connection_string)
    app.host.write(names.INDEX, places.BUILT, b"{}", content_type=names.JSON)
    while fold(app.host, app.clock).more:
        pass


if __name__ == "__main__":
    put(sys.argv[1], [image(number) for number in range(int(sys.argv[2]), int(sys.argv[3]))], f"images-{sys.argv[2]}")
