"""
An address can be a key: sent to every route that takes one, it is nowhere afterwards.

A whole stack is asked with addresses that carry a signature, and with addresses that carry a user, a password or a
fragment, which it refuses. Then everything that it has written and said is looked through, while it runs and after it
has stopped.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from doubles.calls import Response, call
from doubles.file_server import serving
from doubles.patience import wait_until
from doubles.ports import five_free_ports
from doubles.running_stack import PROJECT, RunningStack
from doubles.secret_search import SecretSearch
from doubles.stack_controls import INSTANCES, Held, faults
from doubles.storage_search import look_through_storage
from doubles.vision_calls import encoded

from local import drawings
from local.addresses import Addresses

pytestmark = pytest.mark.e2e

USER, PASSWORD, SIGNATURE, FRAGMENT = "Us3rQxJvWkZp", "Passw0rdQxJvWkZp", "S1gnatur3QxJvWkZp", "Fragm3ntQxJvWkZp"
# Of an address, this much may be shown; the search has to find it, or it would find nothing at all.
SHOWN = "ShownQxJvWkZp"
# Addresses that the service itself has fetched or tried to.
SENT = 20
JSON = {"Content-Type": "application/json"}


class Caller:
    """Asks the stack, and keeps every answer."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.answers: list[tuple[str, Response]] = []

    def ask(self, method: str, target: str, body: dict[str, Any] | None = None) -> Response:
        content = json.dumps(body).encode() if body else None
        answer = call(self.stack.addresses.port, method, target, content, JSON if body else {})
        self.answers.append((f"{method} {target}", answer))
        return answer

    def post(self, route: str, address: str) -> Response:
        return self.ask("POST", f"/api/{route}", {"url": address})

    def followed(self, started: Response) -> Response:
        """Ask at the address that was given until there is an end; a second answer a moment is enough."""
        answers = [started]

        def ended() -> bool:
            answers.append(self.ask("GET", path_of(started)))
            return answers[-1].status != 202

        if started.status == 202:
            wait_until(ended, poll_seconds=0.5)
        return answers[-1]

    def look_around(self) -> None:
        """Ask for everything that lists or reports something."""
        for target in ("/api/images", "/api/unfinished", "/api/health", "/admin/host/status"):
            self.ask("GET", target)
        for query in ("showInput=true", "showInput=true&showHistory=true&showHistoryOutput=true"):
            self.ask("GET", f"{INSTANCES}?{query}")
        for instance in json.loads(self.answers[-1][1].body):
            options = "showInput=true&showHistory=true&showHistoryOutput=true"
            self.ask("GET", f"{INSTANCES}/{instance['instanceId']}?{options}")


def path_of(answer: Response) -> str:
    return urlsplit(str(answer.header("Location"))).path


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """An image and a text under names that nobody else has."""
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / f"{SHOWN}-coffee.jpg").write_bytes((PROJECT / "samples" / "coffee.jpg").read_bytes())
    (folder / f"{SHOWN}-sign.jpg").write_bytes(encoded(drawings.sign(), "JPEG"))
    return folder


@contextmanager
def running(folder: Path) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), folder)
    stack.start_with_photographs()
    try:
        yield stack
    finally:
        stopped = stack.process is None or stack.process.poll() is not None
        assert stopped or stack.stop() == 0, stack.output


def signed(origin: str, name: str, number: int) -> str:
    """An address whose every part that may not be shown is a word to look for."""
    query = f"sv=2024-11-04&sp=r&n={number}&sig={quote(f'{SIGNATURE}/+{number}==', safe='')}"
    return f"{origin}/{SHOWN}-{name}.jpg?{query}"


def ask_every_route(caller: Caller, origin: str) -> None:
    numbers = iter(range(100))
    for name in ("coffee", "missing"):
        for route in ("analyze", "describe", "domains/landmarks", "thumbnail?width=70&height=70"):
            answer = caller.post(route, signed(origin, name, next(numbers)))
            assert answer.status == (200 if name == "coffee" else 400), (route, answer.body)
    read_and_refused(caller, origin, numbers)
    throttled(caller, signed(origin, "sign", next(numbers)))
    cancelled(caller, signed(origin, "sign", next(numbers)))
    records(caller, origin, numbers)
    wrong_bodies(caller, signed(origin, "sign", next(numbers)))
    not_allowed(caller, signed(origin, "sign", next(numbers)))


def read_and_refused(caller: Caller, origin: str, numbers: Iterator[int]) -> None:
    address = signed(origin, "sign", next(numbers))
    read = caller.followed(caller.post("ocr", address))
    assert (read.status, read.json()["source"]["url"]) == (200, address_shown(origin, "sign"))
    assert caller.post("ocr", address).status == 200
    assert caller.followed(caller.post("ocr?format=txt", signed(origin, "sign", next(numbers)))).status == 200
    refused = caller.followed(caller.post("ocr", signed(origin, "missing", next(numbers))))
    assert (refused.status, refused.json()["code"]) == (400, "image_url_refused")
    with faults(caller.stack, read_failed=1):
        failed = caller.followed(caller.post("ocr", signed(origin, "sign", next(numbers))))
    assert failed.json()["code"] == "read_failed"


def address_shown(origin: str, name: str) -> str:
    return f"{origin}/{SHOWN}-{name}.jpg"


def throttled(caller: Caller, address: str) -> None:
    """It has to wait for its submission, and is looked at meanwhile; sent twice, it is still one."""
    with faults(caller.stack, status={"429": 1.0}):
        started = caller.post("ocr", address)
        assert started.status == 202
        wait_until(lambda: "problem" in caller.ask("GET", path_of(started)).json())
        assert path_of(caller.post("ocr", address)) == path_of(started)
        caller.look_around()
    assert caller.followed(started).status == 200


