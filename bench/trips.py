"""
How many hops each trip through the app makes: calls of its functions, moves from one room to another, storage.

    python -m bench.trips [--json]

The functions are called as the worker calls them, and all of the app is real but storage, the clock and the wire to
Computer Vision. A *room* is a function folder, a package of `shared` or a module that is in none; a *move* is a step of
the control from one room into another, by a call or by a return. The same is counted of modules. What lies between (the
standard library, the SDK) is neither.

The pools of the app do their work at once, in the thread that hands it over, so a trip has one stack. A thread that the
app begins beside it, which is the one that renews a claim, is counted too, with a stack of its own. No figure is a time
or depends on one, and everything is imported and cached before it is counted: the same code gives the same table. Only
moves differ from one Python to another, by a few, because each resumes generators in a way of its own.
"""

import argparse
import asyncio
import inspect
import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch
from urllib.parse import urlsplit

from bench.section import table

# All that is imported of the app by name: what puts its parts together, and the loop that tells activities what to do.
from shared import services
from shared.ocr import poll_loop
from shared.settings import Settings
from shared.transport.http import Reply

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {"shared", *(path.parent.name for path in ROOT.glob("*/function.json"))}
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
# Python 3.12 has no frames for the first three any more.
_NO_FUNCTIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>", "<module>"}
_SIZES = ("200x150", "800x600")
_OPERATION = "https://vision.invalid/vision/v3.2/read/analyzeResults/00000000-0000-0000-0000-000000000000"
Json = dict[str, Any]
_READ = {
    "status": "succeeded",
    "createdDateTime": "2026-01-01T00:00:00Z",
    "lastUpdatedDateTime": "2026-01-01T00:00:01Z",
    "analyzeResult": {"version": "3.2.0", "modelVersion": "2022-04-30", "readResults": []},
}
_ANSWER: Json | None = {
    "tags": [],
    "categories": [],
    "description": {"tags": [], "captions": []},
    "areaOfInterest": {"x": 0, "y": 0, "w": 50, "h": 50},
    "requestId": "counted",
    "metadata": {"width": 64, "height": 64, "format": "Png"},
    "modelVersion": "2021-05-01",
}
# What each operation has of it: others are no answer of Computer Vision's, and the contract has none of them.
_ALWAYS = {"requestId", "metadata", "modelVersion"}
_MEMBERS = {"describe": {"description"}, "areaOfInterest": {"areaOfInterest"}}
_R = TypeVar("_R")


class Trip(NamedTuple):
    """
    What one trip took.

    Attributes:
        name: what was asked for.
        calls: how often a function of the app was called; a coroutine that goes on is not called again.
        rooms: how many rooms they are in.
        moves: how often the control came into another room than it was in.
        modules: how many modules they are in.
        hops: how often the control came into another module than it was in.
        deepest: the functions of the app that were under way at once, in one thread, at most.
        storage: how often each operation of `shared.storage.blobs.Blobs` was asked for.
        sent: requests to Computer Vision, polls among them.
    """

    name: str
    calls: int
    rooms: int
    moves: int
    modules: int
    hops: int
    deepest: int
    storage: Mapping[str, int]
    sent: int

    def as_json(self) -> Json:
        """The same with the sum of the storage operations, as `--json` prints it."""
        return {**self._asdict(), "storage": {"all": sum(self.storage.values()), **self.storage}}


class _Counting:
    """Counts what happens in the app, in this thread and in those that begin meanwhile. Safe for threads."""

    def __init__(self) -> None:
        self.calls = self.moves = self.hops = self.deepest = 0
        self.modules: set[str] = set()
        self._lock = threading.Lock()
        self._own = threading.local()
        # Kept, so that no other frame is taken for one of them.
        self._begun: set[FrameType] = set()

    @contextmanager
    def counted(self) -> Iterator[None]:
        before = sys.getprofile()
        threading.setprofile(self._event)
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(before)

    def _event(self, frame: FrameType, event: str, _: object) -> None:
        if event not in ("call", "return") or frame.f_code.co_name in _NO_FUNCTIONS:
            return
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in ROOMS:
            return
        stack: list[str] = self._own.__dict__.setdefault("stack", [])
        with self._lock:
            if event == "call":
                self._called(frame, module, stack)
            elif stack:
                stack.pop()
                self._enter(stack[-1] if stack else None)

    def _called(self, frame: FrameType, module: str, stack: list[str]) -> None:
        if frame not in self._begun:
            self.calls += 1
        if frame.f_code.co_flags & _GENERATORS:
            self._begun.add(frame)
        stack.append(module)
        self.deepest = max(self.deepest, len(stack))
        self.modules.add(module)
        self._enter(module)

    def _enter(self, module: str | None) -> None:
        """The control is in *module*; outside of all, it is still in the last one."""
        last = getattr(self._own, "module", None)
        if module and module != last:
            self._own.module = module
            self.hops += last is not None
            self.moves += last is not None and _room(last) != _room(module)

    def counts(self) -> tuple[int, int, int, int, int, int]:
        """Calls, rooms, moves, modules, hops and the deepest stack."""
        rooms = {_room(module) for module in self.modules}
        return self.calls, len(rooms), self.moves, len(self.modules), self.hops, self.deepest


