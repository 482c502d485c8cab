"""
Every function of the app on its good and its bad paths, with nothing double but storage, Computer Vision and the clock.

    with running_wire() as wire, Worker().running() as worker, Watch(worker).installed() as watch:
        for run in all_runs(worker, watch, wire):
            assert not run.lost

The paths come of two lists. `ways` has the good invocations of a function by the type of its trigger: each HTTP route
on disk, each step of the durable loops. `WEATHERS` has what can be wrong, or different, around any invocation.
"""

import hashlib
import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler
from types import ModuleType, SimpleNamespace
from typing import Any, Literal, NamedTuple, cast

import azure.functions as func
import pytest
from azure.functions.queue import QueueMessage
from doubles import documented_events
from doubles.clock import EPOCH, FakeClock
from doubles.fake_vision import read_text
from doubles.handovers import Site, Watch
from doubles.http_requests import Hub, request, upload
from doubles.http_routes import IMAGE, READ, ROUTES, Route
from doubles.index_lines import append, line
from doubles.memory import MemoryBlobs
from doubles.operation_runs import kept_operation
from doubles.orchestrator_runs import context_of
from doubles.page_callers import OPEN, OWN, THIS_MACHINE
from doubles.parts import ENVIRONMENT, Parts, parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of
from doubles.wire import Wire, whole
from doubles.worker_logs import Function, Line, Outcome, Worker, functions

from local.host.durable.history import EventType, make_event
from local.host.durable.instances import NewInstance
from shared import log, names, services
from shared.answers import claims, held
from shared.api import finished_since, health
from shared.durable import inputs
from shared.durable.appointments import Appointment
from shared.durable.read_job import from_request
from shared.errors import BlobsightError, ImageRejectedError, StorageError, VisionUnavailableError
from shared.images import ImageBytes
from shared.lifecycle import adoption, reconcile_loop
from shared.lifecycle.reconcile_loop import CLEANING, COMPARING, INDEXING, Plan
from shared.lifecycle.storage_events import LARGEST_OF_TRIGGER
from shared.ocr import poll_loop
from shared.operations import loop as operation_loop
from shared.records import by_step
from shared.settings import Settings
from shared.skills import work
from shared.storage.blobs import Blob
from shared.uploads import retry_loop, steps

# One thumbnail shows as much as two.
SETTINGS = {**ENVIRONMENT, "THUMBNAIL_SIZES": "100x50", "MAX_WAIT_SECONDS": "20", "SEARCH_RECORDS": "true"}
NEW = picture(colour=(200, 200, 0))
# Several, because a page of few is asked for otherwise.
STORED = {f"{name}.jpg": picture(colour=(0, number, 200)) for number, name in enumerate("abc")}
UNFINISHED: dict[str, BlobsightError] = {
    "b.jpg": VisionUnavailableError("down"),
    "c.jpg": ImageRejectedError("no image"),
}
# Until all that is kept for a while is old.
_LONG_SECONDS = 40 * 86_400.0
FAR = EPOCH + timedelta(seconds=_LONG_SECONDS)
Inputs = dict[str, Any]


class TaskHub(Hub):
    """The durable client of a hub in which nothing runs, and which has nothing to purge."""

    async def purge_instance_history_by(self, *_: object) -> Any:
        if self.failing:
            raise self.failing
        return SimpleNamespace(instances_deleted=0)


