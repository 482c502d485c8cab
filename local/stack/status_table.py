"""How far images are: a table that fills while one looks at a terminal, a line for each of them anywhere else."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from local.app import ImageState
from local.console import say
from local.counts import counted, images
from local.reasons import reasons
from local.wrapping import shortened, width

SHOWN_TAGS = 5
SHOWN_TEXT_COLUMNS = 60
# Less of a text says nothing.
FEWEST_TEXT_COLUMNS = 24
STATE_COLUMNS = len("complete")
GAP = "  "
STYLES = {"complete": "green", "failed": "bold red", "deferred": "yellow", "pending": "dim"}
States = Mapping[str, ImageState]


class StatusDisplay:
    """
    Shows the images *names* from the beginning of the `with` block to its end, each thing once.

    A terminal has the table of all of them, drawn again when something changes. Anywhere else an image gets a line when
    its state is known.
    """

    def __init__(self, console: Console, names: Sequence[str], logs: Path) -> None:
        self._console = console
        self._names = names
        self._logs = logs
        self._shown: States = {}
        self._told: set[str] = set()
        # Drawn when something has changed, rather than some times a second: nothing flickers.
        self._live = Live(StatusTable(names, {}), console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._console.is_interactive:
            self._console.line()
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_interactive:
            self._live.stop()

    def show(self, states: States) -> None:
        """Show the states as they are now."""
        if self._console.is_interactive and states != self._shown:
            self._live.update(StatusTable(self._names, states), refresh=True)
        elif not self._console.is_interactive:
            for state in states.values():
                before = self._shown.get(state.name)
                if state.state != "pending" and (before is None or before.state != state.state):
                    self._tell(_lines(state))
        self._shown = dict(states)

    def tell_result(self, seconds: float) -> None:
        """After the block, say why images are not complete, as far as that was not said, and how many are what."""
        for name in self._names:
            state = self._shown.get(name)
            if state is None:
                logs = f"{self._logs / 'events.log'} and {self._logs / 'host.log'}"
                self._tell([f"{name}: the app has not heard of it: {logs} say why"])
            elif state.state != "complete":
                self._tell(_lines(state))
        self._tell([f"{_count(self._names, self._shown)}; {seconds:.1f} s"])

    def _tell(self, lines: Sequence[str]) -> None:
        for line in lines:
            if line not in self._told:
                self._told.add(line)
                say(self._console, line)


@dataclass(frozen=True)
class StatusTable:
    """How many of the images *names* are in which state, and each in two lines at most; no name is cut."""

    names: Sequence[str]
    states: States

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for a terminal as wide as *options* say."""
        # A very long name has a line of its own, and does not move the others.
        column = max((each for each in map(width, self.names) if each <= options.max_width // 3), default=0)
        for name in self.names:
            yield from _row(name, self.states.get(name), column, options.max_width)


def _count(names: Sequence[str], states: States) -> str:
    found = Counter(states[name].state if name in states else "pending" for name in names)
    return f"{images(len(names))}: {counted(found)}"


def _row(name: str, state: ImageState | None, column: int, columns: int) -> Iterator[Text]:
    """Lay one image out: name, state and thumbnails, beside or above what was found in it."""
    told, indent = (state.told if state else "pending"), " " * column + GAP
    beginning = name + indent[width(name) :]
    lines = _laid_out(told, state, columns - len(indent))
    if width(name) > column:
        yield Text(name)
        beginning, lines = GAP, [shortened(GAP.join(lines), columns - len(GAP))]
    first = Text(beginning + lines[0])
    first.stylize(STYLES.get(state.state if state else "pending", ""), len(beginning), len(beginning) + len(told))
    yield first
    yield from (Text(indent + line) for line in lines[1:])


def _laid_out(told: str, state: ImageState | None, room: int) -> list[str]:
    """Return one line if all fits into *room* columns, otherwise two, of which the first tells no more than fits."""
    first = f"{told:<{STATE_COLUMNS}}"
    if state is None:
        return [first]
    thumbnails, found, text = _thumbnails(state), _found(state), _text(state.text.excerpt, room)
    whole = GAP.join(filter(None, (first, thumbnails, found, text)))
    if width(whole) <= room:
        return [whole]
    if width(with_thumbnails := first + GAP + thumbnails) <= room:
        first, thumbnails = with_thumbnails.rstrip(), ""
    left = room - width(first + GAP)
    if left >= FEWEST_TEXT_COLUMNS:
        first, text = (first + GAP + _text(state.text.excerpt, left)).rstrip(), ""
    second = "; ".join(filter(None, (thumbnails, found, text)))
    return [first, shortened(second, room)] if second else [first]


def plain_line(state: ImageState) -> str:
    """Return one image's row as a line of text."""
    parts = [state.told, _caption(state), _labelled("tags", _tags(state)), _labelled("thumbnails", _made(state))]
    text = shortened(state.text.excerpt, SHOWN_TEXT_COLUMNS)
    return f"{state.name}: {'; '.join(filter(None, [*parts, _labelled('text', text)]))}"


def _lines(state: ImageState) -> list[str]:
    return [f"{state.name}: {reason}" for reason in reasons(state)] or [plain_line(state)]


def _labelled(label: str, value: str) -> str:
    return f"{label}: {value}" if value else ""


def _text(excerpt: str, columns: int) -> str:
    return f'text "{shortened(excerpt, columns - 7)}"' if excerpt else ""


def _found(state: ImageState) -> str:
    return "; ".join(filter(None, (_caption(state), _tags(state))))


def _caption(state: ImageState) -> str:
    if state.caption is None:
        return ""
    sure = f" ({state.caption_confidence:.2f})" if state.caption_confidence is not None else ""
    return f"{state.caption}{sure}"


def _tags(state: ImageState) -> str:
    return ", ".join(state.tags[:SHOWN_TAGS])


def _thumbnails(state: ImageState) -> str:
    made = _made(state)
    return f"thumbnails {made}" if made else ""


def _made(state: ImageState) -> str:
    """How many thumbnails are done of how many; nothing for a document, which gets none."""
    done = sum(step.state == "done" for step in state.thumbnails)
    return f"{done}/{len(state.thumbnails)}" if state.thumbnails else ""