def _room(module: str) -> str:
    """`shared.pace` of `shared.pace.gate`, `shared.log` of itself."""
    return ".".join(module.split(".")[:2])


class _AtOnce(Executor):
    """A pool that works in the thread of the one who gives it something to do."""

    def submit(self, fn: Callable[..., _R], /, *args: Any, **kwargs: Any) -> Future[_R]:
        done: Future[_R] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:
            done.set_exception(error)
        return done


class _Wire:
    """`Transport` to a Computer Vision that is well and at once done."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, method: str, url: str, **_: object) -> Reply:
        self.sent += 1
        if "/read/analyze?" in url:
            return Reply(HTTPStatus.ACCEPTED, {"Operation-Location": _OPERATION}, b"")
        body = _READ if url == _OPERATION else _answer_of(url)
        return Reply(HTTPStatus.OK, {"Content-Type": "application/json"}, json.dumps(body).encode())


def _answer_of(url: str) -> Json | None:
    """What Computer Vision answers at this address: of its operation."""
    operation = urlsplit(url).path.rpartition("/")[2]
    wanted = _MEMBERS.get(operation, {"tags", "categories", "description"})
    return _ANSWER and {name: value for name, value in _ANSWER.items() if name in wanted | _ALWAYS}


class _World:
    """What the app finds around it, of the doubles of the tests."""

    def __init__(self) -> None:
        if str(ROOT / "tests") not in sys.path:
            sys.path.append(str(ROOT / "tests"))
        self.clock = import_module("doubles.clock").FakeClock()
        self.requests: Any = import_module("doubles.http_requests")
        self.hub = self.requests.Hub()
        self.wire = _Wire()
        self.operations: Counter[str] = Counter()
        self._stores: dict[Any, Any] = {}
        self._environment = import_module("doubles.parts").ENVIRONMENT

    @contextmanager
    def there(self) -> Iterator[None]:
        """Inside, it is the app's."""
        at_once = _AtOnce()
        with ExitStack() as stack:
            stack.enter_context(_log_of_the_app())
            stack.enter_context(patch("azure.durable_functions.DurableOrchestrationClient", lambda _: self.hub))
            for module, name in _pools():
                stack.enter_context(patch.object(module, name, at_once))
            with (
                patch.object(services, "BlobStore", lambda account, **_: self.store(account)),
                patch.object(services, "Transport", lambda **_: self.wire),
            ):
                settings = Settings.from_env({**self._environment, "THUMBNAIL_SIZES": ",".join(_SIZES)})
                parts = services.build(settings, clock=self.clock)
            stack.enter_context(services.replaced(parts._replace(threads=at_once, callers=at_once)))
            self.images: Any = parts.images
            yield

    def store(self, account: Any) -> Any:
        """The storage of an account, in memory."""
        if account not in self._stores:
            self._stores[account] = import_module("doubles.memory").MemoryBlobs(self.clock, self._count)
        return self._stores[account]

    def invoke(self, function: str, given: object, **bindings: Any) -> Any:
        """Call a function as the worker does, and wait for it."""
        answer = import_module(function).main(given, **bindings, context=self.requests.invocation())
        return asyncio.run(_awaited(answer)) if inspect.isawaitable(answer) else answer

    def trip(self, name: str, function: str, given: object, **bindings: Any) -> tuple[Trip, Any]:
        """Count one call of a function; returns what it answered too."""
        self.operations.clear()
        counting, sent = _Counting(), self.wire.sent
        with counting.counted():
            answer = self.invoke(function, given, **bindings)
        storage = dict(sorted(self.operations.items()))
        return Trip(name, *counting.counts(), storage, self.wire.sent - sent), answer

    def _count(self, operation: str, container: str, name: str) -> None:
        self.operations[operation] += 1


async def _awaited(answer: Any) -> Any:
    return await answer


