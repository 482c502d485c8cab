"""
Nothing is paid twice, whatever is delivered twice, copied, interrupted or killed.

The vision service can be held: calls it has accepted wait there, which is how a test stands exactly in the middle of
one.
"""

import hashlib
import json
import os
import signal
import threading
from collections.abc import Iterator

import pytest
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from doubles.stack_controls import Held, deliver

from local.addresses import Addresses

pytestmark = pytest.mark.e2e
# The area of interest serves both sizes.
QUESTIONS = {"analyze": 1, "areaOfInterest": 1}


@pytest.fixture
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("own"))
    stack.start("--no-samples")
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


def image(seed: int) -> bytes:
    return picture("PNG", 100, 80, colour=(seed % 256, 100, 200))


def paid(stack: RunningStack, data: bytes) -> dict[str, int]:
    """How many paid calls there were about these bytes, by operation."""
    digest = hashlib.sha256(data).hexdigest()
    return {name: digests.count(digest) for name, digests in stack.paid_calls().items() if digest in digests}


def test_ten_deliveries_at_the_same_instant_are_one_paid_call_per_question(shared_stack: RunningStack) -> None:
    data, statuses = image(1), []
    with Held(shared_stack) as held:
        shared_stack.upload("ten.png", data)
        held.wait_for(1)
        threads = [
            threading.Thread(target=lambda: statuses.append(deliver(shared_stack, "ten.png"))) for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [202] * 10
        held.wait_for(1)
    assert shared_stack.wait_for("ten.png")["ten.png"].state == "complete"
    wait_until(lambda: invocations_of(shared_stack, "ten.png") >= 11)
    assert paid(shared_stack, data) == QUESTIONS


def invocations_of(stack: RunningStack, name: str) -> int:
    """How many invocations have ended their last step for the image, by the host's log."""
    log = (stack.state / "logs" / "host.log").read_text()
    return sum(f"blob={name} step=thumbnails" in line for line in log.splitlines())


def test_the_same_bytes_under_three_names_and_uploaded_again_are_paid_once(shared_stack: RunningStack) -> None:
    data, names = image(2), ["one.png", "two.png", "folder/three.png"]
    for name in names:
        shared_stack.upload(name, data)
    assert {state.state for state in shared_stack.wait_for(*names).values()} == {"complete"}
    shared_stack.upload("one.png", data)
    assert shared_stack.wait_for("one.png")["one.png"].state == "complete"
    assert paid(shared_stack, data) == QUESTIONS


def test_an_image_overwritten_while_it_is_analyzed_ends_with_the_record_of_its_new_bytes(
    shared_stack: RunningStack,
) -> None:
    old, new = image(3), image(4)
    with Held(shared_stack) as held:
        shared_stack.upload("changing.png", old)
        held.wait_for(1)
        shared_stack.upload("changing.png", new)
        held.wait_for(2)
    assert shared_stack.wait_for("changing.png")["changing.png"].state == "complete"
    with shared_stack.storage() as storage:
        etag = storage.get_blob_client("images", "changing.png").get_blob_properties().etag.strip('"')
        blob = storage.get_blob_client("analysis", "changing.png.json").download_blob()
        assert blob.properties.metadata["sourceetag"] == etag
        assert json.loads(blob.readall())["source"]["sha256"] == hashlib.sha256(new).hexdigest()
    assert paid(shared_stack, new) == QUESTIONS


def test_an_image_deleted_while_it_is_analyzed_leaves_no_record(shared_stack: RunningStack) -> None:
    data = image(5)
    with Held(shared_stack) as held:
        shared_stack.upload("going.png", data)
        held.wait_for(1)
        with shared_stack.storage() as storage:
            storage.get_blob_client("images", "going.png").delete_blob()
    log = shared_stack.state / "logs" / "host.log"
    wait_until(lambda: "image.gone blob=going.png" in log.read_text())
    with shared_stack.storage() as storage:
        for container in ("analysis", "thumbnails", "unfinished", "text"):
            found = [blob.name for blob in storage.get_container_client(container).list_blobs()]
            assert not [name for name in found if "going.png" in name]


def test_ctrl_c_in_the_middle_lets_calls_in_flight_finish_and_a_restart_pays_nothing_again(
    own_stack: RunningStack,
) -> None:
    images = {f"c{seed}.png": image(seed) for seed in (11, 12, 13)}
    with Held(own_stack) as held:
        for name, data in images.items():
            own_stack.upload(name, data)
        held.wait_for(3)
        assert own_stack.process is not None
        own_stack.process.send_signal(signal.SIGINT)
        wait_until(lambda: own_stack.has_said("stopping"))
    assert own_stack.process.wait(60) == 0
    assert not own_stack.has_processes()
    own_stack.start("--no-samples")
    assert {state.state for state in own_stack.wait_for(*images).values()} == {"complete"}
    for data in images.values():
        assert paid(own_stack, data) == QUESTIONS


def test_a_killed_host_pays_at_most_the_calls_in_flight_again_and_every_record_arrives(
    own_stack: RunningStack,
) -> None:
    in_flight = {f"k{seed}.png": image(seed) for seed in (21, 22, 23)}
    before, after = image(24), image(25)
    own_stack.upload("before.png", before)
    own_stack.wait_for("before.png")
    host = own_stack.pids()["host"]
    with Held(own_stack) as held:
        for name, data in in_flight.items():
            own_stack.upload(name, data)
        held.wait_for(3)
        os.kill(host, signal.SIGKILL)
        own_stack.upload("after.png", after)
        wait_until(lambda: own_stack.pids().get("host", host) != host)
    states = own_stack.wait_for(*in_flight, "before.png", "after.png")
    assert {state.state for state in states.values()} == {"complete"}
    assert paid(own_stack, before) == QUESTIONS
    assert paid(own_stack, after) == QUESTIONS
    for data in in_flight.values():
        found = paid(own_stack, data)
        assert found["analyze"] <= 2
        assert found["areaOfInterest"] == 1
