"""
Random orchestrators on the real SDK: the host's numbers agree with the SDK's, whatever the order of events.

If they did not, an orchestration would hang, mix results up or be taken for non-deterministic. There is no process and
no clock here: activities finish in random order, turns take up random batches, and some are thrown away as by a kill.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Generator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import azure.durable_functions as df
import azure.functions as func
import pytest

from local.host.app.converters import Data, Datum, datum
from local.host.app.loader import LoadedFunction
from local.host.app.signature import RETURN
from local.host.durable.agenda import Agenda, Work
from local.host.durable.history import task_completed, task_failed
from local.host.durable.instances import Instance, NewInstance, Status
from local.host.durable.orchestrator import ask_orchestrator
from local.host.durable.store import Store
from local.host.durable.turn import conclude
from local.host.runner import Runner

Step = list[Any]
FAILURE = "failed on purpose"
MAX_ROUNDS = 2000
# The SDK recommends types that functions of the v1 model cannot give.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called without expected_type")


def program(chance: random.Random, depth: int = 0) -> list[Step]:
    kinds = ["call", "retry", "all", "timer", "any", "long", *([] if depth else ["sub", "again"])]
    return [step(chance, chance.choice(kinds), depth) for _ in range(chance.randint(1, 6))]


def step(chance: random.Random, kind: str, depth: int) -> Step:
    name = f"{chance.randrange(10**9)}"
    match kind:
        case "retry":
            return ["retry", name, chance.randint(0, 3), chance.randint(1, 3)]
        case "all":
            parts = [step(chance, chance.choice(["call", "good", "timer"]), depth) for _ in range(chance.randint(1, 5))]
            return ["all", parts]
        case "good":
            return ["retry", name, chance.randint(0, 2), 3]
        case "long":
            # Beyond six days the SDK waits in pieces of three.
            return ["timer", name, 20 * 86400]
        case "timer" | "any":
            return [kind, name, chance.randint(1, 9)]
        case "sub":
            return ["sub", program(chance, depth + 1)]
    return [kind, name]


def expected(steps: list[Step]) -> list[Any]:
    """What a program returns; of a race only that it is over."""
    results: list[Any] = []
    for kind, *rest in steps:
        match kind:
            case "call":
                results.append(rest[0])
            case "retry":
                results.append(rest[0] if rest[1] < rest[2] else "failed")
            case "all":
                results.append([part[1] if part[0] != "timer" else None for part in rest[0]])
            case "sub":
                results.append(expected(rest[0]))
            case _:
                results.append(kind)
    return results


def run(context: df.DurableOrchestrationContext) -> Generator[Any, Any, list[Any] | None]:
    content = context.get_input()
    steps, results = content["steps"], content["results"]
    for position, (kind, *rest) in enumerate(steps):
        match kind:
            case "retry":
                try:
                    results.append((yield task(context, [kind, *rest])))
                except Exception as error:
                    results.append("failed" if FAILURE in str(error) else str(error))
            case "all":
                results.append((yield context.task_all([task(context, part) for part in rest[0]])))
            case "any":
                call, timer = task(context, ["call", rest[0]]), task(context, ["timer", *rest])
                if (yield context.task_any([timer, call])) == call:
                    timer.cancel()
                results.append("any")
            case "again":
                context.continue_as_new({"steps": steps[position + 1 :], "results": [*results, "again"]})
                return None
            case _:
                result = yield task(context, [kind, *rest])
                results.append("timer" if kind == "timer" else result)
    return cast(list[Any], results)


def task(context: df.DurableOrchestrationContext, part: Step) -> Any:
    match part:
        case ["call", name]:
            return context.call_activity("Flaky", {"name": name, "failures": 0})
        case ["retry", name, failures, attempts]:
            options = df.RetryOptions(1000, attempts)
            return context.call_activity_with_retry("Flaky", options, {"name": name, "failures": failures})
        case ["timer", _, seconds]:
            return context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
        case ["sub", steps]:
            return context.call_sub_orchestrator("Program", {"steps": steps, "results": []})
    raise AssertionError(part)


class SdkRunner:
    """Runs the one orchestrator on the SDK, as the host's own runner would."""

    def __init__(self) -> None:
        self._main = df.Orchestrator.create(run)

    async def run(self, function: object, trigger: Datum, binding_data: Mapping[str, Any], metadata: Data) -> Data:
        return {RETURN: datum(self._main(func.OrchestrationContext(trigger.value)), "json")}


class Simulation:
    """A host whose time, order of events and deaths are *chance*'s."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.now = 1_800_000_000.0
        self.store = Store(Path(":memory:"))
        self._agenda = Agenda(self.store.connection)
        self._tries: Counter[str] = Counter()
        self._runner = cast(Runner, SdkRunner())

    def finish(self, steps: list[Step]) -> Instance:
        content = json.dumps(json.dumps({"steps": steps, "results": []}))
        assert self.store.start(NewInstance("it", "Program", content), self.now) is None
        for _ in range(MAX_ROUNDS):
            found = self.store.find("it")
            assert found is not None
            if found.status.is_final:
                return found
            self._something()
        raise AssertionError(f"it hangs: {self.store.history('it')}")

    def _something(self) -> None:
        self.now += self.chance.random()
        due, work = self._agenda.due_instances(self.now, 10, ()), self._agenda.waiting_work(100, ())
        if due and (not work or self.chance.random() < 0.5):
            self._take_turn(self.chance.choice(due))
        elif work:
            self._do(self.chance.choice(work))
        else:
            next_due = self._agenda.next_due(self.now)
            assert next_due is not None, f"nothing will ever happen: {self.store.history('it')}"
            self.now = next_due

    def _take_turn(self, instance_id: str) -> None:
        turn = self.store.load_turn(instance_id, self.now)
        assert turn is not None
        function = cast(LoadedFunction, None)
        asked = ask_orchestrator(self._runner, function, turn.instance, turn.past, turn.new_events)
        result = conclude(turn, asyncio.run(asked), lambda task: None)
        if self.chance.random() < 0.8:
            assert self.store.commit(result)

    def _do(self, work: Work) -> None:
        content = json.loads(work.input)
        self._tries[content["name"]] += 1
        if self._tries[content["name"]] > content["failures"]:
            event = task_completed(work.task_id, json.dumps(content["name"]), self.now)
        else:
            event = task_failed(work.task_id, FAILURE, None, self.now)
        self.store.finish_work(work, event, self.now)


@pytest.mark.parametrize("seed", range(60))
def test_random_program_ends_with_the_result_that_its_code_says(seed: int) -> None:
    chance = random.Random(seed)
    steps = program(chance)
    simulation = Simulation(chance)
    try:
        found = simulation.finish(steps)
    finally:
        simulation.store.close()
    assert (found.status, json.loads(found.output or "null")) == (Status.COMPLETED, expected(steps))
