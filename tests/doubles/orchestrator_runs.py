"""
Runs of an orchestrator in the local host's engine, turn by turn: recorded, and asked again.

A recording is what the orchestrator was told and what it answered:
    {"status", "output", "executions": [{"instance", "input", "history": [...], "actions": [...], "turns": [...]}]}
    a turn: {"past", "events", "actions", "answer"}
In a turn it was told the first `past` events of the history as old ones and those up to `events` as new ones, and
answered the first `actions` of the actions with the rest of the answer. An execution that continues as new is followed
by another.

The engine's parts are the host's own, the functions the app's own; storage, Computer Vision and time are doubles.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import azure.functions as func
from doubles.clock import EPOCH
from doubles.parts import Parts

from local.host.app.converters import Data, Datum, datum
from local.host.app.loader import LoadedFunction
from local.host.app.signature import RETURN
from local.host.durable.activity import run_activity
from local.host.durable.agenda import Agenda
from local.host.durable.functions import DurableFunctions
from local.host.durable.history import EventType, execution_terminated
from local.host.durable.instances import Instance, NewInstance
from local.host.durable.orchestrator import CONSTANTS, ask_orchestrator
from local.host.durable.store import Store
from local.host.durable.turn import conclude, terminate
from local.host.errors import InvocationError
from local.host.runner import Runner
from shared import services
from shared.durable.appointments import Appointment
from shared.durable.handover import ORCHESTRATOR
from shared.durable.read_job import Job
from shared.ocr import activities

Json = dict[str, Any]
Main = Callable[[func.OrchestrationContext], str]
MOST_ROUNDS = 1000
# The library parses the time of each event anew at every turn: most of what a replay would take.
_EVENTS = import_module("azure.durable_functions.models.history.HistoryEvent")
_EVENTS.dt_parse = lru_cache(maxsize=10_000)(_EVENTS.dt_parse)


def context_of(execution: Json, turn: Json) -> str:
    """What the host tells the orchestrator in a turn."""
    past, events = turn["past"], turn["events"]
    history = [{**event, "IsPlayed": at < past} for at, event in enumerate(execution["history"][:events])]
    return json.dumps(
        {
            "history": history,
            "input": execution["input"],
            "instanceId": execution["instance"],
            "parentInstanceId": None,
            **CONSTANTS,
        }
    )


def orchestrator_of(execution: Json) -> str:
    """The orchestrator's name, as the history tells it."""
    return next(
        str(event["Name"]) for event in execution["history"] if event["EventType"] == EventType.EXECUTION_STARTED
    )


def answer_of(main: Main, context: str) -> Json:
    """What the orchestrator answers in a turn."""
    answer: Json = json.loads(main(func.OrchestrationContext(context)))
    return answer


def differences(recording: Json, main: Main) -> Iterator[str]:
    """The turns of a recording that *main* answers differently, of each execution the last ones first."""
    for number, execution in enumerate(recording["executions"]):
        for count, turn in reversed(list(enumerate(execution["turns"]))):
            try:
                answer: Any = answer_of(main, context_of(execution, turn))
            except Exception as error:  # the SDK raises what it likes where history and code do not fit
                answer = repr(error)
            expected = {**turn["answer"], "actions": [execution["actions"][: turn["actions"]]]}
            if answer != expected:
                yield f"execution {number}, turn {count}: {expected} became {answer}"


def text_of(recording: Json) -> str:
    """A recording as it lies in a file: JSON with an event, an action or a turn on each line, for a readable diff."""
    executions = []
    for execution in recording["executions"]:
        members = [f'"instance": {json.dumps(execution["instance"])}', f'"input": {json.dumps(execution["input"])}']
        for name in ("history", "actions", "turns"):
            lines = ",\n".join(json.dumps(each) for each in execution[name])
            members.append(f'"{name}": [\n{lines}\n]')
        executions.append("{" + ",\n".join(members) + "}")
    head = ",\n".join(f'"{name}": {json.dumps(recording[name])}' for name in ("status", "output"))
    return f'{{{head},\n"executions": [{", ".join(executions)}]}}\n'


