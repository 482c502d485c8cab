"""
What cannot be done now is done later, by itself, and what cannot be done says why: outages, keys, refused photographs.

Each image has two questions: its analysis and one thumbnail.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.storage.queue import QueueClient
from doubles.calls import call
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from doubles.stack_controls import faults, unended, valid_keys, vision_stats

from bench.stack import running_stack
from local.addresses import Addresses

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SETTINGS = {"MAX_WAIT_SECONDS": "2", "THUMBNAIL_SIZES": "64x64"}
FAR_FUTURE = 4102444800


@contextmanager
def started(state: Path, addresses: Addresses, **settings: str) -> Iterator[RunningStack]:
    """A stack without samples, with these settings."""
    with running_stack(state, addresses=addresses, settings={**SETTINGS, **settings}, with_events=True) as stack:
        yield RunningStack(stack.addresses, state)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    state, addresses = tmp_path_factory.mktemp("deferring"), Addresses(five_free_ports())
    with started(state, addresses, VISION_KEY_2="other-key") as stack:
        yield stack
    assert not stack.has_processes()


def image(seed: int) -> bytes:
    return picture("PNG", 90, 70, colour=(seed, 50, 250 - seed))


def damaged(seed: int) -> bytes:
    """A photograph whose header is whole and whose end is missing."""
    data = picture("JPEG", 400, 300, colour=(seed, 90, 90))
    return data[: len(data) * 2 // 3]


def asked(stack: RunningStack, name: str) -> dict[str, Any]:
    """What the app says of an image; nothing before it has heard of it."""
    answer = call(stack.addresses.port, "GET", f"/api/images/{name}")
    if answer.status != 200:
        return {"state": "unknown"}
    image: dict[str, Any] = answer.json()
    for step in (image["analysis"], *image["thumbnails"], image["text"]):
        if step["state"] == "deferred":
            # Whenever one asks: a time ahead, or it is being tried.
            assert bool(step["problem"]["until"]) is not step["problem"]["running"], image
    return image


def wait_for_state(stack: RunningStack, state: str, *names: str) -> None:
    wait_until(lambda: {asked(stack, name)["state"] for name in names} == {state}, poll_seconds=0.2)


def describe(stack: RunningStack, data: bytes) -> tuple[int, str, float]:
    """Ask as another service does: status, code and the seconds of Retry-After."""
    headers = {"Content-Type": "application/octet-stream"}
    answer = call(stack.addresses.port, "POST", "/api/describe", data, headers)
    return answer.status, answer.json().get("code", ""), float(answer.header("Retry-After") or 0)


def paid(stack: RunningStack, data: bytes) -> dict[str, int]:
    """How many paid calls there were about these bytes, by operation."""
    digest = hashlib.sha256(data).hexdigest()
    return {name: digests.count(digest) for name, digests in stack.paid_calls().items() if digest in digests}


def poisoned(stack: RunningStack) -> int:
    name = "webjobs-blobtrigger-poison"
    with QueueClient.from_connection_string(stack.addresses.connection_string, name) as queue:
        return int(queue.get_queue_properties().approximate_message_count or 0)


def test_an_outage_defers_uploads_with_time_and_reason_and_everything_finishes_by_itself_after_it(
    stack: RunningStack, tmp_path: Path
) -> None:
    images = {f"outage-{seed}.png": image(seed) for seed in range(3)}
    before = unended(stack)
    added = tmp_path / "added.png"
    added.write_bytes(image(3))
    with faults(stack, outage_until=FAR_FUTURE):
        for name, data in images.items():
            stack.upload(name, data)
        wait_for_state(stack, "deferred", *images)
        problem = asked(stack, "outage-0.png")["analysis"]["problem"]
        assert problem["code"] == "vision_unavailable"
        status, code, seconds = describe(stack, image(4))
        assert (status, code) == (503, "vision_unavailable")
        assert seconds >= 1
        listed = stack.run("unfinished", "--in-state", "deferred", "--step", "analysis")
        assert "outage-0.png: analysis is deferred (vision_unavailable" in listed.stdout
        told = stack.run("add", str(added), "--timeout", "8")
        assert told.returncode == 1
        assert re.search(r"^  analysis (and .* )?(is|are) deferred(, being tried now: | until 20)", told.stdout, re.M)
        assert poisoned(stack) == 0
    names = [*images, "added.png"]
    assert {state.state for state in stack.wait_for(*names).values()} == {"complete"}
    wait_until(lambda: set(unended(stack)) <= set(before))
    assert poisoned(stack) == 0
    for data in (*images.values(), image(3)):
        assert paid(stack, data) == {"analyze": 1, "areaOfInterest": 1}
    listed = stack.run("unfinished").stdout
    assert "unfinished" in listed.splitlines()[-1]
    assert not [name for name in names if name in listed]


def test_a_revoked_key_gives_way_to_the_other_with_nothing_deferred_or_lost(stack: RunningStack) -> None:
    images = {f"rotated-{seed}.png": image(seed) for seed in range(10, 18)}
    refused = vision_stats(stack)["operations"]["analyze"]["status"].get("401", 0)
    names = list(images)
    for name in names[:4]:
        stack.upload(name, images[name])
    wait_until(lambda: paid(stack, images[names[0]]))
    with valid_keys(stack, "other-key"):
        for name in names[4:]:
            stack.upload(name, images[name])
        assert {state.state for state in stack.wait_for(*images).values()} == {"complete"}
    operations = vision_stats(stack)["operations"].values()
    assert sum(operation["status"].get("401", 0) for operation in operations) > refused
    assert "step.deferred blob=rotated" not in (stack.state / "logs" / "host.log").read_text()
    for data in images.values():
        assert paid(stack, data) == {"analyze": 1, "areaOfInterest": 1}


def test_without_a_valid_key_images_wait_for_somebody_to_mend_it_and_can_be_tried_at_once_then(
    stack: RunningStack,
) -> None:
    with valid_keys(stack):
        stack.upload("locked.png", image(20))
        wait_for_state(stack, "deferred", "locked.png")
        problem = asked(stack, "locked.png")["analysis"]["problem"]
        assert problem["code"] == "vision_unauthorized"
        waits = datetime.fromisoformat(problem["until"]) - datetime.fromisoformat(problem["last"])
        assert 290 <= waits.total_seconds() <= 400
    answer = stack.run("unfinished", "retry", "--code", "vision_unauthorized")
    assert answer.returncode == 0, answer.stderr
    assert "locked.png: analysis is tried again" in answer.stdout
    assert {state.state for state in stack.wait_for("locked.png").values()} == {"complete"}


def test_a_refused_photograph_is_listed_with_its_reason_asked_about_anew_on_request_and_replaced(
    stack: RunningStack,
) -> None:
    def refusals() -> int:
        return int(vision_stats(stack)["operations"]["analyze"]["status"].get("400", 0))

    before = refusals()
    stack.upload("broken.png", damaged(30))
    wait_for_state(stack, "failed", "broken.png")
    assert refusals() == before + 1
    [entry] = call(stack.addresses.port, "GET", "/api/unfinished?state=failed").json()["unfinished"]
    assert (entry["name"], entry["step"], entry["until"]) == ("broken.png", "analysis", None)
    listed = stack.run("unfinished", "--in-state", "failed").stdout.splitlines()
    assert listed[0] == f"broken.png: analysis is failed ({entry['code']})"
    assert listed[1:] == [f"  {entry['message']} {entry['action']}", "1 step is unfinished: 1 failed"]

    answer = stack.run("unfinished", "retry", "broken.png")
    assert answer.returncode == 0, answer.stderr
    assert "broken.png: analysis is tried again at once" in answer.stdout
    wait_until(lambda: refusals() == before + 2)
    wait_for_state(stack, "failed", "broken.png")
    assert stack.paid_calls()["analyze"].count(hashlib.sha256(damaged(30)).hexdigest()) == 0

    stack.upload("broken.png", image(30))
    wait_for_state(stack, "complete", "broken.png")
    assert stack.run("unfinished", "--only", "failed").stdout == "nothing is unfinished\n"
    nothing = stack.run("unfinished", "retry", "broken.png")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "Nothing is unfinished of the image 'broken.png'" in nothing.stderr


def test_one_picture_under_five_names_is_one_paid_call_for_each_question(stack: RunningStack) -> None:
    names = [f"same-{number}.png" for number in range(5)]
    for name in names:
        stack.upload(name, image(40))
    assert {state.state for state in stack.wait_for(*names).values()} == {"complete"}
    assert paid(stack, image(40)) == {"analyze": 1, "areaOfInterest": 1}


def transactions(stack: RunningStack) -> int:
    """All paid calls so far."""
    return sum(operation["paid"] for operation in vision_stats(stack)["operations"].values())


def test_a_daily_limit_defers_to_its_reset_and_a_stop_for_minutes_and_both_refuse_callers_without_a_paid_call(
    tmp_path: Path,
) -> None:
    state, addresses = tmp_path / "state", Addresses(five_free_ports())
    file = tmp_path / "limited.png"
    file.write_bytes(image(50))
    # One analysis with the three features of the default, and nothing for an area of interest.
    with started(state, addresses, VISION_DAILY_LIMIT="3") as stack:
        told = stack.run("add", str(file))
        problem = asked(stack, "limited.png")["thumbnails"][0]["problem"]
        until = datetime.fromisoformat(problem["until"]).astimezone(UTC)
        assert (problem["code"], until.hour, until.minute) == ("quota_exhausted", 0, 0)
        assert (told.returncode, f"deferred until {until:%Y-%m-%d} 00:00:" in told.stdout) == (1, True)
        status, code, seconds = describe(stack, image(52))
        assert (status, code) == (429, "quota_exhausted")
        assert 0 < seconds <= 86_400
        assert transactions(stack) == 1

    with started(state, addresses, VISION_STOP="true") as stack:
        stack.upload("stopped.png", image(51))
        wait_for_state(stack, "deferred", "stopped.png")
        problem = asked(stack, "stopped.png")["analysis"]["problem"]
        waits = datetime.fromisoformat(problem["until"]) - datetime.fromisoformat(problem["last"])
        assert problem["code"] == "calls_stopped"
        assert 299 <= waits.total_seconds() <= 400
        assert describe(stack, image(52)) == (503, "calls_stopped", 300)
        assert transactions(stack) == 1

    with started(state, addresses) as stack:
        assert describe(stack, image(52)) == (200, "", 0)
        # The same command goes on where it could not; what waits for its time can be tried at once.
        assert stack.run("add", str(file)).returncode == 0
        assert stack.run("unfinished", "retry", "--code", "calls_stopped").returncode == 0
        assert stack.wait_for("stopped.png")["stopped.png"].state == "complete"
        assert poisoned(stack) == 0
        for data in (image(50), image(51)):
            assert paid(stack, data) == {"analyze": 1, "areaOfInterest": 1}
