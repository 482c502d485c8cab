"""Text is read whatever happens meanwhile: the host killed again and again, the service throttling; paid once."""

import hashlib
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from doubles.documents import text_pdf
from doubles.patience import wait_until
from doubles.ports import five_free_ports
from doubles.running_stack import SETTLE_SECONDS, RunningStack
from doubles.stack_controls import Held, faults, unended, vision_stats

from local.addresses import Addresses

pytestmark = pytest.mark.e2e
DOCUMENTS, KILLS = 20, 10
FIRST = DOCUMENTS - KILLS
SEED = 4


@pytest.fixture
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("weather"))
    stack.start("--no-samples")
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


def documents(word: str) -> dict[str, bytes]:
    """Documents by name, each with a text of its own."""
    return {f"{word} {number}.pdf": text_pdf(f"{word} {number}") for number in range(DOCUMENTS)}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def submits(stack: RunningStack, given: dict[str, bytes]) -> Counter[str]:
    """How many paid submits there were of each document."""
    bodies = vision_stats(stack)["operations"].get("read", {"bodies": []})["bodies"]
    ours = {digest(data): name for name, data in given.items()}
    return Counter(ours[body] for body in bodies if body in ours)


def progress(stack: RunningStack) -> int:
    """How much has been seen to happen: submits that were paid, polls that were answered."""
    operations = vision_stats(stack)["operations"]
    return sum(sum(operations.get(name, {"status": {}})["status"].values()) for name in ("read", "readResult"))


def submits_in_flight(stack: RunningStack, given: dict[str, bytes]) -> set[str]:
    """The documents that somebody had claimed for a submit whose outcome was not written down."""
    ours = {digest(data): name for name, data in given.items()}
    found = set()
    with stack.storage() as storage:
        cache = storage.get_container_client("cache")
        for blob in cache.list_blobs():
            name = ours.get(blob.name.partition("/")[0])
            # Without a lease no call is under way: one has failed, and the claim tells it.
            leased = blob.lease.state == "leased"
            if name and leased and json.loads(cache.download_blob(blob.name).readall())["state"] == "asking":
                found.add(name)
    return found


def kill_host(stack: RunningStack) -> None:
    """Kill it as it runs now, and return as soon as it is gone."""
    wait_until(lambda: "host" in stack.pids())
    pid = stack.pids()["host"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: stack.pids().get("host") != pid)


def texts(stack: RunningStack, given: dict[str, bytes]) -> dict[str, str]:
    """The plain texts of the documents, as far as they are there."""
    with stack.storage() as storage:
        container = storage.get_container_client("text")
        there = {blob.name.removesuffix(".txt") for blob in container.list_blobs() if blob.name.endswith(".txt")}
        return {name: container.download_blob(f"{name}.txt").readall().decode() for name in there & given.keys()}


def assert_all_are_read(stack: RunningStack, given: dict[str, bytes]) -> None:
    states = stack.wait_for(*given)
    assert {name: state.state for name, state in states.items()} == dict.fromkeys(given, "complete")
    assert texts(stack, given) == {name: f"{name.removesuffix('.pdf')}\n" for name in given}
    wait_until(lambda: unended(stack) == [])


@pytest.mark.timeout(600)
def test_a_host_killed_ten_times_at_random_moments_goes_on_and_pays_at_most_the_submits_in_flight_again(
    own_stack: RunningStack,
) -> None:
    given = documents("killed")
    waiting, chance, in_flight = list(given.items()), random.Random(SEED), Counter[str]()

    def upload(count: int) -> None:
        for _ in range(count):
            own_stack.upload(*waiting.pop(0))

    def kill() -> None:
        kill_host(own_stack)
        # Before the next host is up, which takes seconds: whatever is claimed now was in flight.
        in_flight.update(submits_in_flight(own_stack, given))

    # Calls take a while, so that a moment is often in the middle of one.
    with faults(own_stack, latency_seconds=0.3, read_seconds={"median": 10, "p99": 40}, seed=SEED):
        with Held(own_stack, "read") as held:
            upload(FIRST)
            held.wait_for(8)
            kill()
        assert len(in_flight) >= 8
        for _ in range(KILLS - 1):
            # One more each time, so that something is under way at every kill.
            upload(1)
            before, marks = progress(own_stack), chance.randint(0, 8)
            wait_until(lambda: progress(own_stack) >= before + marks, SETTLE_SECONDS)  # noqa: B023 (called at once)
            kill()
            assert len(texts(own_stack, given)) < DOCUMENTS
        upload(1)
        assert_all_are_read(own_stack, given)
    assert own_stack.output.count("host was killed by SIGKILL") == KILLS
    paid = submits(own_stack, given)
    assert paid.keys() == given.keys()
    assert {name: times for name, times in paid.items() if times > 1 + in_flight[name]} == {}
    print(f"{paid.total()} paid submits of {DOCUMENTS} documents; in flight at a kill: {in_flight.total()}")


@pytest.mark.timeout(300)
def test_with_every_second_poll_throttled_all_are_read_and_none_is_submitted_twice(shared_stack: RunningStack) -> None:
    given = documents("throttled")
    throttled = vision_stats(shared_stack)["operations"]["readResult"]["status"].get("429", 0)
    asked = {"throttle_every": {"readResult": 2}, "read_seconds": {"median": 2, "p99": 15}, "seed": SEED}
    with faults(shared_stack, **asked):
        for name, data in given.items():
            shared_stack.upload(name, data)
        assert_all_are_read(shared_stack, given)
    assert submits(shared_stack, given) == Counter(given.keys())
    # Each document takes a poll that is answered, and between two of these one is refused.
    refused = vision_stats(shared_stack)["operations"]["readResult"]["status"]["429"] - throttled
    assert refused >= DOCUMENTS - 1
