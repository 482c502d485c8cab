"""The table of the samples: filled while one looks at a terminal, plain lines anywhere else."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local.app import ImageState

SHOWN_TAGS = 5
STYLES = {"complete": "green", "failed": "bold red", "deferred": "yellow", "pending": "dim"}
States = dict[str, ImageState]


@contextmanager
def board(console: Console, names: Sequence[str]) -> Iterator[Callable[[States], None]]:
    """Yield the function that shows the states as they are now."""
    if not console.is_terminal:
        yield _line_by_line(console)
        return
    with Live(table(names, {}), console=console, refresh_per_second=8) as live:
        yield lambda states: live.update(table(names, states))


def table(names: Sequence[str], states: States) -> Table:
    """Return the table of *names*, in their order."""
    result = Table("image", "caption", "tags", "thumbnails", "state", expand=False)
    for name in names:
        result.add_row(*_cells(name, states.get(name)))
    return result


def plain_line(state: ImageState) -> str:
    """Return one image's row as a line of text."""
    tags = ", ".join(state.tags[:SHOWN_TAGS]) or "none"
    return f"{state.name}: {state.state}; {_caption(state)}; tags: {tags}; thumbnails: {_thumbnails(state)}"


def missing_records(names: Sequence[str], states: States) -> list[str]:
    """Say of every image that is not complete which record is missing, and why."""
    lines = []
    for name in names:
        state = states.get(name)
        if state is None:
            lines.append(f"{name}: the app has not heard of it; <state>/logs/events.log and host.log say why")
        elif state.state != "complete":
            steps = state.unfinished
            lines += [f"{name}: {s.what} is {s.state}: {s.problem or f'no record {s.record} yet'}" for s in steps]
            lines += [] if steps else [f"{name}: is {state.state}"]
    return lines


def _line_by_line(console: Console) -> Callable[[States], None]:
    shown: dict[str, str] = {}

    def show(states: States) -> None:
        for name, state in states.items():
            if shown.get(name) != state.state and state.state != "pending":
                shown[name] = state.state
                console.print(Text(plain_line(state)), soft_wrap=True)

    return show


def _cells(name: str, state: ImageState | None) -> list[Text]:
    if state is None:
        return [Text(name), Text(""), Text(""), Text(""), Text("waiting", style="dim")]
    style = STYLES.get(state.state, "")
    cells = [name, _caption(state), ", ".join(state.tags[:SHOWN_TAGS]), _thumbnails(state)]
    return [*map(Text, cells), Text(state.state, style=style)]


def _caption(state: ImageState) -> str:
    if state.caption is None:
        return ""
    sure = f" ({state.caption_confidence:.2f})" if state.caption_confidence is not None else ""
    return f"{state.caption}{sure}"


def _thumbnails(state: ImageState) -> str:
    done = sum(step.state == "done" for step in state.thumbnails)
    return f"{done}/{len(state.thumbnails)}"
