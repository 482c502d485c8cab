"""Answers that no caller waits for, on the real stack: a killed host loses none, pays once, and leaves no address."""

import hashlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from doubles.calls import Response, call
from doubles.file_server import serving
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import SETTLE_SECONDS, RunningStack
from doubles.secret_search import SecretSearch
from doubles.stack_controls import INSTANCES, Held

from local.addresses import Addresses

pytestmark = pytest.mark.e2e

SIGNATURE, SHOWN = "S1gnatur3QpLmXw", "ShownQpLmXw"
ASYNC = {"Prefer": "respond-async"}
BYTES = {**ASYNC, "Content-Type": "application/octet-stream"}
JSON = {**ASYNC, "Content-Type": "application/json"}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path / "state")
    stack.start("--no-samples")
    yield stack
    assert stack.stop() == 0, stack.output


def begun(stack: RunningStack, target: str, body: bytes, headers: dict[str, str]) -> str:
    """The path at which the answer is asked for."""
    answer = call(stack.addresses.port, "POST", target, body, headers)
    assert (answer.status, answer.header("Preference-Applied")) == (202, "respond-async"), answer.text
    return urlsplit(str(answer.header("Location"))).path


def ended(stack: RunningStack, path: str) -> Response:
    answers: list[Response] = []

    def is_ended() -> bool:
        try:
            answers.append(call(stack.addresses.port, "GET", path))
        except OSError:  # the host is being started again
            return False
        return answers[-1].status not in (202, 503)

    wait_until(is_ended, SETTLE_SECONDS, poll_seconds=0.5)
    return answers[-1]


def paid(stack: RunningStack, data: bytes) -> int:
    return stack.paid_calls().get("describe", []).count(hashlib.sha256(data).hexdigest())


def test_a_killed_host_loses_no_operation_and_pays_again_at_most_the_call_in_flight(
    stack: RunningStack, tmp_path: Path
) -> None:
    before, in_flight, after, shown = (picture("PNG", 90, 80, colour=(seed, 100, 200)) for seed in (1, 2, 3, 4))
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / f"{SHOWN}.png").write_bytes(shown)
    with serving([tmp_path / "pictures"]) as origin:
        url = {"url": f"{origin}/{SHOWN}.png?sv=2024&sig={SIGNATURE}"}
        early = begun(stack, "/api/describe", before, BYTES)
        assert ended(stack, early).status == 200
        host = stack.pids()["host"]
        with Held(stack, "describe") as held:
            flying = begun(stack, "/api/describe", in_flight, BYTES)
            held.wait_for(1)
            addressed = begun(stack, "/api/describe", json.dumps(url).encode(), JSON)
            held.wait_for(2)
            os.kill(host, signal.SIGKILL)
            wait_until(lambda: stack.pids().get("host", host) != host)
        late = ended(stack, flying)
        assert late.status == 200, late.text
        assert ended(stack, addressed).status == 200
        assert ended(stack, begun(stack, "/api/describe", after, BYTES)).status == 200
    assert call(stack.addresses.port, "POST", "/api/describe", in_flight, BYTES).body == late.body
    assert (paid(stack, before), paid(stack, after)) == (1, 1)
    assert paid(stack, in_flight) in (1, 2)
    with stack.storage() as storage:
        wait_until(lambda: not [*names_in(storage, "inputs"), *names_in(storage, "keys")])
    assert_is_told_nowhere(stack, url["url"])


def names_in(storage: object, container: str) -> list[str]:
    return [each.name for each in storage.get_container_client(container).list_blobs()]  # type: ignore[attr-defined]


def assert_is_told_nowhere(stack: RunningStack, address: str) -> None:
    """Look for the signature in all that the stack has written and tells; the digest of the address is to be found."""
    digest = hashlib.sha256(address.encode()).hexdigest()
    search = SecretSearch((SIGNATURE, digest))
    options = "showInput=true&showHistory=true&showHistoryOutput=true"
    for instance in call(stack.addresses.port, "GET", f"{INSTANCES}?showInput=true").json():
        answer = call(stack.addresses.port, "GET", f"{INSTANCES}/{instance['instanceId']}?{options}")
        search.look("history", instance["instanceId"], answer.body)
    with stack.storage() as storage:
        for container in storage.list_containers():
            client = storage.get_container_client(container.name)
            for found in client.list_blobs(include=["metadata"]):
                told = f"{found.name} {found.metadata}".encode()
                search.look("blob", f"{container.name}/{found.name}", told + client.download_blob(found.name).readall())
    search.look_below("log", stack.state / "logs")
    search.look("log", "console", stack.output)
    assert [each for each in search.found if SIGNATURE in each] == []
    assert {each.partition(" ")[0] for each in search.found if digest in each} >= {"history", "blob"}
