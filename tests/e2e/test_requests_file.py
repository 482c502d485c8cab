"""`samples/requests.http`: each request is answered as it stands there, and no route is missing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from doubles.calls import call
from doubles.http_file import FileRequest, requests_of
from doubles.ports import five_free_ports
from doubles.running_stack import PROJECT, RunningStack
from doubles.stack_controls import faults

from local.addresses import Addresses

FILE = PROJECT / "samples" / "requests.http"
REQUESTS = list(requests_of(FILE))
KEY = "x-functions-key"


def routes() -> dict[str, str]:
    """
    Each method and route of the app, by its function.json, with a pattern of the addresses that it takes.

    Those of the page are its own: no other service sends them.
    """
    found = {}
    for path in PROJECT.glob("*/function.json"):
        for binding in json.loads(path.read_text())["bindings"]:
            if binding["type"] == "httpTrigger" and not binding["route"].startswith("gallery/"):
                pattern = re.sub(r"/\{\*?\w+\??\}", "(/[^?]+)?", binding["route"])
                found |= {f"{method.upper()} {binding['route']}": f"/api/{pattern}" for method in binding["methods"]}
    return found


def takes(route: str, pattern: str, request: FileRequest) -> bool:
    return request.method == route.partition(" ")[0] and bool(re.fullmatch(pattern, urlsplit(request.url).path))


def test_every_route_has_a_request_and_every_request_a_route() -> None:
    known = routes()
    missed = {route for route, pattern in known.items() if not any(takes(route, pattern, r) for r in REQUESTS)}
    assert not missed, f"add to samples/requests.http: {missed}"
    assert [r.title for r in REQUESTS if not any(takes(route, pattern, r) for route, pattern in known.items())] == []


def test_host_and_key_are_all_that_has_to_be_changed_for_azure() -> None:
    changed = list(requests_of(FILE, host="https://name.azurewebsites.net", key="the-key"))
    for request in changed:
        assert request.url.startswith("https://name.azurewebsites.net/api/"), request.title
        is_open = request.url.endswith(("/health", "/openapi.json"))
        assert request.headers.get(KEY) == (None if is_open else "the-key"), request.title
    assert [request.body for request in changed] == [request.body for request in REQUESTS]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    """One that no other test has asked: what is known already is answered at once, and its Reads have no ids."""
    stack = RunningStack(Addresses(five_free_ports()), tmp_path)
    stack.start("--samples")
    yield stack
    assert stack.stop() == 0, stack.output


@pytest.mark.e2e
def test_every_request_is_answered_by_the_local_stack(stack: RunningStack) -> None:
    refused = []
    # One that is to be cancelled must not have ended by then.
    with faults(stack, read_seconds=3):
        for request in requests_of(FILE, host=stack.addresses.host_url):
            target = request.url.removeprefix(stack.addresses.host_url)
            answer = call(stack.addresses.port, request.method, target, request.body, request.headers)
            if answer.status >= 400:
                refused.append((request.title, answer.status, answer.text))
    assert refused == []
