"""The requests of a `.http` file, as the REST Client of VS Code and the HTTP client of JetBrains read it."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = re.compile(r"^@(\w+) *= *(.*)$", re.MULTILINE)
NAME = re.compile(r"^# @name (\w+)$", re.MULTILINE)
REQUEST = re.compile(r"^(GET|HEAD|POST|PUT|DELETE) (\S+)$")


@dataclass(frozen=True)
class FileRequest:
    """One request; *url* is whole, *title* what stands after its `###`, *name* what a comment `@name` says."""

    title: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    name: str = ""


def requests_of(file: Path, **changed: str) -> Iterator[FileRequest]:
    """
    Every request from the top to the end, with the file's variables or those *changed*.

    Raises KeyError for a variable that is nowhere set, AssertionError for what is no request.
    """
    yield from requests_in(file.read_text(encoding="utf-8"), file.parent, dict(changed))


def requests_in(text: str, folder: Path, variables: MutableMapping[str, str]) -> Iterator[FileRequest]:
    """
    Every request of the text of such a file in *folder*.

    Args:
        text: of the file; what stands before its first `###` may be a request too.
        folder: from where the files in it are named.
        variables: instead of the file's own; what is added between two requests, is known to the next one.

    Raises KeyError for a variable that is nowhere set, AssertionError for what is no request.
    """
    own = dict(VARIABLE.findall(text))
    before, *parts = re.split(r"^### ?", text, flags=re.MULTILINE)
    for part in [f"\n{before}", *parts]:
        title, *lines = [line for line in part.splitlines() if not re.match(r"(#|//|@)", line)]
        name = "".join(NAME.findall(part))
        while lines and not lines[0]:
            del lines[0]
        if lines:
            yield _request(title, [_filled(line, {**own, **variables}) for line in lines], folder, name)


def _filled(line: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\{\{([\w.-]+)\}\}", lambda found: variables[found[1]], line)


def _request(title: str, lines: list[str], folder: Path, name: str) -> FileRequest:
    first = REQUEST.match(lines[0])
    assert first, f"{title}: {lines[0]!r} is no request"
    end = lines.index("") if "" in lines else len(lines)
    headers = dict(line.split(": ", 1) for line in lines[1:end])
    body = "\n".join(lines[end:]).strip()
    data = (folder / body[2:]).read_bytes() if body.startswith("< ") else body.encode() or None
    return FileRequest(title, first[1], first[2], headers, data, name)