class _AnyCredential(ModuleType):
    """azure.identity, whatever is imported from it: it has a token for everybody."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: SimpleNamespace(
            get_token=lambda *_, **__: SimpleNamespace(token="t", expires_on=2e10), close=lambda: None
        )


class World:
    """
    What the app finds around it.

    Attributes:
        services: the app's own, with storage in memory.
        asked: how often each event was to be logged.
        operations: what storage was asked for, in order.
        fault: called with an operation's number, name and container before it is done.
        ended: set when the invocation has ended.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.clock = FakeClock()
        self.hub = TaskHub()
        self.asked: Counter[str] = Counter()
        self.operations: list[tuple[str, str]] = []
        self.fault: Callable[[int, str, str], object] | None = None
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._stores: dict[Any, MemoryBlobs] = {}

    @property
    def parts(self) -> Parts:
        """The services as other doubles take them."""
        images, host = cast(MemoryBlobs, self.services.images), cast(MemoryBlobs, self.services.host)
        return Parts(self.services, images, host, cast(Any, self.services.vision), self.clock)

    @contextmanager
    def there(self) -> Iterator["World"]:
        """Let it be the app's."""
        with pytest.MonkeyPatch.context() as patch:
            self.patch = patch
            self.wire.script = well
            pools = [ThreadPoolExecutor(4) for _ in executors()]
            for pool, (module, name) in zip(pools, executors(), strict=True):
                # New threads are watched from their beginning.
                patch.setattr(module, name, pool)
            patch.setattr(services, "BlobStore", lambda account, **_: self._store(account))
            patch.setattr(health, "_health", health.Health(FakeClock()))
            # A batch of skills waits on the event loop, by the machine's clock.
            patch.setattr(work, "SystemClock", lambda: self.clock)
            patch.setattr(work.Work, "pause", lambda _, seconds: self._pause(seconds))
            patch.setattr(log, "event", self._count(log.event))
            patch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda _: self.hub)
            patch.setitem(sys.modules, "azure.identity", _AnyCredential("azure.identity"))
            # By its name, so that it is looked up.
            endpoint = f"http://localhost:{self.wire.port}"
            settings = Settings.from_env({**SETTINGS, "VISION_AUTH": "identity", "VISION_ENDPOINT": endpoint})
            self.services = services.build(settings, clock=self.clock)
            patch.setattr(services, "_current", self.services)
            for container, blob in stored():
                self.parts.images.restore(container, blob)
            try:
                yield self
            finally:
                for pool in [*pools, self.services.threads, self.services.callers, self.services.batches]:
                    cast(ThreadPoolExecutor, pool).shutdown()

    async def _pause(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def begin(self) -> None:
        """From now on it is the invocation that does things."""
        self.operations.clear()
        self.asked.clear()
        for store in self._stores.values():
            store.before = self._before

    def _store(self, account: Any) -> MemoryBlobs:
        return self._stores.setdefault(account, MemoryBlobs(self.clock))

    def _before(self, operation: str, container: str, _: str) -> None:
        with self._lock:
            number = len(self.operations)
            self.operations.append((operation, container))
        if self.fault:
            self.fault(number, operation, container)

    def _count(self, real: Callable[..., None]) -> Callable[..., None]:
        def event(logger: logging.Logger, name: str, *, level: int = logging.INFO, **fields: object) -> None:
            with self._lock:
                self.asked[name] += logger.isEnabledFor(level)
            real(logger, name, level=level, **fields)

        return event


@cache
def executors() -> list[tuple[ModuleType, str]]:
    """The modules of the app that have a pool of their own, and its name there."""
    modules = [module for name, module in sys.modules.items() if name.startswith("shared.")]
    return [
        (each, name) for each in modules for name, kept in vars(each).items() if isinstance(kept, ThreadPoolExecutor)
    ]


@cache
def stored() -> list[tuple[str, Blob]]:
    """The images that are there, and the records of what is unfinished of them."""
    app = parts(FakeClock(), **SETTINGS)
    for name, data in STORED.items():
        app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    for name, error in UNFINISHED.items():
        app.vision.failing = error
        steps.process(app.services, name, None)
    found = []
    for container in (names.IMAGES, names.UNFINISHED):
        for name in app.images.contents(container):
            blob = app.images.read(container, name)
            assert blob is not None
            found.append((container, blob))
    return found


def well(handler: BaseHTTPRequestHandler) -> None:
    """Answer as Computer Vision does, about an image with text in it."""
    path = handler.path.partition("?")[0]
    if path.endswith("/read/analyze"):
        address = (
            f"http://{handler.headers['Host']}/vision/v3.2/read/analyzeResults/{'0' * 8}-0000-0000-0000-{'0' * 12}"
        )
        return whole(202, b"", **{"Operation-Location": address})(handler)
    if path.endswith("/generateThumbnail"):
        return whole(200, IMAGE, **{"Content-Type": "image/jpeg"})(handler)
    return whole(200, json.dumps(_told(path)).encode(), **{"Content-Type": "application/json"})(handler)


def _told(path: str) -> dict[str, Any]:
    """The answer in JSON of each operation."""
    if "/read/analyzeResults/" in path:
        time = {"createdDateTime": "2026-01-01T00:00:00Z", "lastUpdatedDateTime": "2026-01-01T00:00:03Z"}
        return {"status": "succeeded", **time, "analyzeResult": read_text("HELLO")}
    if path.endswith("/models"):
        return {"models": [{"name": "landmarks", "categories": ["outdoor_"]}]}
    around = {
        "requestId": "request",
        "modelVersion": "2021-05-01",
        "metadata": {"width": 64, "height": 64, "format": "Jpeg"},
    }
    if path.endswith("/areaOfInterest"):
        return {"areaOfInterest": {"x": 0, "y": 8, "w": 64, "h": 48}, **around}
    if "/models/" in path:
        return {"result": {path.split("/")[-2]: []}, **around}
    description = {"description": {"tags": ["text"], "captions": [{"text": "a sign", "confidence": 0.5}]}}
    if path.endswith("/describe"):
        return {**description, **around}
    return {**description, "tags": [{"name": "text", "confidence": 0.99}], "categories": [], **around}


class Way(NamedTuple):
    """A function and what it is given: its bindings' values, made in the world in which it runs."""

    function: str
    label: str
    inputs: Callable[[World], Inputs]
    is_request: bool = False
    is_durable: bool = False

    def __str__(self) -> str:
        return f"{self.function}: {self.label}"


def ways(function: Function) -> list[Way]:
    """The good ways to invoke a function; none if its kind is not known here."""
    makers = {
        "activityTrigger": _activities,
        "blobTrigger": lambda name: [Way(name, "upload", _upload)],
        "eventGridTrigger": _events,
        "httpTrigger": _requests,
        "orchestrationTrigger": _turns,
        "queueTrigger": lambda name: [Way(name, "message", lambda _: {"message": _poison("a.jpg")})],
        "timerTrigger": lambda name: [Way(name, "time", _timer)],
    }
    found = makers[function.trigger](function.name) if function.trigger in makers else []
    is_request, is_durable = function.trigger == "httpTrigger", "durableClient" in function.bindings.values()
    return [
        each._replace(inputs=_with_starter(each.inputs), is_request=is_request, is_durable=is_durable) for each in found
    ]


def _upload(world: World) -> Inputs:
    world.parts.images.write(names.IMAGES, "new.jpg", NEW, content_type="image/jpeg")
    return {"image": upload("images/new.jpg", NEW)}


def _timer(world: World) -> Inputs:
    """Sent documents are old, bytes have no image any more, and the index has a line that is to be folded."""
    world.parts.host.write(names.INPUTS, "read/old", IMAGE, content_type=names.BYTES)
    world.parts.host.write(names.FORGETTING, _digest(IMAGE), b"", content_type=names.BYTES)
    append(world.parts.host, "w", [line("a.jpg", world.clock.utc().timestamp(), image={"bytes": 1})])
    world.clock.advance(_LONG_SECONDS)
    return {"timer": SimpleNamespace(past_due=False)}


def _events(name: str) -> list[Way]:
    """Of each kind that something follows from, and one that is refused."""
    told = {
        "deleted": documented_events.deleted("c.jpg"),
        "too large": documented_events.created("b.jpg", LARGEST_OF_TRIGGER + 1),
        "back from the archive": documented_events.tier_changed("b.jpg", accessTier="Hot", previousTier="Archive"),
        "renamed": documented_events.renamed("a.jpg", "b.jpg"),
        "directory deleted": documented_events.directory_deleted("album"),
        "nothing to do": documented_events.created("b.jpg", 1),
        "no address": documented_events.deleted("../a.jpg"),
    }

    def inputs(event: documented_events.Event) -> Callable[[World], Inputs]:
        def gone(world: World) -> Inputs:
            for image in ("a.jpg", "c.jpg"):
                world.parts.images.delete(names.IMAGES, image)
            return {"event": documented_events.decoded(event)}

        return gone

    return [Way(name, label, inputs(event)) for label, event in told.items()]


def _with_starter(inputs: Callable[[World], Inputs]) -> Callable[[World], Inputs]:
    return lambda world: {"starter": "the durable client's binding", **inputs(world)}


def _requests(name: str) -> list[Way]:
    def inputs(route: Route, path: dict[str, str]) -> Callable[[World], Inputs]:
        return lambda _: {"req": request(route.method, route.body, params=route.query, route=path)}

    routes = [route for route in ROUTES if route.folder == name]
    # What lists where its path ends answers of one thing where there is a name, which a good request does not have.
    single = [(route, {each: "a.jpg"}) for route in routes if route.method == "GET" for each in route.path_names()]
    good = [(route, route.path_values) for route in routes]
    ways = [
        Way(name, f"{route} {path}", inputs(route, path))
        for route, path in [*good, *(each for each in single if not each[0].path_values)]
    ]
    return [*ways, *(Way(name, label, inputs) for label, inputs in _OTHER_REQUESTS.get(name, {}).items())]


def _poll(world: World) -> Inputs:
    """Everything that is stored was written since, and long enough ago to be told; the first listing has a record."""
    world.parts.images.write(finished_since.CONTAINERS[0], "a.jpg.json", b"{}", content_type=names.JSON)
    world.clock.advance(60)
    return {"req": request("GET", params={"since": EPOCH.isoformat()})}


def _search(world: World) -> Inputs:
    """The word stands in a text that is longer than the index has."""
    text = " ".join(["begin", *("word" for _ in range(100)), "end"])
    words = [{"text": word, "boundingBox": [0, 0, 9, 0, 9, 9, 0, 9]} for word in text.split()]
    line = {"text": text, "boundingBox": [0, 0, 9, 0, 9, 9, 0, 9], "words": words}
    record = {"analyzeResult": {"readResults": [{"page": 1, "unit": "pixel", "lines": [line]}]}}
    told = {names.SOURCE_ETAG: "0x1"}
    for blob, data, kind in (
        (names.plain_text("a.jpg"), text.encode(), names.PLAIN),
        (names.text("a.jpg"), json.dumps(record).encode(), names.JSON),
    ):
        world.services.images.write(names.TEXT, blob, data, content_type=kind, metadata=told)
    world.services.index_writer.flush()
    return {"req": request("GET", params={"q": "text:end"})}


def _of_page(method: str, file: str, body: bytes | dict[str, Any] = b"", **query: str) -> Callable[[World], Inputs]:
    """A request of the page on a developer's own machine, where steps of some images are unfinished."""

    def inputs(world: World) -> Inputs:
        for name, value in OPEN.items():
            world.patch.setenv(name, value)
        for record, data in world.parts.images.contents(names.UNFINISHED).items():
            told = world.parts.images.head(names.UNFINISHED, record)
            assert told is not None
            world.services.images.write(
                names.UNFINISHED, record, data, content_type=names.JSON, metadata=dict(told.metadata)
            )
        world.services.index_writer.flush()
        headers = {**OWN, **THIS_MACHINE}
        return {"req": request(method, body, params=query, route={"file": file}, headers=headers)}

    return inputs


_PAGE = {
    "the shell": _of_page("GET", ""),
    "session": _of_page("GET", "data/session"),
    "search": _of_page("GET", "data/search", q="", limit="10"),
    "suggestions": _of_page("GET", "data/suggestions", q="a"),
    "image": _of_page("GET", "data/images", name="a.jpg", explain="true"),
    "picture": _of_page("GET", "data/picture", name="a.jpg", side="400"),
    "an image stored": _of_page("PUT", "data/images", NEW, name="new.jpg"),
    "an image deleted": _of_page("DELETE", "data/images", name="a.jpg"),
    "a correction": _of_page("PUT", "data/corrections", {"caption": "A zebra"}, name="a.jpg"),
    "retry": _of_page("POST", "data/retry", {"all": True}),
}
# Good requests of a function beside those that its routes tell; the page's routes are its own.
_OTHER_REQUESTS = {"GalleryHttp": _PAGE, "ImagesHttp": {"since": _poll}, "SearchHttp": {"in a text": _search}}


def _poison(name: str) -> func.QueueMessage:
    content = {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.AnalyzeOnUpload",
        "BlobType": "BlockBlob",
        "ContainerName": "images",
        "BlobName": name,
        "ETag": '""',
    }
    return QueueMessage(id="m", body=json.dumps(content), dequeue_count=1)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _plan(*phases: str) -> Plan:
    at = {"began": FAR.isoformat(), "since": EPOCH.isoformat(), "until": FAR.isoformat()}
    plan = {"id": "0123456789abcdef", "by": "timer", "mode": "repair", "phases": list(phases), **at}
    return cast(Plan, {**plan, "images_prefix": "", "records_prefix": ""})


def _pages(name: str) -> list[Way]:
    """A page of each phase, of accounts in which each finds something to do, and the two reports."""

    def page(
        phase: str, *, ended: bool = False, problem: str | None = None, mode: Literal["repair", "report"] = "repair"
    ) -> Callable[[World], Inputs]:
        def inputs(world: World) -> Inputs:
            _leave_behind(world)
            about = {"phase": phase, "continuation": None, "counts": {}, "ended": ended, "problem": problem}
            return {"work": {"plan": {**_plan(*COMPARING, *CLEANING, *INDEXING), "mode": mode}, **about}}

        return inputs

    phases = [Way(name, phase, page(phase)) for phase in (*COMPARING, *CLEANING, *INDEXING)]
    counted = Way(name, "analysis, only counted", page("analysis", mode="report"))
    reports = [
        Way(name, "beginning", page("report")),
        Way(name, "end", page("report", ended=True)),
        Way(name, "failure", page("report", ended=True, problem="OSError: no answer for images/a.jpg")),
    ]
    return [*phases, counted, *reports]


def _leave_behind(world: World) -> None:
    """What deleted images, lost events and callers of long ago leave."""
    images, host = world.parts.images, world.parts.host
    gone, sent = _digest(NEW), _digest(IMAGE)
    metadata = {names.SOURCE_ETAG: "0x1", names.SOURCE_SHA256: gone}
    for container, record in [
        (names.ANALYSIS, names.analysis("gone.jpg")),
        (names.THUMBNAILS, names.thumbnail("gone.jpg", width=9, height=9, smart=True)),
        (names.TEXT, names.text("gone.jpg")),
        (names.TEXT, names.text_of_digest(sent, "read-1")),
        (names.THUMBNAILS, names.thumbnail_of_digest(sent, width=9, height=9, smart=True)),
    ]:
        images.write(container, record, b"{}", content_type=names.JSON, metadata=metadata)
    images.delete(names.IMAGES, "c.jpg")
    host.write(names.OWNERS, names.owner(gone, "gone.jpg"), b"gone.jpg", content_type=names.PLAIN, metadata=metadata)
    host.write(names.FORGETTING, names.forgetting(sent), b"", content_type=names.BYTES)
    for subject in (sent, f"url-{sent}"):
        asked = {names.CLAIM_STATE: "answered"}
        host.write(names.CACHE, names.claim(subject, "analyze-1"), b"{}", content_type=names.JSON, metadata=asked)
    adoption.note(world.services, FAR.isoformat())
    world.clock.advance(_LONG_SECONDS)


def _activities(name: str) -> list[Way]:
    def read(world: World) -> Inputs:
        run = ReadRun(world.parts, job_of(world.parts, NEW)).until(name)
        return {"work": {**poll_loop.work_of(run.state), "wait": 0.0}}

    def retry(world: World, crash: str | None = None) -> Inputs:
        kept = retry_loop.begin(Appointment("a.jpg", by_step.STEPS, "key", 0.0).to_json())
        return {"work": {**{key: kept[key] for key in ("name", "steps", "key", "attempts")}, "crash": crash}}

    def operation(world: World) -> Inputs:
        return {"work": operation_loop.work_of(operation_loop.begin(kept_operation(world.parts).to_json(), EPOCH))}

    def ended(world: World) -> Inputs:
        end = operation_loop.crashed("ValueError: oh")
        return {"work": {**operation(world)["work"], "end": end}}

    if name in (poll_loop.SUBMIT, poll_loop.POLL, poll_loop.STORE):
        return [Way(name, "next step", read)]
    if name == reconcile_loop.PAGE:
        return _pages(name)
    if name == operation_loop.STEP:
        return [Way(name, "next step", operation), Way(name, "end", ended)]
    if name == retry_loop.STEP:
        return [Way(name, "next try", retry), Way(name, "last crash", lambda world: retry(world, "ValueError: oh"))]
    return []


def _turns(name: str) -> list[Way]:
    given: dict[str, Callable[[World], Any]] = {
        "OcrOrchestrator": lambda world: job_of(world.parts, NEW).to_json(),
        "RetryOrchestrator": lambda _: Appointment("a.jpg", by_step.STEPS, "key", 5.0).to_json(),
        operation_loop.ORCHESTRATOR: lambda world: kept_operation(world.parts).to_json(),
        reconcile_loop.ORCHESTRATOR: lambda _: _plan(*COMPARING),
    }

    def first(world: World) -> Inputs:
        content = json.dumps(given[name](world))
        begun = NewInstance(READ, name, content).started_event("execution", 0.0)
        history = [make_event(EventType.ORCHESTRATOR_STARTED, 0.0), begun]
        execution = {"history": history, "input": content, "instance": READ}
        return {"context": func.OrchestrationContext(context_of(execution, {"past": 0, "events": 2}))}

    return [Way(name, "first turn", first)] if name in given else []


class Run(NamedTuple):
    """
    One invocation, and what it has left for the next one to log.

    Attributes:
        outcome: of the function.
        asked: the events that were to be logged, with their number.
        lines: what the app has logged.
        lost: those of them that were lost.
        strays: see `Watch`.
        reached: see `Watch`.
        operations: what storage was asked for.
        questions: how often Computer Vision was asked.
    """

    way: Way
    weather: "Weather"
    outcome: Outcome
    asked: Counter[str]
    lines: list[Line]
    lost: list[Line]
    strays: set[str]
    reached: set[Site]
    operations: list[tuple[str, str]]
    questions: int

    def __str__(self) -> str:
        return f"{self.way}; {self.weather}"

    @property
    def missing(self) -> Counter[str]:
        """The events that did not become lines."""
        return self.asked - Counter(line.text.partition(" ")[0] for line in self.lines)


class Weather(NamedTuple):
    """
    What is wrong, or only different, around an invocation that is about to be made.

    *matters* says of the same invocation in good weather whether this can make a difference.
    """

    label: str
    begin: Callable[[World, Worker, Inputs], object]
    matters: Callable[[Run], bool] = lambda good: bool(good.operations)

    def __str__(self) -> str:
        return self.label


def run(worker: Worker, watch: Watch, wire: Wire, way: Way, weather: Weather) -> Run:
    """Make an invocation in a new world, and another one if there is something left to be logged."""
    with World(wire).there() as world:
        given = way.inputs(world)
        weather.begin(world, worker, given)
        world.begin()
        watch.begin()
        at, lost, questions = len(worker.lines), len(worker.lost), len(wire.requests)

        def made() -> Run:
            return Run(
                way,
                weather,
                outcome,
                +world.asked,
                [line for line in worker.lines[at:] if _is_apps(line)],
                [line for line in worker.lost[lost:] if _is_apps(line)],
                set(watch.strays),
                set(watch.reached),
                list(world.operations),
                len(wire.requests) - questions,
            )

        outcome = watch.invoke(way.function, given)
        world.ended.set()
        watch.settle()
        first = made()
        if not first.missing:
            return first
        # It logs a line itself.
        watch.invoke("ImagesHttp", {"req": request("GET", params={"limit": "none"})})
        watch.settle()
        return made()


def _is_apps(line: Line) -> bool:
    return line.logger.partition(".")[0] in {"shared", *functions()}


def all_runs(worker: Worker, watch: Watch, wire: Wire) -> Iterator[Run]:
    """Every way in every weather that matters to it."""
    for function in worker.functions.values():
        for way in ways(function):
            good = run(worker, watch, wire, way, GOOD)
            yield good
            for weather in [*WEATHERS, *(nth_operation_fails(number) for number in range(len(good.operations)))]:
                if weather.matters(good):
                    yield run(worker, watch, wire, way, weather)


def _fault(fault: Callable[[int, str, str], object]) -> Callable[[World, Worker, Inputs], None]:
    def begin(world: World, *_: object) -> None:
        world.fault = fault

    return begin


def nth_operation_fails(number: int, error: type[Exception] = StorageError) -> Weather:
    """Storage does not do the operation of that number."""

    def fault(at: int, *_: str) -> None:
        if at == number:
            raise error("no answer")

    return Weather(f"operation {number} of storage raises {error.__name__}", _fault(fault))


def _down(*_: object) -> None:
    raise StorageError("no answer")


def _vision_answers(status: int, code: str) -> Weather:
    body = json.dumps({"error": {"code": code, "message": code}}).encode()
    script = whole(status, body, **{"Content-Type": "application/json", "Retry-After": "2"})

    def begin(world: World, *_: object) -> None:
        world.wire.script = script

    return Weather(f"Computer Vision answers {status}", begin, lambda good: good.questions > 0)


def _settings_are_missing(world: World, *_: object) -> None:
    world.patch.setattr(services, "_current", None)
    for name in SETTINGS:
        world.patch.delenv(name, raising=False)


def _asks_for_too_much(world: World, worker: Worker, given: Inputs) -> None:
    """A request has a parameter that the function does not know."""
    req = given["req"]
    given["req"] = request(req.method, req.get_body(), params={**req.params, "word": "1"}, route=req.route_params)


def _hub_fails(world: World, *_: object) -> None:
    world.hub.failing = ConnectionError("refused")


def _read_is(status: str, output: Any = None) -> Weather:
    def begin(world: World, *_: object) -> None:
        given = json.dumps(job_of(world.parts, NEW).to_json())
        world.hub.set(READ, status, output=output, given=given)

    return Weather(f"the Read that is asked for is {status}", begin, lambda good: READ in good.way.label)


def _all_is_done(world: World, *_: object) -> None:
    """The same bytes were uploaded and read."""
    ReadRun(world.parts, job_of(world.parts, NEW, "new.jpg")).finish()
    sent = from_request(ImageBytes(IMAGE), world.services.settings, {})
    ReadRun(world.parts, inputs.keep(world.services.host, sent, IMAGE)).finish()


def _claim_is_lost(world: World, worker: Worker, _: Inputs) -> None:
    """While Computer Vision works on an answer, the lease of the claim lapses and another holder takes it."""
    world.patch.setattr(held, "RENEW_SECONDS", 0.001)
    at = len(worker.lines)

    def slow(handler: BaseHTTPRequestHandler) -> None:
        held = world.parts.host.contents(names.CACHE)
        world.clock.advance(claims.LEASE_SECONDS + 1)
        for claim in held:
            world.parts.host.acquire(names.CACHE, claim, "another", claims.LEASE_SECONDS)
        if held:
            with worker.logged:
                worker.logged.wait_for(lambda: any("claim.lost" in line.text for line in worker.lines[at:]), 30)
        well(handler)

    world.wire.script = slow


def _answers_are_stored_too_late(world: World, *_: object) -> None:
    """Storage takes no answer while the invocation lasts, nor after it."""
    threads: set[int] = set()

    def fault(_: int, operation: str, container: str) -> None:
        if (operation, container) != ("write", names.CACHE):
            return
        first, again = not threads, threading.get_ident() not in threads
        threads.add(threading.get_ident())
        if first:
            return  # the claim itself
        if again:
            assert world.ended.wait(30)
        raise StorageError("no answer")

    world.fault = fault


def _claims(good: Run) -> bool:
    return ("write", names.CACHE) in good.operations and good.questions > 0


GOOD = Weather("all is well", lambda *_: None)
WEATHERS = [
    nth_operation_fails(0, ZeroDivisionError),
    Weather("storage is down", _fault(_down)),
    _vision_answers(400, "InvalidImageFormat"),
    _vision_answers(401, "401"),
    _vision_answers(429, "429"),
    _vision_answers(500, "InternalServerError"),
    Weather("settings are missing", _settings_are_missing),
    Weather("a parameter too many", _asks_for_too_much, lambda good: good.way.is_request),
    Weather("the hub does not answer", _hub_fails, lambda good: good.way.is_durable),
    _read_is("Running"),
    _read_is("Completed", {"state": "done", "record": "text/new.jpg.json", "plain": "text/new.jpg.txt"}),
    _read_is("Terminated"),
    Weather("all is done", _all_is_done),
    Weather("the claim is lost", _claim_is_lost, _claims),
    Weather("answers are stored too late", _answers_are_stored_too_late, _claims),
]
