"""
A person's own models, by settings in the environment: a classifier, a detector, an address that writes captions.

Everything that can be checked without a library is checked here, so that the service knows of no own models without
loading one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from local.errors import LocalError

IMAGENET_MEAN, IMAGENET_STD = "0.485,0.456,0.406", "0.229,0.224,0.225"
# Of the app's 30 s for a question (VISION_TIMEOUT_SECONDS) and 20 s for a request (MAX_WAIT_SECONDS).
CAPTION_SECONDS, MOST_CAPTION_SECONDS = "15", 540.0
MOST_LABEL_BYTES = 1 << 20
MOST_LABEL_CHARACTERS = 100
NEVER_SAID = ("", "-")
# A part of the stack runs in the project's folder; these are relative to that of the person.
PATHS = ("CLASSIFIER_MODEL", "CLASSIFIER_LABELS", "DETECTOR_MODEL", "DETECTOR_LABELS")

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class NetworkFile:
    """
    An ONNX file that a person brings.

    Attributes:
        role: the settings' first word, such as `CLASSIFIER`.
        labels: the names of its classes in their order.
    """

    role: str
    path: Path
    labels: tuple[str, ...]

    def wrong(self, what: str) -> LocalError:
        """Return the error that tells *what* is wrong with it."""
        return LocalError(f"{self.role}_MODEL is '{self.path}', {what}")

    def named(self, classes: int) -> tuple[str | None, ...]:
        """Return the name of each class, None for one that is never said. Raises LocalError for another number."""
        labels = self.labels
        # Editors leave blank lines at the end.
        while len(labels) > classes and not labels[-1]:
            labels = labels[:-1]
        if len(labels) != classes:
            raise LocalError(
                f"{self.role}_LABELS has {len(labels)} lines, but the model of {self.role}_MODEL tells {classes} "
                "classes apart: give one line for each class, in their order, with - for a class that is never said"
            )
        return tuple(None if label in NEVER_SAID else label for label in labels)


@dataclass(frozen=True)
class Chat:
    """An OpenAI-compatible address; *seconds* is how long a picture waits for its caption."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    seconds: float = float(CAPTION_SECONDS)


@dataclass(frozen=True)
class OwnSettings:
    """What a person brings; None for what they do not. *mean* and *std* are of the classifier's input, from 0 to 1."""

    classifier: NetworkFile | None
    detector: NetworkFile | None
    chat: Chat | None
    mean: Triple
    std: Triple


def own_settings(environment: Mapping[str, str]) -> OwnSettings:
    """Return the settings of own models in *environment*. Raises LocalError for wrong ones."""
    return OwnSettings(
        classifier=_network(environment, "CLASSIFIER"),
        detector=_network(environment, "DETECTOR"),
        chat=_chat(environment),
        mean=_triple(environment, "CLASSIFIER_MEAN", IMAGENET_MEAN),
        std=_triple(environment, "CLASSIFIER_STD", IMAGENET_STD, is_divisor=True),
    )


def with_whole_paths(environment: Mapping[str, str]) -> dict[str, str]:
    """Return *environment* with the files of own models as seen from this process's folder, for one in another."""
    whole = {name: str(_path(value).absolute()) for name in PATHS if (value := _value(environment, name))}
    return {**environment, **whole}


def _value(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip()


def _network(environment: Mapping[str, str], role: str) -> NetworkFile | None:
    names = f"{role}_MODEL", f"{role}_LABELS"
    values = [_value(environment, name) for name in names]
    if not any(values):
        return None
    for name, other, value in zip(names, reversed(names), values, strict=True):
        if not value:
            raise LocalError(f"{other} is set, but {name} is not: set both, or neither")
        if not _is_file(_path(value)):
            allowed = f"name one that is there, or unset {' and '.join(names)}"
            raise LocalError(f"{name} is '{value}', which is no file: {allowed}")
    model, labels = map(_path, values)
    return NetworkFile(role, model, _labels(names[1], labels))


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # the home of a person whom the machine does not know
        return Path(text)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _labels(setting: str, path: Path) -> tuple[str, ...]:
    allowed = f"use a text in UTF-8 with one name of at most {MOST_LABEL_CHARACTERS} characters a line"
    try:
        with path.open("rb") as file:
            data = file.read(MOST_LABEL_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise LocalError(f"{setting} is '{path}', which cannot be read ({error.strerror}): {allowed}") from None
    except UnicodeDecodeError:
        raise LocalError(f"{setting} is '{path}', which is not in UTF-8: {allowed}") from None
    if len(data) > MOST_LABEL_BYTES:
        raise LocalError(f"{setting} is '{path}', which is larger than {MOST_LABEL_BYTES} bytes: {allowed}")
    labels = tuple(line.strip() for line in text.split("\n"))
    for number, label in enumerate(labels, 1):
        if not label.isprintable() or len(label) > MOST_LABEL_CHARACTERS:
            raise LocalError(f"{setting} is '{path}', whose line {number} is no name: {allowed}")
    # What ends the last line begins no other.
    return labels if labels[-1] else labels[:-1]


def _triple(environment: Mapping[str, str], name: str, default: str, *, is_divisor: bool = False) -> Triple:
    text = _value(environment, name) or default
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError:
        red = green = blue = math.nan
    allowed = "three numbers above 0" if is_divisor else "three numbers"
    if not all(math.isfinite(number) and (number > 0 or not is_divisor) for number in (red, green, blue)):
        raise LocalError(f"{name} is '{text}': use {allowed} for red, green and blue on the scale 0 to 1, as {default}")
    return red, green, blue


def _chat(environment: Mapping[str, str]) -> Chat | None:
    url, model, key, seconds = (_value(environment, f"CAPTION_{name}") for name in ("URL", "MODEL", "KEY", "SECONDS"))
    if not url and not model:
        if key:
            raise LocalError("CAPTION_KEY is set, but CAPTION_URL is not: set CAPTION_URL too, or unset it")
        return None
    if not model:
        raise LocalError("CAPTION_URL is set, but CAPTION_MODEL is not: name a model that sees, such as llava")
    if not url:
        raise LocalError(
            "CAPTION_MODEL is set, but CAPTION_URL is not: set it to an address such as http://localhost:11434/v1"
        )
    # A header takes nothing else; the key itself is told nowhere.
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise LocalError("CAPTION_KEY has characters that no key has: use letters, digits and signs, without spaces")
    return Chat(_address(url), model, key, _seconds(seconds or CAPTION_SECONDS))


def _address(url: str) -> str:
    allowed = "use an http or https address such as http://localhost:11434/v1"
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or not url.isprintable() or " " in url:
        raise LocalError(f"CAPTION_URL is no address of a web service: {allowed}")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise LocalError(f"CAPTION_URL has more than host, port and path: {allowed}, and CAPTION_KEY for the key")
    return url.rstrip("/")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MOST_CAPTION_SECONDS:
        raise LocalError(f"CAPTION_SECONDS is '{text}': use a number above 0, at most {MOST_CAPTION_SECONDS:.0f}")
    return seconds
