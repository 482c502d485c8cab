"""
How fast the page is with 10,000 images, in a real Chromium at 50 ms and 5 Mbit/s.

    python -m bench.gallery [--images 10000] [--seconds 8]

The images and the line are those of the tests of the page: 200 that the app was sent, and records of the rest that the
app's own code made. It measures a first visit with an empty cache, and the time from a keystroke to the results on the
screen. It also measures the frames while the list scrolls, and a jump into the middle of the list. Chromium has no
graphics card here, so its frames are drawn by the processor that the app runs on too.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench import machine
from bench.section import Goal, goals_table, table

ROOT = Path(__file__).resolve().parent.parent
NOTES = Path(__file__).with_suffix(".js")
MOST_MILLISECONDS = 300.0
MOST_FILE_BYTES = 150_000
# Of the frames while the list scrolls as fast as a person reads.
MOST_LATE_SHARE = 0.05
MOST_SHIFT = 0.1
FRAME_MILLISECONDS = 1000 / 60
# The text in the box, and the letters typed behind it, each as late as the one before can have its results.
TYPED = (
    ("", "dog"),
    ("red ", "bridge"),
    ("", "invoice"),
    ("", "img-0004"),
    ("tag:h", "arbour"),
    ("", "montain"),
    ("cat -", "kitchen"),
    ("after:2024 ", "station"),
)
_PAUSE_MILLISECONDS = 600
_FAST_MILLISECONDS = 90
# Pixels a second: reading, looking for something, flying by.
SPEEDS = {"slowly": 800, "fast": 3000, "very fast": 12000}
_JUMPS = 12
_CARD = "#grid a[data-name]"
# The cards in the window have names and pictures.
_FILLED = """(pictures) => {
  const seen = (element) => {
    const box = element.getBoundingClientRect()
    return box.bottom > 0 && box.top < innerHeight
  }
  const cards = [...document.querySelectorAll('#grid li')].filter(seen)
  const named = cards.filter((card) => card.querySelector('[data-name]'))
  const images = cards.flatMap((card) => [...card.querySelectorAll('img')])
  return cards.length > 0 && named.length === cards.length
    && (!pictures || images.every((image) => image.complete && image.naturalWidth > 0))
}"""


class Visit(NamedTuple):
    """A first visit: bytes on the wire by kind, the milliseconds until names and pictures show, and the shift."""

    received: dict[str, int]
    names: float
    pictures: float
    shift: float


class Scroll(NamedTuple):
    """The milliseconds of each frame at one speed."""

    name: str
    frames: list[float]

    def share_over(self, milliseconds: float) -> float:
        """How many of the frames took longer; a tenth more is the clock's."""
        return sum(each > milliseconds * 1.1 for each in self.frames) / max(1, len(self.frames))


class Measured(NamedTuple):
    """All of one run; milliseconds."""

    visit: Visit
    keystrokes: list[float]
    words: list[float]
    scrolls: list[Scroll]
    jumps: list[float]


def kind_of(address: str) -> str:
    """What an address of the page answers with."""
    path = urlsplit(address).path
    if "/data/thumbnail" in path or "/data/picture" in path:
        return "pictures"
    return "data" if "/data/" in path else "files"


def measure(address: str, cookie: tuple[str, str, str], seconds: float) -> Measured:
    """Visit the page at *address*, signed in by *cookie*."""
    chromium = _doubles("chromium")
    with chromium.running_chromium() as browser, chromium.visiting(browser, cookie=cookie) as visit:
        page = visit.page
        page.add_init_script(path=NOTES)
        visited = _first_visit(page, address)
        keystrokes = [taken for each in TYPED for taken in _typed(page, *each)]
        words = [taken for each in TYPED for taken in _typed_fast(page, *each)]
        _fill(page, "")
        scrolls = [_scrolled(page, name, speed, seconds) for name, speed in SPEEDS.items()]
        return Measured(visited, keystrokes, words, scrolls, _jumped(page))


