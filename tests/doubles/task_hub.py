"""
The orchestrations of a task hub on the app's clock, second by second: the app's own loops and activities.

    hub = TaskHub(app, look)
    with hub.running():
        hub.upload("a.jpg", picture())
        hub.pass_time(42)
"""

import asyncio
import json
import math
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from doubles.clock import EPOCH
from doubles.http_requests import invocation, request
from doubles.parts import Parts
from doubles.storage_events import storage_event

from shared import names, services
from shared.lifecycle import housekeeping, indexing, plans, reactions, reconcile_loop, reconcile_page
from shared.ocr import activities, poll_loop
from shared.uploads import on_upload, retry_loop, retry_step

Json = dict[str, Any]


_LOOPS: dict[str, Callable[[Any], Generator[Any, Any, Any]]] = {
    "OcrOrchestrator": poll_loop.orchestrate,
    "RetryOrchestrator": retry_loop.orchestrate,
    reconcile_loop.ORCHESTRATOR: reconcile_loop.orchestrate,
}


class KilledError(BaseException):
    """Stands for a worker that is gone; its activity is begun anew a second later."""


@dataclass
class _Instance:
    """One orchestration, which is also the context that its orchestrator is given."""

    hub: "TaskHub"
    name: str
    given: Json
    loop: Generator[Any, Any, Any] | None = None
    # What it waits for: the activity with its work (None: a timer), since which attempt, and when that begins.
    activity: str | None = None
    work: Json = field(default_factory=dict)
    attempts: int = 0
    due: float = 0.0
    status: Json | None = None
    output: Any = None
    is_over: bool = False
    is_trying: bool = False

    @property
    def current_utc_datetime(self) -> datetime:
        return self.hub.app.clock.utc()  # type: ignore[no-any-return]  # a FakeClock's

    def get_input(self) -> Json:
        return self.given

    def set_custom_status(self, status: Json) -> None:
        self.status = status

    def create_timer(self, fire_at: datetime) -> tuple[None, Json, float]:
        return None, {}, (fire_at - EPOCH).total_seconds()

    def call_activity_with_retry(self, name: str, options: object, work: Json) -> tuple[str, Json, float]:
        return name, work, self.hub.app.clock.now()

    def continue_as_new(self, given: Json) -> None:
        self.given, self.loop = given, None

    def is_about(self, name: str, step: str) -> bool:
        """Whether it tries that step of that image."""
        if self.name == reconcile_loop.ORCHESTRATOR:
            return False
        if self.name == "OcrOrchestrator":
            return step == "text" and name == self.given.get("job", self.given)["name"]
        return name == self.given["name"] and step in self.given["steps"]


