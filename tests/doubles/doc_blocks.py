"""The fenced blocks of the documentation, and the commands of those that show a terminal."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOCS = sorted(f"docs/{page.name}" for page in PROJECT.glob("docs/*.md"))
PAGES = ("README.md", "CONTRIBUTING.md", "examples/README.md", *DOCS)
FENCE = re.compile(r"^ *(`{3,}|~{3,})(.*)$")
MARK = re.compile(r"^<!-- (\w+) -->$")


@dataclass(frozen=True)
class Command:
    """One command of a terminal, and the lines that the page shows as its answer."""

    text: str
    answer: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """
    One fenced block.

    `line` is that of its opening fence, `above` the last line of text before it, `shown_by` the block before it if
    nothing stands between the two, `mark` the word of a comment such as `<!-- later -->` on the line before it.
    """

    page: str
    line: int
    kind: str
    text: str
    above: str = ""
    shown_by: "Block | None" = None
    mark: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[Command]:
        """What follows each `$ `, down to the next one; a backslash at the end of a line continues the command."""
        found = []
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, *answer = part.rstrip("\n").split("\n")
            while command.endswith("\\") and answer:
                command += "\n" + answer.pop(0)
            found.append(Command(command, tuple(answer)))
        return found


def blocks(page: str) -> Iterator[Block]:
    """Every fenced block of the page, from its top to its end."""
    yield from _blocks(page, (PROJECT / page).read_text(encoding="utf-8").splitlines())


def _blocks(page: str, lines: list[str]) -> Iterator[Block]:
    above, mark, last, number = "", None, None, 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if fence := FENCE.match(line):
            end = next(end for end in range(number, len(lines)) if lines[end].strip() == fence[1])
            text = "".join(f"{each}\n" for each in lines[number:end])
            last = Block(page, number, fence[2].strip(), text, above, last, mark)
            yield last
            number, mark = end + 1, None
        elif marked := MARK.match(line):
            mark = marked[1]
        elif line.strip():
            above, mark, last = line, None, None
