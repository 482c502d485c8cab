"""
The pictures of the page in README and docs, made anew from the samples.

    python -m bench.screenshots [--output docs/images] [--only gallery-list ...]

A stack of its own gets the samples and a file that is no picture, and Chromium looks at each view. Each picture is a
WebP of less than 200 kB. Look at them before you commit them: they show what a visitor sees.
"""

import argparse
import json
import mimetypes
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from azure.storage.blob import ContentSettings
from PIL import Image

from bench.stack import Stack, running_stack
from local.samples import sample_files

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "images"
MOST_BYTES = 200_000
WIDE, LOW, PHONE = (1440, 900), (1440, 640), (390, 844)
# It failed for a reason that a person sees at once.
BROKEN = ("notes.jpg", b"This is a text, against its name.\n")
_QUALITIES = (88, 80, 70, 60)
_GAP = 24
_SETTLE_SECONDS = 240.0
_LOOK_SECONDS = 0.5
# In the window, every picture is there; those below it come when they are needed.
_LOADED = """() => [...document.images].every((image) => {
  const box = image.getBoundingClientRect()
  const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth
  return !seen || (image.complete && image.naturalWidth > 0)
})"""


class View(NamedTuple):
    """One look at the page: its address, the window, the colours, and the part that is there when it is complete."""

    query: dict[str, str]
    size: tuple[int, int] = WIDE
    dark: bool = False
    there: str = "#grid a[data-name]"


_IMAGE = "dialog#picture[open] img"
SHOTS: dict[str, Sequence[View]] = {
    "gallery-list": [View({})],
    "gallery-list-dark": [View({}, LOW, dark=True)],
    "gallery-search": [View({"q": "coffee"}, LOW)],
    "gallery-image": [View({"image": "coffee.jpg"}, there=_IMAGE)],
    "gallery-text": [View({"q": "total", "image": "receipt.png"}, dark=True, there=_IMAGE)],
    "gallery-phone": [
        View({}, PHONE),
        View({"q": "coffee"}, PHONE),
        View({"image": "astronaut.jpg"}, PHONE, dark=True, there=_IMAGE),
    ],
}


def main(argv: list[str]) -> int:
    """Make them; the exit status is 0 if each is there and light enough."""
    parser = argparse.ArgumentParser(prog="python -m bench.screenshots")
    parser.add_argument("--output", type=Path, default=FOLDER, help="the folder for the pictures (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=SHOTS, default=list(SHOTS), metavar="NAME", help="some of them")
    given = parser.parse_args(argv)
    given.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, _stack_with_samples(Path(state)) as stack:
        page = f"http://127.0.0.1:{stack.addresses.port}/api/gallery"
        with _doubles("chromium").running_chromium() as browser:
            for name in given.only:
                file = given.output / f"{name}.webp"
                file.write_bytes(light(side_by_side([shot(browser, page, view) for view in SHOTS[name]])))
                print(f"{file}: {file.stat().st_size / 1000:.0f} kB", flush=True)
    return 0


def shot(browser: Any, page: str, view: View) -> Image.Image:
    """What the window shows. Raises AssertionError if the browser complains of anything."""
    with _doubles("chromium").visiting(browser, size=view.size, dark=view.dark) as visit:
        visit.page.goto(f"{page}?{urlencode(view.query)}" if view.query else page)
        visit.page.locator(view.there).first.wait_for()
        visit.page.wait_for_load_state("networkidle")
        visit.page.wait_for_function(_LOADED)
        taken = visit.page.screenshot(animations="disabled")
    return Image.open(BytesIO(taken)).convert("RGB")


def side_by_side(shots: Sequence[Image.Image]) -> Image.Image:
    """One picture of several, with a gap between them."""
    if len(shots) == 1:
        return shots[0]
    width = sum(each.width for each in shots) + _GAP * (len(shots) - 1)
    joined = Image.new("RGB", (width, max(each.height for each in shots)), "#8a919e")
    left = 0
    for each in shots:
        joined.paste(each, (left, 0))
        left += each.width + _GAP
    return joined


def light(shown: Image.Image) -> bytes:
    """The best WebP of less than `MOST_BYTES`. Raises ValueError if there is none."""
    for quality in _QUALITIES:
        written = BytesIO()
        shown.save(written, "WEBP", quality=quality, method=6)
        if written.tell() < MOST_BYTES:
            return written.getvalue()
    raise ValueError(f"{shown.size}: {written.tell()} bytes at the lowest quality, and {MOST_BYTES} are allowed")


@contextmanager
def _stack_with_samples(state: Path) -> Iterator[Stack]:
    with running_stack(state, with_events=True) as stack:
        samples = {path.name: path.read_bytes() for path in sample_files(state / "samples")}
        with stack.storage() as storage:
            container = storage.get_container_client("images")
            for name, data in (*samples.items(), BROKEN):
                # As every browser and tool tells it.
                content_type = mimetypes.guess_type(name)[0]
                container.upload_blob(name, data, content_settings=ContentSettings(content_type=content_type))
        _wait_until_done(stack, len(samples))
        yield stack


def _wait_until_done(stack: Stack, complete: int) -> None:
    """Return when so many images are complete and the other one has failed. Raises TimeoutError."""
    end = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < end:
        images = json.loads(stack.ask_host("GET", "/api/images?summary=true"))["summary"]["images"]
        if (images["complete"], images["failed"]) == (complete, 1):
            return
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"after {_SETTLE_SECONDS:.0f} s the images are {images}")


def _doubles(name: str) -> Any:
    """A module of the tests' doubles."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.append(str(ROOT / "tests"))
    return import_module(f"doubles.{name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
