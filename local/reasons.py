"""Say why an image is not complete: each reason once, however many steps it holds up."""

from collections.abc import Sequence

from local.app import ImageState, Step

_THUMBNAIL = "thumbnail "


def reasons(state: ImageState) -> list[str]:
    """Return a line for each reason, first those for which the image as a whole is in its state; none if complete."""
    held_up: dict[str, list[Step]] = {}
    for step in sorted(state.unfinished, key=lambda step: step.state != state.state):
        held_up.setdefault(_why(step), []).append(step)
    lines = [_line(steps, why, state) for why, steps in held_up.items()]
    return lines or ([] if state.state == "complete" else [f"is {state.state}"])


def _why(step: Step) -> str:
    if step.code == "waits_for_analysis":
        return "waits for the analysis"
    if step.code == "not_made":
        # That is what "pending" says already.
        return step.told
    return f"{step.told}: {step.problem}" if step.problem else step.told


def _line(steps: Sequence[Step], why: str, state: ImageState) -> str:
    whats = _whats([step.what for step in steps], every_thumbnail=len(state.thumbnails))
    if steps[0].code == "waits_for_analysis":
        return f"{_listed(whats)} {why}"
    is_one = len(whats) == 1 and not whats[0].startswith("thumbnails")
    return f"{_listed(whats)} {'is' if is_one else 'are'} {why}"


def _whats(whats: Sequence[str], every_thumbnail: int) -> list[str]:
    """Name all thumbnails together, and some by their sizes."""
    sizes = [what.removeprefix(_THUMBNAIL) for what in whats if what.startswith(_THUMBNAIL)]
    if len(sizes) < 2:
        return list(whats)
    together = "thumbnails" if len(sizes) == every_thumbnail else f"thumbnails {_listed(sizes)}"
    return [*(what for what in whats if what == "analysis"), together, *(what for what in whats if what == "text")]


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
