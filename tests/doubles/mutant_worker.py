"""
Put mutants through the app, uploaded and over HTTP, in a process that tells what each came to.

    python tests/doubles/mutant_worker.py

Each line of standard input is a number of `doubles.mutants`; each answer is a line `{"number", "name", "problems",
"seconds", "above_idle", "bound"}`. Seconds are those of a core, memory is in bytes. Linux tells the peak; elsewhere it
is 0.
"""

import ctypes
import gc
import json
import resource
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import warnings  # noqa: E402

from doubles.http_requests import answered, parsed, request  # noqa: E402
from doubles.mutants import mutant  # noqa: E402
from doubles.parts import Parts  # noqa: E402
from doubles.photographs import BY_NAME, as_image  # noqa: E402
from doubles.picture_files import saved  # noqa: E402
from doubles.read_runs import ReadRun  # noqa: E402
from doubles.scenes import scene  # noqa: E402
from doubles.seeing_service import ENDPOINT, seeing_parts  # noqa: E402

import AnalyzeHttp  # noqa: E402
from shared import names, services  # noqa: E402
from shared.clock import Deadline  # noqa: E402
from shared.errors import BlobsightError  # noqa: E402
from shared.pictures import inspection  # noqa: E402
from shared.pictures.fitting import READ  # noqa: E402
from shared.transport.http import Reply, Transport  # noqa: E402
from shared.uploads import steps  # noqa: E402

MEGABYTE = 1024**2
# The bound of one picture: of its file, of what is decoded up to 12 million pixels, and of each pixel above.
TIMES_FILE, FIXED_BYTES, PIXELS_WITHIN, BYTES_A_PIXEL = 6, 120 * MEGABYTE, 12_000_000, 8
MOST_PIXELS = 100_000_000
# Of the whole process, should a bound fail.
MOST_ADDRESSES = 6 * 1024 * MEGABYTE
_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class BlindService(Transport):
    """
    A service that takes everything and answers at once, so that time and memory are the app's.

    Of a picture that is not the file itself it looks at the bytes: a working copy has to be one that it takes.
    """

    def __init__(self, original: bytes) -> None:
        self.problems: list[str] = []
        self._original = original

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Reply:
        if method == "GET":
            page = {"page": 1, "angle": 0.0, "width": 90, "height": 90, "unit": "pixel", "lines": []}
            result = {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": [page]}
            return self._json({"status": "succeeded", "analyzeResult": result})
        if body != self._original:
            self._look(body or b"")
        if url.partition("?")[0].endswith("read/analyze"):
            return Reply(202, {"Operation-Location": f"{ENDPOINT}/vision/v3.2/read/analyzeResults/1"}, b"")
        if "generateThumbnail" in url:
            return Reply(200, {"Content-Type": "image/jpeg"}, _THUMBNAIL)
        box = {"x": 10, "y": 10, "w": 30, "h": 30}
        found = {"areaOfInterest": box, "tags": [{"name": "text", "confidence": 0.99}]}
        found["objects"] = [{"rectangle": box, "object": "thing", "confidence": 0.9}]
        return self._json({**found, "metadata": {"width": 90, "height": 90, "format": "Jpeg"}})

    def _look(self, copy: bytes) -> None:
        image = as_image(copy)
        image.load()
        if image.format != "JPEG" or min(image.size) < 50 or max(image.size) > 16_000:
            self.problems.append(f"a copy that is a {image.format} of {image.size}")

    def _json(self, body: dict[str, Any]) -> Reply:
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(body).encode())


_THUMBNAIL = saved(scene(100, 100), "JPEG")


def put_through(name: str, data: bytes) -> list[str]:
    """Put one file through the app; returns what should not have come of it."""
    service = BlindService(data)
    app = seeing_parts(service, THUMBNAIL_SIZES="100x100,300x200", THUMBNAIL_FORMATS="jpeg,webp")  # type: ignore[arg-type]
    try:
        with services.replaced(app.services):
            return [*_upload(app, data), *_request(data), *service.problems]
    except Exception:
        return [traceback.format_exc()]
    finally:
        app.services.threads.shutdown()


def _upload(app: Parts, data: bytes) -> Iterator[str]:
    app.images.write(names.IMAGES, "a", data, content_type=names.BYTES)
    for outcome in steps.process(app.services, "a", data):
        if outcome.state == "deferred" or (outcome.state == "failed" and not outcome.code):
            yield f"upload: {outcome}"
        if outcome.job:
            ended = ReadRun(app, outcome.job).finish()
            if ended["state"] != "done" and not ended.get("problem", {}).get("code"):
                yield f"text: {ended}"


def _request(data: bytes) -> Iterator[str]:
    response = answered(AnalyzeHttp.main, request(body=data))
    if response.status_code >= 500 or (response.status_code != 200 and not parsed(response).get("code")):
        yield f"HTTP: {response.status_code} {response.get_body()[:300]!r}"


def bound_of(data: bytes) -> int:
    """How much memory it may take: the pixels are those of its header, where the app takes it."""
    pixels = 0
    with suppress(BlobsightError):
        header = inspection.inspect(data)
        pixels = header.width * header.height
        if pixels > MOST_PIXELS:
            # A JPEG is decoded at a half, a quarter or an eighth of its sides, any other not at all.
            shrunk = (pixels // each**2 for each in (8, 4, 2))
            is_jpeg = header.kind in ("JPEG", "MPO")
            pixels = next((each for each in shrunk if each >= READ.pixels), pixels) if is_jpeg else 0
    above = max(0, min(pixels, MOST_PIXELS) - PIXELS_WITHIN)
    return TIMES_FILE * len(data) + FIXED_BYTES + BYTES_A_PIXEL * above


def _memory(name: str) -> int:
    line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def _measured(number: int) -> dict[str, Any]:
    name, data = mutant(number)
    bound = bound_of(data)
    gc.collect()
    if is_linux := _FORGET.exists():
        ctypes.CDLL(None).malloc_trim(0)
        _FORGET.write_text("5", encoding="ascii")  # the peak begins anew (proc_pid_clear_refs)
    idle, begun = (_memory("VmRSS") if is_linux else 0), time.process_time()
    problems = put_through(name, data)
    seconds = time.process_time() - begun
    above = _memory("VmHWM") - idle if is_linux else 0
    told = {"number": number, "name": name, "problems": problems, "bytes": len(data)}
    return {**told, "seconds": seconds, "above_idle": above, "bound": bound}


def main() -> None:
    """Run until standard input ends."""
    # As in the worker, where a decoder's warning is no error.
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    for kind in ("held-6.heic", "held-6.avif", "display-p3.jpg", "lzw.tif", "plain.jp2"):
        put_through(kind, BY_NAME[kind].data)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_measured(int(line))), flush=True)


if __name__ == "__main__":
    main()
