"""
10,000 images behind the page: the local stack, with 200 that it was sent and records of the rest.

In front of it stands the double of the platform's sign-in, behind a slow line.
"""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from doubles import many_images
from doubles.chromium import WIDE, Visit
from doubles.many_images import Made
from doubles.patience import wait_until
from doubles.platform_sign_in import Person, SignIn, running_sign_in
from doubles.slow_line import slow_line
from PIL import Image, ImageDraw, ImageFont

from bench.stack import Stack, running_stack

COUNT, REAL = 10_000, 200
GALLERY_KEY = "key-of-the-tests-of-the-page"
SETTINGS = {
    **many_images.SETTINGS,
    "WEBSITE_AUTH_ENABLED": "True",
    "GALLERY_KEY": GALLERY_KEY,
    "GALLERY_OPEN": "false",
    "IMAGES_WRITABLE": "true",
}
# A busy machine has looked at 200 pictures by then.
_SETTLE_SECONDS = 280.0
# One of so many of the uploads has a word to be read, which takes the longest.
_READ_EACH = 50


@dataclass(frozen=True)
class World:
    """
    A running one.

    Attributes:
        stack: what the tests change and ask past the page.
        sign_in: the platform before it.
        address: of the page, as a browser far away has it.
        near: the same without the slow line.
    """

    stack: Stack
    sign_in: SignIn
    address: str
    near: str

    def ask(self, path: str) -> Any:
        """What the HTTP API of the app answers, past the platform."""
        return json.loads(self.stack.ask_host("GET", path))


class Arrive(Protocol):
    """How a test opens the page: the fixture `arrive`."""

    def __call__(
        self,
        person: Person | None = None,
        query: str = "",
        *,
        size: tuple[int, int] = WIDE,
        dark: bool = False,
        near: bool = False,
        expected: tuple[str, ...] = (),
    ) -> Visit:
        """Open it at that query of the address, as that person; None is a stranger."""
        ...


@contextmanager
def running_world(state: Path, others: list[Made]) -> Iterator[World]:
    """Run it, with its data in *state* and *others* beside the images that are as any."""

    def fill(stack: Stack) -> None:
        many_images.fill(stack.addresses.connection_string, COUNT - REAL - len(others), others)

    with running_stack(state, settings=SETTINGS, with_events=True, before_host=fill) as stack:
        upload_real(stack)
        with running_sign_in(stack.addresses.port) as sign_in, slow_line(sign_in.port) as port:
            yield World(
                stack, sign_in, f"http://127.0.0.1:{port}/api/gallery", f"http://127.0.0.1:{sign_in.port}/api/gallery"
            )


def upload_real(stack: Stack) -> None:
    """Send the pictures, and wait until the app has done all it does with them."""
    with stack.storage() as storage:
        container = storage.get_container_client("images")
        for number in range(REAL):
            container.upload_blob(f"real/upload-{number:03}.png", real_picture(number))

    def is_done() -> bool:
        try:
            found = json.loads(stack.ask_host("GET", "/api/search?q=folder:real%20is:complete&limit=1"))
        except OSError:  # beside the uploads the first reading of the index takes longer than a request may
            return False
        return bool(found["total"] == REAL)

    wait_until(is_done, _SETTLE_SECONDS, poll_seconds=0.5)


def real_picture(number: int) -> bytes:
    """A picture of a few shapes; of some, of a word on paper."""
    if number % _READ_EACH == 0:
        return paper(f"PARCEL {number:03}")
    chance = random.Random(f"real {number}")
    shown = Image.new("RGB", (120, 90), tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(shown)
    for shape in (draw.rectangle, draw.ellipse):
        left, top = chance.randrange(60), chance.randrange(40)
        shape((left, top, left + 50, top + 40), fill=tuple(chance.randrange(256) for _ in range(3)))
    return _png(shown)


def paper(text: str) -> bytes:
    """A sheet of paper with lines of large letters, which the local Computer Vision reads."""
    lines = text.split("\n")
    shown = Image.new("RGB", (480, 60 + 70 * len(lines)), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(shown).text((30, 25 + 70 * number), line, fill="black", font=ImageFont.load_default(44))
    return _png(shown)


def _png(shown: Image.Image) -> bytes:
    written = BytesIO()
    shown.save(written, "PNG")
    return written.getvalue()
