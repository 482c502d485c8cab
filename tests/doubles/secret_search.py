"""
Looking for what must be nowhere, in every form in which it may have been written down.

A search that finds nothing proves nothing by itself: it says what it has looked through, and it has to find what is
known to be there.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class SecretSearch:
    """
    A search for words made of ASCII letters and digits, so that percent-encoding alone changes nothing of them.

    Attributes:
        words: what is looked for.
        looked: by sort (`blob`, `file`, `answer`, ...), everything that was looked through.
        found: where, and what in which form.
    """

    words: tuple[str, ...]
    looked: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._forms = [(f"{word} {form}", data.lower()) for word in self.words for form, data in _forms(word)]

    def look(self, sort: str, name: str, data: bytes | str) -> None:
        """Look through something."""
        data = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        self.looked[sort].append(f"{name} ({len(data)} bytes)")
        data = data.lower()
        self.found += [f"{sort} {name}: {form}" for form, looked_for in self._forms if looked_for in data]

    def look_below(self, sort: str, folder: Path) -> None:
        """Look through every file below a folder, its name included."""
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            # Of a running stack, files come and go.
            with suppress(FileNotFoundError, IsADirectoryError):
                self.look(sort, name, name.encode() + b"\n" + path.read_bytes())

    def report(self) -> str:
        """What was looked through and what was found, a line each."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for sort, names in self.looked.items():
            yield f"{sort}: {len(names)}"
            yield from (f"  {name}" for name in names)
        yield f"found: {len(self.found)}"
        yield from (f"  {each}" for each in self.found)


def _forms(word: str) -> Iterable[tuple[str, bytes]]:
    data = word.encode()
    yield "as it is", data
    yield "in UTF-16", word.encode("utf-16-le")
    yield "in hexadecimal", data.hex().encode()
    yield "percent-encoded", "".join(f"%{byte:02x}" for byte in data).encode()
    yield "percent-encoded twice", "".join(f"%25{byte:02x}" for byte in data).encode()
    yield "backwards", data[::-1]
    for shift in range(3):
        # What stands before decides how base64 cuts it; the ends have bits of their neighbours.
        whole = base64.b64encode(bytes(shift) + data)
        yield f"in base64 at {shift}", whole[4 if shift else 0 : len(whole) - 4]