@contextmanager
def _log_of_the_app() -> Iterator[None]:
    """Every line is written, as in Azure, and read by nobody."""
    logger, nowhere = logging.getLogger("shared"), logging.NullHandler()
    before = logger.level, logger.propagate
    logger.addHandler(nowhere)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(nowhere)
        logger.propagate = before[1]
        logger.setLevel(before[0])


def _pools() -> list[tuple[Any, str]]:
    """The modules of the app that have a pool of their own, and its name there."""
    for room in sorted(ROOMS):
        import_module(room)
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in ROOMS]
    return [
        (each, name) for each in modules for name, kept in vars(each).items() if isinstance(kept, ThreadPoolExecutor)
    ]


def _answered(trip: tuple[Trip, Any], status: int) -> tuple[Trip, Any]:
    """The same, if the answer has this status: of another way the figures would tell nothing."""
    if trip[1].status_code != status:
        raise RuntimeError(f"{trip[0].name}: {trip[1].status_code} instead of {status}: {trip[1].get_body()!r}")
    return trip


def _uploads(world: _World) -> Iterator[Trip]:
    data = import_module("doubles.pictures").picture()
    world.images.write("images", "a.jpg", data, content_type="image/jpeg")
    for name in ("upload, 1 analysis and 2 thumbnails", "upload, the same event again"):
        event = world.requests.upload("images/a.jpg", data)
        trip, _ = world.trip(name, "AnalyzeOnUpload", event, starter="")
        if world.hub.started:
            raise RuntimeError(f"{name}: left for later is {world.hub.started}")
        yield trip


def _requests(world: _World) -> Iterator[Trip]:
    request = world.requests.request
    data = import_module("doubles.pictures").picture(colour=(0, 0, 200))
    for name in ("POST /api/describe, new", "POST /api/describe, the answer is known"):
        yield _answered(world.trip(name, "DescribeHttp", request(body=data), starter=""), 200)[0]
    width, height = _SIZES[0].split("x")
    asked = {"params": {"width": width, "height": height}, "route": {"name": "a.jpg"}}
    trip, answer = _answered(
        world.trip("GET /api/thumbnail/{name}, stored", "ThumbnailHttp", request("GET", **asked), starter=""), 200
    )
    yield trip
    known = request("GET", **asked, headers={"If-None-Match": answer.headers["ETag"]})
    yield _answered(world.trip("GET /api/thumbnail/{name}, 304", "ThumbnailHttp", known, starter=""), 304)[0]
    state = request("GET", route={"name": "a.jpg"})
    yield _answered(world.trip("GET /api/images/{name}", "ImagesHttp", state), 200)[0]


def _text(world: _World) -> Iterator[Trip]:
    """The request, and each activity with what OcrOrchestrator would give it."""
    request = world.requests.request(body={"name": "a.jpg"})
    yield _answered(world.trip("POST /api/ocr, new", "OcrHttp", request, starter=""), 202)[0]
    [(_, _, job)] = world.hub.started
    state = poll_loop.begin(job, world.clock.utc())
    for name in ("OcrSubmit", "OcrPoll", "OcrStore"):
        if state["step"] != name:
            raise RuntimeError(f"{state['step']} would come next, and not {name}: {state}")
        # What is left of the wait is slept.
        world.clock.advance(state["wait"])
        trip, outcome = world.trip(name, name, poll_loop.work_of(state))
        yield trip
        state = poll_loop.advance(state, outcome)
    if not state["outcome"] or state["outcome"]["state"] != "done":
        raise RuntimeError(f"OcrStore: {state['outcome']}")


def _once() -> list[Trip]:
    world = _World()
    with world.there():
        return [*_uploads(world), *_requests(world), *_text(world)]


def trips() -> list[Trip]:
    """
    Every trip, in the order of the table: each finds what those before it have left.

    Raises:
        RuntimeError: one did not end as its name says.
    """
    _once()
    return _once()


def text(found: list[Trip]) -> str:
    """The table in Markdown."""
    header = (
        "trip",
        "calls",
        "rooms",
        "moves",
        "modules",
        "hops",
        "deepest",
        "storage",
        "of which",
        "to Computer Vision",
    )
    rows = [
        (
            trip.name,
            *map(str, (*trip[1:7], sum(trip.storage.values()))),
            ", ".join(f"{kind} {count}" for kind, count in trip.storage.items()),
            str(trip.sent),
        )
        for trip in found
    ]
    return table(header, rows)


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.trips")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    as_json = parser.parse_args().json
    found = trips()
    print(json.dumps([trip.as_json() for trip in found], indent=2) if as_json else text(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