def _first_visit(page: Any, address: str) -> Visit:
    received, addresses = dict.fromkeys(("files", "data", "pictures"), 0), {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.responseReceived", lambda told: addresses.update({told["requestId"]: told["response"]["url"]}))

    def finished(told: dict[str, Any]) -> None:
        if address := addresses.get(told["requestId"]):
            received[kind_of(address)] += int(told["encodedDataLength"])

    session.on("Network.loadingFinished", finished)
    begun = time.monotonic()
    page.goto(address, wait_until="commit")
    page.locator(_CARD).first.wait_for()
    page.wait_for_function(_FILLED, arg=False)
    names = 1000 * (time.monotonic() - begun)
    page.wait_for_function(_FILLED, arg=True)
    pictures = 1000 * (time.monotonic() - begun)
    page.wait_for_load_state("networkidle")
    session.detach()
    return Visit(received, names, pictures, page.evaluate("noted.shift"))


def _typed(page: Any, before: str, word: str) -> list[float]:
    """Each letter waits for the results of the one before: the milliseconds from each to its results."""
    _fill(page, before)
    found = []
    for end in range(1, len(word) + 1):
        page.wait_for_timeout(_PAUSE_MILLISECONDS)
        page.keyboard.type(word[end - 1])
        if (taken := _until_shown(page, before + word[:end])) is not None:
            found.append(taken)
    return found


def _typed_fast(page: Any, before: str, word: str) -> list[float]:
    """The milliseconds from the last letter of a word that is typed in one go."""
    _fill(page, before)
    page.keyboard.type(word, delay=_FAST_MILLISECONDS)
    taken = _until_shown(page, before + word)
    return [] if taken is None else [taken]


def _until_shown(page: Any, query: str) -> float | None:
    """Milliseconds from the last key to the results of the query; None where they look like those before."""
    page.wait_for_function("(q) => q in noted.shown || noted.same[q]", arg=query)
    taken: float | None = page.evaluate("(q) => q in noted.shown ? noted.shown[q] - noted.keys.at(-1) : null", query)
    return taken


def _fill(page: Any, text: str) -> None:
    """Let this stand in the box, and all that follows from it be over."""
    page.locator("#search input").fill(text)
    page.wait_for_timeout(_PAUSE_MILLISECONDS)
    page.wait_for_load_state("networkidle")
    page.evaluate("() => { noted.answers = {}; noted.shown = {}; noted.same = {} }")


def _scrolled(page: Any, name: str, speed: int, seconds: float) -> Scroll:
    page.evaluate("() => scrollTo(0, 0)")
    page.wait_for_function(_FILLED, arg=False)
    session = page.context.new_cdp_session(page)
    page.evaluate("() => { noted.stop = noted.watchFrames() }")
    gesture = {"x": 900, "y": 500, "yDistance": -int(speed * seconds), "speed": speed, "gestureSourceType": "mouse"}
    session.send("Input.synthesizeScrollGesture", gesture)
    page.evaluate("() => noted.stop()")
    session.detach()
    return Scroll(name, page.evaluate("noted.frames"))


def _jumped(page: Any) -> list[float]:
    """The milliseconds from a jump of the scroll bar to the names of the images there."""
    found = []
    for number in range(1, _JUMPS + 1):
        page.evaluate("(share) => scrollTo(0, share * document.documentElement.scrollHeight)", number * 0.618 % 1)
        begun = time.monotonic()
        page.wait_for_function(_FILLED, arg=False)
        found.append(1000 * (time.monotonic() - begun))
        page.wait_for_timeout(_PAUSE_MILLISECONDS)
    return found


def report(found: Measured) -> str:
    """The tables."""
    visit = found.visit
    first = [
        *((f"{kind}, kB", f"{count / 1000:.1f}") for kind, count in visit.received.items()),
        ("until the names of the first images, ms", f"{visit.names:.0f}"),
        ("until their pictures, ms", f"{visit.pictures:.0f}"),
        ("layout shift", f"{visit.shift:.3f}"),
    ]
    typed = [
        ("one letter", *_spread(found.keystrokes)),
        ("the last letter of a word that is typed fast", *_spread(found.words)),
        ("a jump of the scroll bar", *_spread(found.jumps)),
    ]
    scrolls = [
        (
            f"{each.name}: {SPEEDS[each.name]} pixels a second",
            f"{len(each.frames)}",
            f"{100 * each.share_over(FRAME_MILLISECONDS):.1f}",
            f"{100 * each.share_over(2 * FRAME_MILLISECONDS):.1f}",
            f"{max(each.frames, default=0):.0f}",
        )
        for each in found.scrolls
    ]
    return "\n\n".join(
        [
            table(("first visit", ""), first),
            table(("until the results show, ms", "how many", "median", "p95", "longest"), typed),
            table(("scrolling", "frames", "over 16.7 ms, %", "over 33.3 ms, %", "longest, ms"), scrolls),
            goals_table(goals(found)),
        ]
    )


def _spread(milliseconds: Sequence[float]) -> tuple[str, str, str, str]:
    return (
        f"{len(milliseconds)}",
        f"{statistics.median(milliseconds):.0f}",
        f"{statistics.quantiles(milliseconds, n=20, method='inclusive')[-1]:.0f}",
        f"{max(milliseconds):.0f}",
    )


def goals(found: Measured) -> list[Goal]:
    """What has to hold."""
    late = found.scrolls[0].share_over(2 * FRAME_MILLISECONDS)
    return [
        Goal.at_most(
            "first results after a keystroke, median", MOST_MILLISECONDS, statistics.median(found.keystrokes), " ms"
        ),
        Goal.at_most(
            "files of the page on the wire", MOST_FILE_BYTES / 1000, found.visit.received["files"] / 1000, " kB"
        ),
        Goal.at_most("frames over 33.3 ms while scrolling slowly", 100 * MOST_LATE_SHARE, 100 * late, " %"),
        Goal.at_most("layout shift of a first visit", MOST_SHIFT, found.visit.shift),
    ]


@contextmanager
def _world(images: int) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """The page's address behind the line, and the cookie of an editor."""
    world_of, sign_in = _doubles("gallery_world"), _doubles("platform_sign_in")
    world_of.COUNT = images
    with tempfile.TemporaryDirectory() as state:
        begun = time.monotonic()
        with world_of.running_world(Path(state), []) as world:
            print(f"{images} images are there, after {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
            session = world.sign_in.session_of(sign_in.EDITOR)
            yield world.address, (world.address, sign_in.COOKIE, session)


def _doubles(name: str) -> Any:
    """A module of the tests' doubles."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.append(str(ROOT / "tests"))
    return import_module(f"doubles.{name}")


def main(argv: list[str]) -> int:
    """Do it and print the tables; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.gallery")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=8.0, help="of scrolling at each speed (%(default)s)")
    given = parser.parse_args(argv)
    with _world(given.images) as (address, cookie):
        found = measure(address, cookie, given.seconds)
    print(table(("machine", ""), machine.described().items()), report(found), sep="\n\n")
    return 0 if all(goal.held for goal in goals(found)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