class TaskHub:
    """
    A durable client, what it has started, and the time.

    Args:
        app: whose clock goes on by `pass_time` alone.
        look: called after each second; a test may call it too.
    """

    def __init__(self, app: Parts, look: Callable[["TaskHub"], None] = lambda hub: None) -> None:
        self.app = app
        self.look = look
        self.failing: Exception | None = None
        self.instances: dict[str, _Instance] = {}
        # The image whose event is being processed: its steps are handed over at the end.
        self.delivering: str | None = None

    @contextmanager
    def running(self) -> Iterator["TaskHub"]:
        """Inside, it is the hub of every durable client, and `app` the app."""
        with pytest.MonkeyPatch.context() as patch, services.replaced(self.app.services):
            patch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: self)
            yield self

    async def start_new(self, orchestration_function_name: str, instance_id: str, client_input: Json) -> str:
        if self.failing:
            raise self.failing
        before = self.instances.get(instance_id)
        if before and not before.is_over:
            raise Exception("An Orchestration instance with the status Running already exists.")
        self.instances[instance_id] = _Instance(
            self, orchestration_function_name, json.loads(json.dumps(client_input)), due=self.app.clock.now()
        )
        return instance_id

    async def get_status(self, instance_id: str) -> Any:
        if self.failing:
            raise self.failing
        found = self.instances.get(instance_id)
        return found and SimpleNamespace(
            name=found.name,
            runtime_status=SimpleNamespace(value="Completed" if found.is_over else "Running"),
            custom_status=found.status,
            output=found.output,
            input_=json.dumps(found.given),
        )

    async def terminate(self, instance_id: str, reason: str) -> None:
        """It ends at its next turn: an activity that is under way goes on."""
        self.instances[instance_id].is_over = True

    async def purge_instance_history(self, instance_id: str) -> None:
        """Delete what is known of an instance that has ended."""
        assert self.instances.pop(instance_id).is_over

    def upload(self, name: str, data: bytes) -> None:
        """Put an image there and deliver its event."""
        self.app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
        self.deliver(name)

    def deliver(self, name: str) -> None:
        """Deliver the image's event."""
        data = self.app.images.contents(names.IMAGES)[name]
        self.delivering = name
        asyncio.run(on_upload.process(name, data, "starter"))
        self.delivering = None
        self._do_due()
        self.look(self)

    def delete(self, name: str) -> None:
        """Delete an image and deliver its event."""
        self.app.images.delete(names.IMAGES, name)
        self.deliver_deletion(name)

    def deliver_deletion(self, name: str) -> None:
        """Deliver the event of an image's deletion, of which a later one may have the name."""
        asyncio.run(reactions.process(deletion_event(name), "starter"))
        self._do_due()
        self.look(self)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass, and go on with all that falls due."""
        end = self.app.clock.now() + seconds
        while self.app.clock.now() < end:
            self.app.clock.advance(min(1.0, end - self.app.clock.now()))
            self._do_due()
            self.look(self)

    def tell_again(self, body: Json) -> Any:
        """Ask the app to try something again."""
        from UnfinishedHttp import main

        sent = request("POST", body, route={"action": "retry"})
        return asyncio.run(main(sent, invocation(), starter="the durable client's binding"))  # type: ignore[arg-type]

    def reconcile(self) -> Json:
        """Ask for a reconciliation as a caller does, and let its pages be done; how it ended."""
        asyncio.run(plans.begin(self, reconcile_loop.WHOLE_ID, plans.by_request(self.app.services)))
        return self.finish(reconcile_loop.WHOLE_ID)

    def finish(self, instance_id: str, *, most_seconds: float = 7200.0) -> Json:
        """Let time pass until that instance is over; how it ended."""
        self._do_due()
        until = self.app.clock.now() + most_seconds
        while not (instance := self.instances[instance_id]).is_over:
            assert self.app.clock.now() < until, instance.status
            self.pass_time(1)
        return dict(instance.output)

    def keep_house(self) -> None:
        """What the hourly timer does, and all that it begins."""
        asyncio.run(housekeeping.begin_due(self.app.services, self))  # type: ignore[arg-type]  # a durable client
        self.pass_time(5)

    def fold_index(self) -> None:
        """What the timer of five minutes does, and all that it begins."""
        asyncio.run(indexing.fold_due(self.app.services, self))  # type: ignore[arg-type]  # a durable client
        self._do_due()

    def moments(self, name: str, step: str) -> list[float]:
        """In how many seconds each instance of that step does something next; 0 where it does it now."""
        now = self.app.clock.now()
        found = (each for each in self.instances.values() if not each.is_over and each.is_about(name, step))
        return [0.0 if each.is_trying else max(0.0, each.due - now) for each in found]

    def _do_due(self) -> None:
        while due := [
            each for each in self.instances.values() if not each.is_over and each.due <= self.app.clock.now()
        ]:
            for each in due:
                self._go_on(each)

    def _go_on(self, instance: _Instance) -> None:
        if instance.loop is None:
            instance.loop = _LOOPS[instance.name](instance)
            return self._wait_for(instance, lambda loop: next(loop))
        if instance.activity is None:
            return self._wait_for(instance, lambda loop: loop.send(None))
        instance.is_trying = True
        try:
            outcome = asyncio.run(self._act(instance.activity, instance.work))
        except KilledError:
            instance.due = self.app.clock.now() + 1.0
            return None
        except Exception as error:
            crash = error
            instance.attempts += 1
            if instance.attempts < retry_loop.CRASH_ATTEMPTS:
                instance.due = self.app.clock.now() + retry_loop.CRASH_WAIT_MILLISECONDS / 1000
                return None
            return self._wait_for(instance, lambda loop: loop.throw(crash))
        finally:
            instance.is_trying = False
        return self._wait_for(instance, lambda loop: loop.send(outcome))

    def _wait_for(self, instance: _Instance, resume: Callable[[Any], Any]) -> None:
        if instance.is_over:  # terminated meanwhile
            return
        try:
            instance.activity, instance.work, instance.due = resume(instance.loop)
            instance.attempts = 0
        except StopIteration as end:
            # Continued as new, if it has no loop.
            instance.is_over, instance.output = instance.loop is not None, end.value

    async def _act(self, name: str, work: Mapping[str, Any]) -> Any:
        if name == retry_loop.STEP:
            return await retry_step.retry(work, "starter")  # type: ignore[arg-type]  # as JSON has it
        if name == reconcile_loop.PAGE:
            return await reconcile_page.page(work, "starter")  # type: ignore[arg-type]
        if name == poll_loop.POLL:
            return await activities.poll(work, sleep=self._sleep)  # type: ignore[arg-type]
        return await {poll_loop.SUBMIT: activities.submit, poll_loop.STORE: activities.store}[name](work)  # type: ignore[arg-type]

    async def _sleep(self, seconds: float) -> None:
        for _ in range(math.ceil(seconds)):
            self.app.clock.advance(min(1.0, seconds))
            self.look(self)
            seconds -= 1.0


def deletion_event(name: str) -> func.EventGridEvent:
    """The event of a deletion, as a function is given it."""
    told = storage_event("DeleteBlob", name)
    return func.EventGridEvent(
        id=told["id"],
        data=told["data"],
        topic=told["topic"],
        subject=told["subject"],
        event_type=told["eventType"],
        event_time=None,
        data_version=told["dataVersion"],
    )


def seconds_until(text: str, app: Parts) -> float:
    """How far ahead that moment is."""
    return (datetime.fromisoformat(text) - app.clock.utc()) / timedelta(seconds=1)
