"""What a turn comes to is written whole or not at all, and messages reach only whom they are for."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host.durable.actions import ActionType
from local.host.durable.agenda import Agenda
from local.host.durable.history import Event, EventType, execution_terminated, task_completed
from local.host.durable.instances import Instance, NewInstance, Status
from local.host.durable.orchestrator import Answer
from local.host.durable.store import Store
from local.host.durable.turn import Result, Turn, conclude, terminate

NOW = 1_800_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "durable.sqlite")
    yield store
    store.close()


def activity(name: str) -> dict[str, object]:
    return {"actionType": int(ActionType.CALL_ACTIVITY), "functionName": name, "input": "1"}


def turn_of(store: Store, instance_id: str = "it", now: float = NOW) -> Turn:
    turn = store.load_turn(instance_id, now)
    assert turn is not None
    return turn


def decided(turn: Turn, *actions: dict[str, object], is_done: bool = False) -> Result:
    return conclude(turn, Answer(actions, is_done, None, None, None), lambda task: None)


def found(store: Store, instance_id: str = "it") -> Instance:
    instance = store.find(instance_id)
    assert instance is not None
    return instance


def kinds(events: list[Event]) -> list[EventType]:
    return [EventType(event["EventType"]) for event in events]


def test_turn_that_cannot_be_written_down_leaves_everything_as_it_was(store: Store) -> None:
    store.start(NewInstance("it", "Job", None), NOW)
    result = decided(turn_of(store), activity("Echo"))
    store.connection.execute("CREATE TRIGGER full BEFORE INSERT ON work BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(sqlite3.IntegrityError, match="disk full"):
        store.commit(result)
    assert (found(store).status, store.history("it")) == (Status.PENDING, [])
    store.connection.execute("DROP TRIGGER full")
    assert store.commit(decided(turn_of(store), activity("Echo")))
    assert [work.name for work in Agenda(store.connection).waiting_work(10, ())] == ["Echo"]


def test_outcome_of_an_activity_counts_once(store: Store) -> None:
    store.start(NewInstance("it", "Job", None), NOW)
    store.commit(decided(turn_of(store), activity("Echo")))
    (work,) = Agenda(store.connection).waiting_work(10, ())
    for result in ("1", "2"):
        store.finish_work(work, task_completed(work.task_id, result, NOW), NOW)
    assert [event["Result"] for event in turn_of(store).messages] == ["1"]
    assert Agenda(store.connection).waiting_work(10, ()) == []


def test_outcome_for_an_instance_that_was_replaced_is_dropped(store: Store) -> None:
    store.start(NewInstance("it", "Job", None), NOW)
    store.commit(decided(turn_of(store), activity("Echo")))
    (work,) = Agenda(store.connection).waiting_work(10, ())
    store.send("it", execution_terminated("enough", NOW), NOW)
    store.commit(terminate(turn_of(store)))
    assert (found(store).status, found(store).output) == (Status.TERMINATED, "enough")
    assert store.start(NewInstance("it", "Job", None), NOW) is None
    store.finish_work(work, task_completed(work.task_id, "1", NOW), NOW)
    assert kinds(turn_of(store).messages) == [EventType.EXECUTION_STARTED]


def test_turn_of_an_instance_that_was_replaced_in_the_meantime_is_not_written(store: Store) -> None:
    store.start(NewInstance("it", "Job", None), NOW)
    stale = decided(turn_of(store), is_done=True)
    store.commit(decided(turn_of(store), is_done=True))
    store.start(NewInstance("it", "Job", None), NOW)
    assert not store.commit(stale)
    assert found(store).status is Status.PENDING


def test_live_instance_is_not_replaced(store: Store) -> None:
    store.start(NewInstance("it", "Job", '"first"'), NOW)
    assert store.start(NewInstance("it", "Job", '"second"'), NOW) is Status.PENDING
    assert found(store).input == '"first"'


def test_terminate_survives_continue_as_new(store: Store) -> None:
    store.start(NewInstance("it", "Job", None), NOW)
    again = {"actionType": int(ActionType.CONTINUE_AS_NEW), "input": "2"}
    result = decided(turn_of(store), again, is_done=True)
    store.send("it", execution_terminated("enough", NOW), NOW)
    store.commit(result)
    turn = turn_of(store)
    assert sorted(kinds(turn.messages)) == [EventType.EXECUTION_STARTED, EventType.EXECUTION_TERMINATED]
    assert (turn.past, json.loads(turn.instance.input or "")) == ([], "2")


def test_timer_is_due_at_its_time_and_not_before(store: Store) -> None:
    store.start(NewInstance("it", "Job", None), NOW)
    timer = {"actionType": int(ActionType.CREATE_TIMER), "fireAt": "2027-01-15T08:01:00.000000Z", "isCanceled": False}
    store.commit(decided(turn_of(store), timer))
    due = Agenda(store.connection).next_due(NOW)
    assert due == NOW + 60
    assert Agenda(store.connection).due_instances(due - 0.001, 10, ()) == []
    assert Agenda(store.connection).due_instances(due, 10, ()) == ["it"]
    assert Agenda(store.connection).due_instances(due, 10, ("job",)) == []


def test_finished_instance_takes_no_messages(store: Store) -> None:
    store.start(NewInstance("it", "Job", None), NOW)
    store.commit(decided(turn_of(store), is_done=True))
    store.send("it", execution_terminated("late", NOW), NOW)
    assert store.load_turn("it", NOW) is None
    assert Agenda(store.connection).due_instances(NOW, 10, ()) == []
    assert found(store).status is Status.COMPLETED


def test_sub_orchestration_with_a_live_id_fails_in_its_parent_only(store: Store) -> None:
    store.start(NewInstance("child", "Other", None), NOW)
    store.start(NewInstance("it", "Job", None), NOW)
    call = {"actionType": int(ActionType.CALL_SUB_ORCHESTRATOR), "functionName": "Job", "instanceId": "child"}
    store.commit(decided(turn_of(store), call))
    (message,) = turn_of(store).messages
    assert message["Reason"] == "An Orchestration instance with the status Pending already exists."
    assert found(store, "child").name == "Other"
