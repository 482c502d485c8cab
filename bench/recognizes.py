"""
What the local Computer Vision says of photographs that none of its thresholds was chosen with.

    python -m bench.recognizes [--development] [--models all|clear|off]

`held_out_photographs.toml` lists them, with what a person sees in each; `make setup-dev` fetches them. Each is sent to
the service, in this process and with set-up's models. It is right where a tag names the subject. It is wrong where a
tag, an object or the caption names another subject with a confidence above 0.6. Exits 1 if a goal is missed.

`--development` takes `development_photographs.toml`, with which thresholds may be chosen.
"""

import argparse
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import requests

from bench import photographs
from bench.photographs import Picture
from bench.section import Goal, Section, goals_table, table
from local.models.catalogue import CHOICES, SETTING
from local.vision.evidence.colours import NAMES
from local.vision.recognition.loading import Models
from local.vision.server import RunningVision, running_vision

LEAST_RIGHT = 0.75
MOST_WRONG = 1 / 16
SURE = 0.6
_FEATURES = "Tags,Objects,Description"
_TIMEOUT_SECONDS = 30
_AT_ONCE = 2
# What is true or false of the picture, and names no subject in it.
_OF_THE_PICTURE = frozenset(
    (
        *(name.lower() for name in NAMES),
        *("indoor", "outdoor", "dark", "bright", "black and white", "monochrome", "close-up", "blurry"),
        *("drawing", "line art", "clipart", "graphics"),
    )
)
# What a caption is made of besides the names of its subjects.
_CONNECTING = re.compile(
    "a|an|the|pair|some|several|many|two|three|four|five|six|seven|eight|nine|ten|small|large|big|little"
    "|and|of|in|on|with|at|by|near|next|to|beside|behind|above|under|over|from|for|is|are|it|its|their"
    "|photo|photograph|picture|image|view|tones?|colours?|line|clip-art"
)


class Said(NamedTuple):
    """Something that the service said, as a tag, an object or a caption, and how sure it was."""

    as_a: str
    text: str
    confidence: float


@dataclass(frozen=True)
class Verdict:
    """What was said of a picture: *right* are the tags that name its subject, *wrong* all that names another one."""

    picture: Picture
    said: tuple[Said, ...]

    @property
    def right(self) -> list[Said]:
        """The tags that name the subject."""
        return [said for said in self.said if said.as_a == "tag" and said.text in self.picture.right]

    @property
    def wrong(self) -> list[Said]:
        """What is said with confidence and not seen by a person."""
        return [said for said in self.said if said.confidence > SURE and strange(said, self.picture)]

    @property
    def word(self) -> str:
        """It in one word."""
        return ("right" if self.right else "missed") + (", wrong" if self.wrong else "")


def strange(said: Said, picture: Picture) -> list[str]:
    """Return the words by which *said* names what is not in the picture."""
    true = picture.right | picture.also
    if said.as_a != "caption":
        return [] if said.text in true | _OF_THE_PICTURE else [said.text]
    rest = said.text.lower()
    for name in sorted(true | _OF_THE_PICTURE, key=len, reverse=True):
        rest = re.sub(rf"\b{re.escape(name)}(s|es)?\b", " ", rest)
    return [word for word in re.findall(r"[a-z][a-z-]*", rest) if not _CONNECTING.fullmatch(word)]


def ask(vision: RunningVision, data: bytes) -> tuple[Said, ...]:
    """Send a picture to the service; what it says, most certain first."""
    return said_in(analyzed(vision, data, _FEATURES))


def analyzed(vision: RunningVision, data: bytes, features: str) -> dict[str, Any]:
    """Send a picture to the service; its answer with *features*, which commas separate."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{vision.url}/vision/v3.2/analyze",
            data=data,
            params={"visualFeatures": features},
            headers={"Content-Type": "application/octet-stream", "Ocp-Apim-Subscription-Key": vision.key},
            timeout=_TIMEOUT_SECONDS,
        )
    answer.raise_for_status()
    result: dict[str, Any] = answer.json()
    return result


def said_in(result: dict[str, Any]) -> tuple[Said, ...]:
    """Return what a result of analyze says, most certain first."""
    found = [Said("tag", tag["name"], tag["confidence"]) for tag in result["tags"]]
    found += [Said("object", thing["object"], thing["confidence"]) for thing in result["objects"]]
    captions = result["description"]["captions"]
    found += [Said("caption", caption["text"], caption["confidence"]) for caption in captions]
    return tuple(sorted(found, key=lambda said: -said.confidence))


def judge(pictures: Iterable[Picture], say: Callable[[bytes], tuple[Said, ...]]) -> list[Verdict]:
    """Return the verdict on each picture, by what *say* says of its bytes."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda picture: Verdict(picture, say(picture.path.read_bytes())), pictures))


def goals(verdicts: Sequence[Verdict]) -> list[Goal]:
    """Return whether enough are right, and few enough wrong."""
    right = sum(bool(verdict.right) for verdict in verdicts)
    wrong = sum(bool(verdict.wrong) for verdict in verdicts)
    least, most = math.ceil(LEAST_RIGHT * len(verdicts)), math.floor(MOST_WRONG * len(verdicts))
    what = f"of {len(verdicts)} photographs"
    return [
        Goal(f"{what}, the subject is among the tags", f"at least {least}", str(right), right >= least),
        Goal(f"{what}, another is said above {SURE:g}", f"at most {most}", str(wrong), wrong <= most),
    ]


def report(verdicts: Sequence[Verdict]) -> str:
    """Return the table of all verdicts."""
    header = ("photograph", "licence", "shows", "said", "verdict")
    return table(header, [_row(verdict) for verdict in verdicts])


def _row(verdict: Verdict) -> tuple[str, ...]:
    picture = verdict.picture
    wrong = [f"{said.as_a} {said.text!r} {said.confidence:.2f}" for said in verdict.wrong]
    return (
        f"{picture.package}: {picture.file.rsplit('/', 1)[-1]}",
        picture.package.licence,
        picture.shows,
        "; ".join(_told(verdict.said)),
        "; ".join((verdict.word, *wrong)),
    )


def _told(said: Sequence[Said]) -> list[str]:
    def each(as_a: str) -> str:
        return ", ".join(f"{one.text} {one.confidence:.2f}" for one in said if one.as_a == as_a)

    return [f"{as_a}s {each(as_a)}" for as_a in ("tag", "object", "caption") if each(as_a)]


def section(of: Path = photographs.HELD_OUT, models: str = "all") -> Section:
    """
    Judge all photographs.

    Raises:
        PhotographsError: one is not on this machine.
    """
    if photographs.missing(of):
        command = "python -m bench.photographs" + " --development" * (of == photographs.DEVELOPMENT)
        raise photographs.PhotographsError(f"the photographs are not there; `{command}` fetches them")
    with running_vision(models=Models({SETTING: models})) as vision:
        verdicts = judge(photographs.photographs(of), lambda data: ask(vision, data))
    return Section("What is recognized", report(verdicts), goals(verdicts))


def main() -> int:
    """Print the table and the goals."""
    parser = argparse.ArgumentParser(prog="python -m bench.recognizes")
    parser.add_argument("--development", action="store_true")
    parser.add_argument("--models", choices=CHOICES, default="all")
    given = parser.parse_args()
    try:
        found = section(photographs.DEVELOPMENT if given.development else photographs.HELD_OUT, given.models)
    except photographs.PhotographsError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(f"{found.text}\n\n{goals_table(found.goals)}")
    return 0 if all(goal.held for goal in found.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