def cancelled(caller: Caller, address: str) -> None:
    """While its submission is under way at the service."""
    with Held(caller.stack, "read") as held:
        started = caller.post("ocr", address)
        held.wait_for(1)
        assert caller.ask("DELETE", path_of(started)).status == 202
        caller.look_around()
    wait_until(lambda: caller.ask("GET", path_of(started)).status == 410)
    assert caller.ask("DELETE", path_of(started)).status == 200


def records(caller: Caller, origin: str, numbers: Iterator[int]) -> None:
    """What Azure AI Search sends: an address with its signature beside it or in it, also where it cannot be fetched."""
    for skill in ("analyze", "describe", "read"):
        address, _, query = signed(origin, "sign", next(numbers)).partition("?")
        told = [
            {"url": address, "sasToken": f"?{query}"},
            {"image": signed(origin, "missing", next(numbers))},
            {"url": address.replace("127.0.0.1", "10.0.0.1"), "sasToken": f"?{query}"},
        ]
        values = [{"recordId": str(number), "data": data} for number, data in enumerate(told)]
        answer = caller.ask("POST", f"/api/skills/{skill}?timeoutSeconds=60", {"values": values})
        assert answer.status == 200
        assert [bool(each["data"]) for each in answer.json()["values"]] == [True, False, False]


def wrong_bodies(caller: Caller, address: str) -> None:
    """Where an address does not belong, it is refused without being repeated."""
    address = f"{address.replace('://', f'://{USER}:{PASSWORD}@')}#{FRAGMENT}"
    for route in ("analyze", "describe", "domains/landmarks", "thumbnail?width=70&height=70", "ocr"):
        assert caller.ask("POST", f"/api/{route}", {"url": f"{address} "}).status == 400
        assert caller.ask("POST", f"/api/{route}", {"url": address.replace("http:", "ftp:")}).status == 400
        assert caller.ask("POST", f"/api/{route}", {"url": address, "blob": "a.jpg"}).status == 400
        assert caller.ask("POST", f"/api/{route}", {"url": f"{address}{'x' * 3000}"}).status == 400


def not_allowed(caller: Caller, address: str) -> None:
    """What carries a user, a password or a fragment, or leads to a private host, is refused before it is sent."""
    private = address.replace("127.0.0.1", "10.0.0.1")
    with_user = address.replace("://", f"://{USER}:{PASSWORD}@")
    for route in ("analyze", "describe", "domains/landmarks", "thumbnail?width=70&height=70", "ocr"):
        for refused in (private, with_user, f"{address}#{FRAGMENT}"):
            answer = caller.post(route, refused)
            assert (answer.status, answer.json()["code"]) == (400, "url_not_allowed")


def look_through_all(words: tuple[str, ...], caller: Caller, folder: Path) -> SecretSearch:
    """What lies in storage, what the vision service remembers, and every file, while the stack runs."""
    search, stack = SecretSearch(words), caller.stack
    look_through_storage(search, stack)
    for what in ("stats", "faults", "hold", "keys"):
        answer = call(stack.addresses.ports["vision"], "GET", f"/_control/{what}")
        search.look("control", what, answer.body)
    search.look_below("file of the running stack", folder)
    return search


def finish(search: SecretSearch, caller: Caller, folder: Path) -> None:
    """What the stopped stack has left, what it has answered, and what it has printed."""
    search.look_below("file", folder)
    for target, answer in caller.answers:
        search.look("answer", target, f"{answer.status} {answer.headers}".encode() + b"\n" + answer.body)
    search.look("log", "console", caller.stack.output)


@pytest.mark.timeout(300)
def test_an_address_that_is_a_key_is_nowhere_afterwards(tmp_path: Path, samples: Path) -> None:
    asked: list[str] = []
    state = tmp_path / "state"
    with serving([samples], asked) as origin, running(state) as stack:
        caller = Caller(stack)
        ask_every_route(caller, origin)
        caller.look_around()
        secret = look_through_all((USER, PASSWORD, SIGNATURE, FRAGMENT), caller, state)
        shown = look_through_all((SHOWN,), caller, state)
        left = kept(stack)
        assert stack.stop() == 0, stack.output
    for search in (secret, shown):
        finish(search, caller, state)
    print(secret.report())
    # They were whole where they had to be.
    reached = {target.partition("&n=")[2].partition("&")[0] for target in asked if SIGNATURE in target}
    assert reached == {str(number) for number in range(SENT)}
    assert secret.found == []
    # What was looked through is what there is, and what is there is found.
    assert {sort: len(names) for sort, names in secret.looked.items()} == {
        sort: len(names) for sort, names in shown.looked.items()
    }
    least = {"container": 9, "blob": 30, "queue": 1, "control": 4, "file": 10, "answer": 60, "log": 1}
    assert {sort: len(secret.looked[sort]) >= count for sort, count in least.items()} == dict.fromkeys(least, True)
    for sort in ("blob", "file", "file of the running stack", "answer"):
        assert [each for each in shown.found if each.startswith(f"{sort} ")], sort
    assert [each for each in shown.found if "sqlite" in each]
    assert left == []


def kept(stack: RunningStack) -> list[str]:
    """What of all that was sent to be read is still kept."""
    with stack.storage() as storage:
        return [
            f"{container}/{name}"
            for container in ("inputs", "keys")
            for name in storage.get_container_client(container).list_blob_names()
        ]
