"""List what failed, is deferred or is pending: the name and the state on one line, and why below it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from local.app import ImageState, next_try, parse_image, utc_text
from local.counts import counted, images
from local.printable import printable
from local.reasons import reasons
from local.unfinished.api import Api, Json
from local.unfinished.pauses import Pauses
from local.wrapping import wrapped


def list_unfinished(api: Api, *, state: str | None, step: str | None, code: str | None) -> None:
    """Print what is failed or deferred, of all steps and codes unless they are given, and how much of it there is."""
    states: Counter[str] = Counter()
    pauses = Pauses(lambda: f"looking on; {_steps(states.total())} so far")
    for page in api.pages("/api/unfinished", state=state, step=step, code=code):
        for entry in page["unfinished"]:
            states[entry["state"]] += 1
            _tell(*_entry_lines(entry), indent=2)
            pauses.printed()
        pauses.passed()
    count = states.total()
    are = "is" if count == 1 else "are"
    _tell(f"{_steps(count)} {are} unfinished: {counted(states)}" if count else "nothing is unfinished")


def list_pending(api: Api, *, step: str | None, code: str | None, retry: str) -> None:
    """Print the images that are pending, or of which that step is, or for that reason, and the command to *retry*."""
    count = 0
    pauses = Pauses(lambda: f"looking on; {images(count)} so far")
    for page in api.pages("/api/images", state="pending"):
        for document in page["images"]:
            state = _narrowed(parse_image(document), step, code)
            if state.steps:
                count += 1
                _tell(f"{printable(state.name)}: pending", *(f"  {line}" for line in reasons(state)))
                pauses.printed()
        pauses.passed()
    if not count:
        _tell("nothing is pending")
        return
    are = "is" if count == 1 else "are"
    # The command is to be copied as it is.
    _tell(f"{images(count)} {are} pending; this has all that are pending tried again:")
    _tell(f"  {retry}")


def _narrowed(state: ImageState, step: str | None, code: str | None) -> ImageState:
    """Leave the steps that are pending and as asked."""
    named = [each for each in state.unfinished if each.state == "pending" and code in (None, each.code)]
    # The step `thumbnails` has one for each size.
    kept = [each for each in named if step is None or each.what.startswith(step.removesuffix("s"))]
    return replace(state, steps=tuple(kept))


def _entry_lines(entry: Json) -> list[str]:
    are = "are" if entry["step"] == "thumbnails" else "is"
    lines = [f"{printable(entry['name'])}: {entry['step']} {are} {entry['state']} ({entry['code']})"]
    if tries := _tries(entry):
        lines.append(f"  {tries}")
    sentences = f"{entry['message']} {entry['action']}"
    return [*lines, f"  {printable(' '.join(sentences.split()))}"]


def _tries(entry: Json) -> str:
    """Say how often it was tried, and of what is deferred when it is tried again."""
    times = f"Tried {entry['attempts']} times" if entry["attempts"] != 1 else "Tried once"
    if entry["state"] != "deferred":
        return f"{times}." if entry["attempts"] > 1 else ""
    ahead = next_try(entry, datetime.now(UTC))
    return f"{times}, tried again at {utc_text(ahead)}." if ahead else f"{times}, being tried now."


def _steps(count: int) -> str:
    return f"{count} step{'s' * (count != 1)}"


def _tell(first: str, *others: str, indent: int | None = None) -> None:
    # A name may have blanks, and is to be copied as it is.
    print(first)
    for line in others:
        print(wrapped(line, indent=indent))
