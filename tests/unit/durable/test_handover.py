"""Handing jobs over: once, and never lost in silence."""

import asyncio
import json
import logging
import re
from typing import Any

import pytest
from doubles.http_requests import Hub
from doubles.parts import ENVIRONMENT

from shared.durable import handover, read_job
from shared.durable.appointments import Appointment
from shared.durable.read_job import Job
from shared.errors import StorageError
from shared.records.versions import Version
from shared.settings import Settings
from shared.transport import time_budget

JOB = read_job.from_image(Version("a.jpg", "0x1", "5" * 64, 12), Settings.from_env(ENVIRONMENT), text_only=False)
ENDED = ["Completed", "Failed", "Terminated", "Canceled"]


@pytest.fixture
def hub() -> Hub:
    return Hub()


def hand_over(hub: Any, job: Job = JOB) -> bool:
    return asyncio.run(handover.hand_over(hub, job))


def test_a_job_is_started_with_its_own_id_and_its_json(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    hand_over(hub)
    assert hub.started == [("OcrOrchestrator", JOB.instance_id, JOB.to_json())]
    assert any(line.startswith("text.handed_over blob=a.jpg") for line in caplog.messages)


def test_an_appointment_tells_when_it_is(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    asyncio.run(handover.hand_over(hub, Appointment("a.jpg", ("analysis",), "k", 7200.04)))
    (line,) = caplog.messages
    assert line.startswith("step.handed_over blob=a.jpg instance=retry-")
    assert " seconds=7200 " in line


def test_a_job_that_is_under_way_is_not_started_again(hub: Hub) -> None:
    for _ in range(3):
        hand_over(hub)
    assert len(hub.started) == 1


@pytest.mark.parametrize("continued", [False, True])
def test_of_two_requests_for_one_read_one_is_told_that_its_own_is_under_way(hub: Hub, continued: bool) -> None:
    mine, other = JOB._replace(input="1"), JOB._replace(input="2")
    assert hand_over(hub, mine)
    given = {"job": mine.to_json(), "step": "OcrPoll"} if continued else mine.to_json()
    hub.set(JOB.instance_id, "Running", given=json.dumps(given))
    assert (hand_over(hub, mine), hand_over(hub, other)) == (True, False)


@pytest.mark.parametrize("given", ["null", "[]", "no JSON", {}, {"job": 7}, {"job": {"kind": "url"}}])
def test_what_nobody_can_tell_apart_is_taken_for_ones_own(hub: Hub, given: Any) -> None:
    """To delete what the Read under way needs would be worse than to keep it for a week."""
    hub.set(JOB.instance_id, "Running", given=given)
    assert hand_over(hub, JOB._replace(input="1"))


@pytest.mark.parametrize(
    ("custom_status", "started"),
    [({"problem": {"code": "vision_unauthorized"}, "waitSeconds": 300.0}, 1), ({"problem": None}, 0), (None, 0)],
)
def test_a_read_that_waits_after_a_problem_is_begun_anew_where_that_is_wanted(
    hub: Hub, custom_status: Any, started: int
) -> None:
    hub.set(JOB.instance_id, "Running", given=json.dumps(JOB.to_json()), custom_status=custom_status)
    hand_over(hub)
    assert hub.started == []
    for _ in range(2):
        asyncio.run(handover.hand_over(hub, JOB, anew="0x1,0x2"))
    assert len(hub.started) == started
    for _, identifier, given in hub.started:
        job = Job.from_json(given)
        assert identifier == job.instance_id != JOB.instance_id
        assert re.fullmatch("ocr-[0-9a-f]{40}", identifier)
        assert job._replace(id="") == JOB


@pytest.mark.parametrize("status", ENDED)
def test_a_job_that_has_ended_is_started_anew(hub: Hub, status: str) -> None:
    hub.set(JOB.instance_id, status)
    hand_over(hub)
    assert len(hub.started) == 1


@pytest.mark.parametrize("status", ["Pending", "Running", "ContinuedAsNew", "Suspended"])
def test_a_start_that_is_refused_because_it_runs_is_a_success(hub: Hub, status: str) -> None:
    class Refusing(Hub):
        async def start_new(self, *_: object) -> str:
            raise Exception("An Orchestration instance with the status Running already exists.")

    refusing = Refusing()
    refusing.set(JOB.instance_id, status)
    hand_over(refusing)


@pytest.mark.parametrize("status", [None, *ENDED])
def test_a_start_that_fails_otherwise_is_raised(status: str | None) -> None:
    class Refusing(Hub):
        async def start_new(self, *_: object) -> str:
            raise Exception("the task hub is full")

    refusing = Refusing()
    if status:
        refusing.set(JOB.instance_id, status)
    with pytest.raises(StorageError, match="the task hub is full"):
        hand_over(refusing)


def test_of_a_hub_that_does_not_answer_at_all_the_start_is_what_is_told(hub: Hub) -> None:
    hub.failing = ConnectionError("refused")
    with pytest.raises(StorageError, match="could not be started: refused"):
        hand_over(hub)


def test_what_a_hub_does_not_answer_is_an_outage(hub: Hub) -> None:
    hub.failing = ConnectionError("refused")
    with pytest.raises(StorageError) as caught:
        asyncio.run(handover.status_of(hub, JOB.instance_id))
    assert caught.value.transient


@pytest.mark.parametrize(("status", "under_way"), [("Running", True), ("Pending", True), *[(s, False) for s in ENDED]])
def test_what_is_under_way(hub: Hub, status: str, under_way: bool) -> None:
    hub.set(JOB.instance_id, status)
    found = hub.statuses[JOB.instance_id]
    assert handover.is_under_way(found) is under_way
    assert handover.runtime_status(found) == status


def test_no_instance_has_no_status() -> None:
    from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

    # What the SDK answers for an id that nobody knows is no None.
    for nothing in (None, DurableOrchestrationStatus()):
        assert handover.runtime_status(nothing) is None
        assert not handover.is_under_way(nothing)


def test_a_host_that_does_not_answer_is_waited_for_as_long_as_the_request_lasts() -> None:
    """It asks storage itself before it answers."""

    class Hanging(Hub):
        async def get_status(self, instance_id: str) -> Any:
            await asyncio.sleep(600)

        async def start_new(self, orchestration_function_name: str, instance_id: str, client_input: Any) -> str:
            await asyncio.sleep(600)
            return instance_id

        async def terminate(self, instance_id: str, reason: str) -> None:
            await asyncio.sleep(600)

    async def ask() -> None:
        for asked in (
            handover.hand_over(Hanging(), JOB),
            handover.status_of(Hanging(), JOB.instance_id),
            handover.cancel(Hanging(), JOB.instance_id),
        ):
            with time_budget.request(0.05), pytest.raises(StorageError, match="did not answer in time"):
                await asked

    asyncio.run(ask())
