"""The table of the samples: filled while one looks at a terminal, plain lines anywhere else."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local.app import ImageState, Step

SHOWN_TAGS = 5
SHOWN_TEXT_CHARACTERS = 60
STYLES = {"complete": "green", "failed": "bold red", "deferred": "yellow", "pending": "dim"}
States = dict[str, ImageState]


@contextmanager
def status_table(console: Console, names: Sequence[str]) -> Iterator[Callable[[States], None]]:
    """Yield the function that shows the states as they are now."""
    if not console.is_terminal:
        yield _line_by_line(console)
        return
    with Live(table(names, {}), console=console, refresh_per_second=8) as live:
        yield lambda states: live.update(table(names, states))


def table(names: Sequence[str], states: States) -> Table:
    """Return the table of *names*, in their order."""
    result = Table("image", "caption", "tags", "thumbnails", "text", "state", expand=False)
    for name in names:
        result.add_row(*_cells(name, states.get(name)))
    return result


def plain_line(state: ImageState) -> str:
    """Return one image's row as a line of text."""
    named = {"tags": _tags(state), "thumbnails": _thumbnails(state), "text": beginning(state.text.excerpt)}
    parts = [state.told, _caption(state), *(f"{name}: {value}" for name, value in named.items() if value)]
    return f"{state.name}: {'; '.join(filter(None, parts))}"


def beginning(excerpt: str) -> str:
    """Return as much of a text as fits beside other things."""
    if len(excerpt) <= SHOWN_TEXT_CHARACTERS:
        return excerpt
    return f"{excerpt[: SHOWN_TEXT_CHARACTERS - 3].rstrip()}..."


def missing_records(names: Sequence[str], states: States) -> list[str]:
    """Say of every image that is not complete which record is missing, and why."""
    lines = []
    for name in names:
        state = states.get(name)
        if state is None:
            lines.append(f"{name}: the app has not heard of it; <state>/logs/events.log and host.log say why")
        elif state.state != "complete":
            steps = state.unfinished
            lines += [f"{name}: {step.what} is {step.state}: {_reason(step)}" for step in steps]
            lines += [] if steps else [f"{name}: is {state.state}"]
    return lines


def _reason(step: Step) -> str:
    return step.problem or f"no record {step.record or 'of it'} yet"


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
        return [Text(name), *(Text("") for _ in range(4)), Text("waiting", style="dim")]
    style = STYLES.get(state.state, "")
    cells = [name, _caption(state), _tags(state), _thumbnails(state), beginning(state.text.excerpt)]
    return [*map(Text, cells), Text(state.told, style=style)]


def _caption(state: ImageState) -> str:
    if state.caption is None:
        return ""
    sure = f" ({state.caption_confidence:.2f})" if state.caption_confidence is not None else ""
    return f"{state.caption}{sure}"


def _tags(state: ImageState) -> str:
    return ", ".join(state.tags[:SHOWN_TAGS])


def _thumbnails(state: ImageState) -> str:
    """How many are done of how many; nothing for a document, which gets none."""
    if not state.thumbnails:
        return ""
    done = sum(step.state == "done" for step in state.thumbnails)
    return f"{done}/{len(state.thumbnails)}"
