"""The requests of a `.http` file, as the REST Client of VS Code and the HTTP client of JetBrains read it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = re.compile(r"^@(\w+) *= *(.*)$", re.MULTILINE)
REQUEST = re.compile(r"^(GET|HEAD|POST|PUT|DELETE) (\S+)$")


@dataclass(frozen=True)
class FileRequest:
    """One request; *url* is whole, *title* what stands after its `###`."""

    title: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


def requests_of(file: Path, **changed: str) -> Iterator[FileRequest]:
    """
    Every request from the top to the end, with the file's variables or those *changed*.

    Raises KeyError for a variable that is nowhere set, AssertionError for what is no request.
    """
    text = file.read_text(encoding="utf-8")
    variables = {**dict(VARIABLE.findall(text)), **changed}
    for part in re.split(r"^### ?", text, flags=re.MULTILINE)[1:]:
        title, *lines = [line for line in part.splitlines() if not re.match(r"(#|//|@)", line)]
        yield _request(title, [_filled(line, variables) for line in lines], file.parent)


def _filled(line: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: variables[found[1]], line)


def _request(title: str, lines: list[str], folder: Path) -> FileRequest:
    first = REQUEST.match(lines[0])
    assert first, f"{title}: {lines[0]!r} is no request"
    end = lines.index("") if "" in lines else len(lines)
    headers = dict(line.split(": ", 1) for line in lines[1:end])
    body = "\n".join(lines[end:]).strip()
    data = (folder / body[2:]).read_bytes() if body.startswith("< ") else body.encode() or None
    return FileRequest(title, first[1], first[2], headers, data)