@dataclass
class OrchestratorRun:
    """
    The orchestration of one job or appointment; time passes only when nothing else can be done.

    *crashes* are raised by the activities of that name, one after the other, None for no crash. *activities* are called
    with the work that each is given; without them they are those of OcrOrchestrator.
    """

    app: Parts
    job: Job | Appointment
    main: Main
    crashes: dict[str, list[Exception | None]] = field(default_factory=dict)
    executions: list[Json] = field(default_factory=list)
    cancel_after_turns: int | None = None
    orchestrator: str = ORCHESTRATOR
    activities: Mapping[str, Callable[[Json], Awaitable[Json]]] = field(default_factory=dict)

    def record(self) -> Json:
        """Run to the end; returns the recording."""
        self._store = Store(Path(":memory:"))
        try:
            with services.replaced(self.app.services):
                found = self._run()
        finally:
            self._store.close()
        return {
            "executions": self.executions,
            "status": str(found.status),
            "output": found.output if found.output is None or found.output[:1] != "{" else json.loads(found.output),
        }

    def _run(self) -> Instance:
        agenda, functions = Agenda(self._store.connection), self._functions()
        content = json.dumps(json.dumps(self.job.to_json()))
        identifier = self.job.instance_id
        assert self._store.start(NewInstance(identifier, self.orchestrator, content), self._now()) is None
        for _ in range(MOST_ROUNDS):
            found = self._store.find(identifier)
            assert found is not None
            if found.status.is_final:
                return found
            if work := agenda.waiting_work(1, ()):
                event = asyncio.run(run_activity(cast(Runner, self), functions, work[0], self._now))
                self._store.finish_work(work[0], event, self._now())
            elif agenda.due_instances(self._now(), 1, ()):
                self._take_turn(identifier, functions)
            else:
                due = agenda.next_due(self._now())
                assert due is not None, "it hangs"
                # A little later, because a sum of floats may fall short of it.
                self.app.clock.advance(due - self._now() + 0.001)
        raise AssertionError("it comes to no end")

    def _take_turn(self, identifier: str, functions: DurableFunctions) -> None:
        turn = self._store.load_turn(identifier, self._now())
        assert turn is not None
        if turn.termination:
            assert self._store.commit(terminate(turn))
            return
        orchestrator = functions.orchestrators[self.orchestrator.lower()]
        answer = asyncio.run(
            ask_orchestrator(cast(Runner, self), orchestrator, turn.instance, turn.past, turn.new_events)
        )
        assert self._store.commit(conclude(turn, answer, functions.check_task))
        if self.cancel_after_turns == sum(len(each["turns"]) for each in self.executions):
            self._store.send(identifier, execution_terminated("cancelled over HTTP", self._now()), self._now())

    def _functions(self) -> DurableFunctions:
        given = self.activities or {
            "OcrSubmit": activities.submit,
            "OcrPoll": partial(activities.poll, sleep=self._sleep),
            "OcrStore": activities.store,
        }
        return DurableFunctions(
            {self.orchestrator.lower(): cast(LoadedFunction, self.main)},
            {name.lower(): cast(LoadedFunction, (name, call)) for name, call in given.items()},
            frozenset(),
        )

    async def run(self, function: Any, trigger: Datum, binding_data: Mapping[str, Any], metadata: Data) -> Data:
        """Run a function in the place of the host's runner."""
        if function is self.main:
            return {RETURN: datum(json.dumps(self._remember(trigger.value)), "json")}
        name, call = function
        crash = self.crashes[name].pop(0) if self.crashes.get(name) else None
        if crash:
            raise InvocationError(f"{type(crash).__name__}: {crash}")
        return {RETURN: datum(json.dumps(await call(json.loads(trigger.value))), "json")}

    def _remember(self, context: str) -> Json:
        told = json.loads(context.replace(self._execution(), "execution"))
        events = [{key: value for key, value in event.items() if key != "IsPlayed"} for event in told["history"]]
        past = sum(event["IsPlayed"] for event in told["history"])
        if past == 0:
            self.executions.append({"instance": told["instanceId"], "input": told["input"], "actions": [], "turns": []})
        answer, execution = answer_of(self.main, context), self.executions[-1]
        (actions,) = answer["actions"]
        assert actions[: len(execution["actions"])] == execution["actions"], "what it asked for once stays"
        execution.update(history=events, actions=actions)
        rest = {name: value for name, value in answer.items() if name != "actions"}
        execution["turns"].append({"past": past, "events": len(events), "actions": len(actions), "answer": rest})
        return answer

    def _execution(self) -> str:
        """The execution's id, which is another one at every run."""
        found = self._store.find(self.job.instance_id)
        assert found is not None
        return found.execution

    def _now(self) -> float:
        return EPOCH.timestamp() + float(self.app.clock.now())

    async def _sleep(self, seconds: float) -> None:
        self.app.clock.advance(seconds)
