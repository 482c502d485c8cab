"""
Nothing that a camera, a phone or an editor wrote beside the pixels leaves with a thumbnail or a working copy.

The bytes are searched for each secret, and what carries such things in the file's kind is looked for.
"""

import asyncio
import itertools
import struct
from collections.abc import Iterator

import pytest
from doubles.http_requests import Hub, answered, invocation, request, upload
from doubles.odd_pictures import segment
from doubles.parts import Parts
from doubles.photographs import as_image, exif_of
from doubles.picture_files import saved
from doubles.private_pictures import COMMENT, LATITUDE, PICTURES, SECRETS, UPRIGHT
from doubles.read_runs import ReadRun
from doubles.scenes import scene
from doubles.seeing_service import SeeingService, seeing_parts

import AnalyzeOnUpload
import OcrHttp
import ThumbnailHttp
from shared import names, services
from shared.durable.read_job import Job

# Of a JPEG: JFIF, tables, frames, the scan, and an ICC profile. Of a WebP: pixels and the list of what there is.
JPEG_MARKERS = {0xE0, 0xE2, 0xDB, 0xC0, 0xC2, 0xC4, 0xDA, 0xDD}
WEBP_CHUNKS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"}
CARRIERS = ("exif", "xmp", "comment", "photoshop", "mp")


@pytest.fixture
def service() -> SeeingService:
    """The service that the app asks."""
    return SeeingService()


@pytest.fixture
def app(service: SeeingService) -> Iterator[Parts]:
    """The services that every function under test finds."""
    app = seeing_parts(service, THUMBNAIL_SIZES="120x120", THUMBNAIL_FORMATS="jpeg,webp")
    with services.replaced(app.services):
        yield app
    app.services.threads.shutdown()


@pytest.fixture(autouse=True)
def hub(task_hub: Hub) -> Hub:
    """The task hub, also where a test does not ask for it."""
    return task_hub


def parts_of_jpeg(data: bytes) -> Iterator[int]:
    """The markers up to the scan."""
    at = 2
    while True:
        assert data[at] == 0xFF
        yield data[at + 1]
        if data[at + 1] == 0xDA:
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4])


def parts_of_webp(data: bytes) -> Iterator[bytes]:
    at = 12
    while at < len(data):
        yield data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        at += 8 + length + length % 2


def check_silent(data: bytes) -> None:
    """The picture tells what it shows, and no more."""
    found = [secret.decode() for secret in SECRETS if secret in data]
    assert found == []
    assert LATITUDE not in data
    image = as_image(data)
    assert dict(image.getexif()) == {}
    assert not set(CARRIERS) & set(image.info)
    if image.format == "WEBP":
        assert set(parts_of_webp(data)) <= WEBP_CHUNKS
    else:
        assert image.format == "JPEG"
        assert set(parts_of_jpeg(data)) <= JPEG_MARKERS
        # Nothing is behind its end.
        assert data.endswith(b"\xff\xd9")


def test_each_picture_has_secrets_to_tell() -> None:
    for name, data in PICTURES.items():
        assert sum(secret in data for secret in SECRETS) >= (1 if name in ("moving.gif", "photo.jp2") else 6), name


def test_what_would_tell_is_noticed() -> None:
    """The check can fail."""
    quiet = saved(scene(), "JPEG")
    check_silent(quiet)
    for loud in (
        quiet[:2] + segment(0xFE, b"hello") + quiet[2:],
        quiet + b"film",
        quiet[:-2] + COMMENT + quiet[-2:],
        saved(scene(), "JPEG", exif=exif_of(1)),
        saved(scene(), "WEBP", xmp=b"<x/>"),
    ):
        with pytest.raises(AssertionError):
            check_silent(loud)


@pytest.mark.parametrize("name", PICTURES)
def test_no_thumbnail_and_no_working_copy_tells_more_than_it_shows(
    app: Parts, hub: Hub, service: SeeingService, name: str
) -> None:
    data = PICTURES[name]
    app.images.write(names.IMAGES, name, data, content_type="application/octet-stream")
    asyncio.run(AnalyzeOnUpload.main(upload(f"images/{name}", data), "the binding", invocation()))
    made = [*app.images.contents("thumbnails").values()]
    assert len(made) == 2
    for form in ("jpeg", "webp"):
        params = {"width": "90", "height": "60", "format": form}
        response = answered(ThumbnailHttp.main, request(body=data, params=params))
        assert response.status_code == 200, response.get_body()
        made.append(response.get_body())
    if name != "moving.gif":
        asyncio.run(OcrHttp.main(request(body=data), invocation(), starter="the binding"))
        read_all(app, hub)
    copies = [each.data for each in service.received if each.data != data]
    assert bool(copies) == (name not in UPRIGHT)
    for each in itertools.chain(made, copies):
        check_silent(each)


def read_all(app: Parts, hub: Hub) -> None:
    for _, _, given in hub.started:
        assert ReadRun(app, Job.from_json(given)).finish()["state"] == "done"


def test_read_gets_an_upright_tiff_as_it_is_as_the_page_on_privacy_says(
    app: Parts, hub: Hub, service: SeeingService
) -> None:
    data = saved(scene(), "TIFF", tiffinfo={270: COMMENT.decode()})
    assert COMMENT in data
    app.images.write(names.IMAGES, "scan.tif", data, content_type="image/tiff")
    asyncio.run(AnalyzeOnUpload.main(upload("images/scan.tif", data), "the binding", invocation()))
    read_all(app, hub)
    assert service.sent("read/analyze") == [data]
    (copy,) = service.sent("analyze")
    check_silent(copy)
