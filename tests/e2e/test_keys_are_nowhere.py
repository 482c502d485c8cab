"""
A function key opens every route: sent to each of them, in the header and as `?code=`, it is nowhere afterwards.

The requests are those of `samples/requests.http`, which has one for every route.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from doubles.calls import call
from doubles.hosting import PROJECT_ROOT, Host, Response, running_host
from doubles.http_file import FileRequest, requests_of
from doubles.patience import wait_until
from doubles.running_stack import PROJECT, RunningStack
from doubles.secret_search import SecretSearch
from doubles.storage_search import look_through_storage

from local import app_settings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FILE = PROJECT / "samples" / "requests.http"
HEADER = "x-functions-key"


class Keyed(NamedTuple):
    """A host that checks keys, with a folder and a key of its own."""

    host: Host
    folder: Path
    key: str


@pytest.fixture
def keyed(shared_stack: RunningStack, tmp_path: Path) -> Iterator[Keyed]:
    environment = app_settings.environment(shared_stack.addresses, os.environ)
    with running_host(PROJECT_ROOT, tmp_path, "--enable-auth", environment=environment) as host:
        yield Keyed(
            host, tmp_path, json.loads((tmp_path / "host" / "keys.json").read_text())["functionKeys"]["default"]
        )


def ask(keyed: Keyed, request: FileRequest, *, in_the_query: bool) -> list[Response]:
    """Send it with the key, and follow the `Location` of its 202: with the header, or with what stands in it alone."""
    target = request.url.removeprefix(keyed.host.url)
    headers = dict(request.headers)
    if in_the_query and headers.pop(HEADER, None):
        target += f"{'&' if '?' in target else '?'}code={keyed.key}"
    answers = [call(keyed.host.port, request.method, target, request.body, headers)]
    key = {name: value for name, value in headers.items() if name == HEADER}

    def ended() -> bool:
        location = answers[-1].header("Location")
        if answers[-1].status == 202 and location:
            parts = urlsplit(location)
            answers.append(call(keyed.host.port, "GET", parts._replace(scheme="", netloc="").geturl(), None, key))
        return answers[-1].status != 202 or location is None

    # A trigger never ends: nothing is finished after now.
    if "since=" not in request.url:
        wait_until(ended, poll_seconds=0.3)
    return answers


def test_a_key_that_was_sent_to_every_route_is_nowhere_afterwards(keyed: Keyed, shared_stack: RunningStack) -> None:
    search = SecretSearch((keyed.key,))
    refused = []
    for in_the_query in (False, True):
        for request in requests_of(FILE, host=keyed.host.url, key=keyed.key):
            for answer in ask(keyed, request, in_the_query=in_the_query):
                refused += [(request.title, answer.text)] if answer.status == 401 else []
                headers = [(name, value) for name, value in answer.headers if name.lower() != "location"]
                search.look("answer", request.title, f"{answer.status} {headers}".encode() + b"\n" + answer.body)
    assert refused == []
    search.look("log", "console", "".join(keyed.host.output))
    search.look("log", "host", "".join(keyed.host.log))
    look_through_storage(search, shared_stack)
    search.look_below("file", keyed.folder)
    kept = keyed.folder / "host" / "keys.json"
    assert [each for each in search.found if str(kept.relative_to(keyed.folder)) not in each] == []
    # What keeps the keys of a host is found.
    assert any(str(kept.relative_to(keyed.folder)) in each for each in search.found)
    least = {"container": 9, "blob": 30, "queue": 1, "file": 3, "answer": 40, "log": 2}
    assert {sort: len(search.looked[sort]) >= count for sort, count in least.items()} == dict.fromkeys(least, True)
