"""The orchestrators and the activities of this app, in Microsoft's runtime: the same answers as in the local host."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from doubles.documents import text_pdf
from doubles.durable_apps import finish
from doubles.function_folders import DURABLE, deploy, with_binding
from doubles.hosting import PROJECT_ROOT, Host, running_host, write_function
from doubles.orchestrator_runs import context_of, orchestrator_of
from doubles.parts import ENVIRONMENT
from doubles.patience import wait_until
from doubles.real_runtime import Runtime, running_runtime
from doubles.real_runtime_data import text_value
from doubles.real_runtime_sides import read_work, returned, starter, work_value
from doubles.real_runtime_world import World, world
from doubles.vision_calls import picture
from doubles.witness import covered

from shared import names
from shared.durable import inputs, read_job
from shared.durable.read_job import Job
from shared.images import ImageBytes, ImageUrl, Owner
from shared.operations import work
from shared.operations.work import Operation
from shared.records.thumbnails import Thumbnail
from shared.records.versions import Version
from shared.settings import Settings
from shared.storage.azure import BlobStore
from shared.vision import questions

WITNESS = "azure-functions-runtime-v1 1.2.0"
Json = dict[str, Any]
HISTORIES = sorted((PROJECT_ROOT / "tests/fixtures/histories").glob("*.json"))
SETTINGS = Settings.from_env(ENVIRONMENT)
LETTER, LATE = text_pdf("Dear reader,"), text_pdf("too late")
NOW = "2126-01-01T00:00:00+00:00"  # younger than 48 hours for a long while
PHOTO, SCAN = picture(kind="PNG"), text_pdf("read after all")
CRASH = {"code": "internal_error", "status": 500, "message": "oh", "action": "look", "requestId": None}
# Runs one activity, whatever comes of it.
ASK = """
import azure.durable_functions as df

def run(context):
    asked = context.get_input()
    return (yield context.call_activity(asked["activity"], asked["work"]))

main = df.Orchestrator.create(run)
"""


class Side(Protocol):
    """One way to run the activities, in a world of its own."""

    world: World

    def ask(self, activity: str, work: Json) -> Json:
        """Run an activity; returns its outcome."""


@dataclass
class LocalSide:
    """The local host, whose engine calls the activity."""

    world: World
    host: Host

    def ask(self, activity: str, work: Json) -> Json:
        """Have an orchestration of one call run."""
        outcome: Json = finish(self.host, "Ask", {"activity": activity, "work": work})["output"]
        return outcome


@dataclass
class RealSide:
    """Microsoft's runtime, in which an activity is a function like others; *hub* runs what it hands over."""

    world: World
    runtime: Runtime
    hub: Host

    def ask(self, activity: str, work: Json) -> Json:
        """Invoke the activity."""
        inputs = {"work": work_value(work), **starter(activity, self.hub)}
        outcome = self.runtime.invoke(activity, inputs)
        return returned(outcome)


def of_image(its: World, name: str, content: bytes) -> Job:
    its.upload(names.IMAGES, name, content)
    etag = its.storage.get_blob_client(names.IMAGES, name).get_blob_properties().etag.strip('"')
    return read_job.from_image(Version(name, etag, ImageBytes(content).subject, len(content)), SETTINGS, text_only=True)


def of_bytes(its: World, content: bytes) -> Job:
    return kept(its, read_job.from_request(ImageBytes(content), SETTINGS, {"pages": "1"}), content)


def of_bytes_before(its: World, content: bytes) -> Job:
    """A job that the version before has begun, with its bytes where it has put them."""
    job = read_job.from_request(ImageBytes(content), SETTINGS, {"reading_order": "basic"})
    its.upload(names.INPUTS, names.former_input(job.subject), content)
    return job


def of_url(its: World, address: str) -> Job:
    return kept(its, read_job.from_request(ImageUrl(address), SETTINGS, {}), address.encode())


def of_url_before(address: str) -> Job:
    """A job that the version before has begun: it carries the whole address."""
    return read_job.from_request(ImageUrl(address), SETTINGS, {})._replace(url=address, address="", id="")


def kept(its: World, job: Job, content: bytes) -> Job:
    return inputs.keep(BlobStore(its.azurite.connection_string), job, content)


def play(side: Side) -> dict[str, Any]:
    """Every kind of outcome, in one order; returns each by its name."""
    its, outcomes = side.world, {}

    def ask(name: str, activity: str, job: Job, **more: Any) -> Json:
        outcome = side.ask(activity, read_work(job, **more))
        outcomes[name] = json.loads(its.plain(json.dumps(outcome)))
        return outcome

    letter = of_image(its, "letter.pdf", LETTER)
    ticket = ask("submitted", "OcrSubmit", letter)["ticket"]
    again = ask("submitted again", "OcrSubmit", letter)["ticket"]
    assert again == ticket
    # Patience: a few polls within one activity, until it is done.
    ask("polled", "OcrPoll", letter, ticket=ticket, wait=1.0)
    ask("read by another", "OcrSubmit", of_image(its, "copy.pdf", LETTER))
    ask("stored", "OcrStore", letter, ticket=ticket)
    ask("stored already", "OcrSubmit", letter)
    ask("crash recorded", "OcrStore", of_image(its, "crash.pdf", LETTER), crash=CRASH)
    given = of_bytes(its, LETTER)
    ticket = ask("bytes submitted", "OcrSubmit", given)["ticket"]
    ask("bytes polled", "OcrPoll", given, ticket=ticket, wait=1.0)
    ask("bytes stored", "OcrStore", given, ticket=ticket)
    ask("no image", "OcrSubmit", of_image(its, "notes.txt", b"no image at all"))
    ask("bytes gone", "OcrSubmit", read_job.from_request(ImageBytes(b"gone"), SETTINGS, {}))
    ask("bytes of the version before", "OcrSubmit", of_bytes_before(its, LETTER))
    ask("address without a server", "OcrSubmit", of_url(its, "http://me:hunter2@127.0.0.1:9/a?sig=S3CRETSIG"))
    ask("address of the version before", "OcrSubmit", of_url_before("http://127.0.0.1:9/b?sig=S3CRETSIG"))
    ask("address gone", "OcrSubmit", read_job.from_request(ImageUrl("http://127.0.0.1:9/c"), SETTINGS, {}))
    ask("nothing to store", "OcrStore", of_image(its, "early.pdf", LATE))
    changed = of_image(its, "changed.pdf", LETTER)
    its.upload(names.IMAGES, changed.name, LATE)
    ask("overwritten", "OcrStore", changed)
    ask("edited", "OcrStore", letter._replace(etag="0x1"))
    ask("deleted", "OcrStore", letter._replace(name="gone.pdf"))
    unknown = {"operation": f"{its.vision.url}/vision/v3.2/read/analyzeResults/{'0' * 8}", "submitted": NOW}
    ask("lost", "OcrPoll", letter, ticket=unknown)
    ask("elsewhere", "OcrPoll", letter, ticket={**unknown, "operation": "http://127.0.0.1:9/x/y"})
    _retry(side, outcomes)
    outcomes["compared"] = _compared(side)
    _operate(side, outcomes)
    its.fail({"status": {"401": 1.0}})
    outcomes["retry deferred"] = _retried(side, "late.png", picture(colour="green", kind="PNG"), "analysis")
    ask("refused key", "OcrSubmit", of_image(its, "late.pdf", LATE), failures=2)
    ask("refused key while polling", "OcrPoll", letter, ticket=ticket)
    return outcomes


def _retry(side: Side, outcomes: Json) -> None:
    """What RetryStep does; text that is due is read by an orchestration that it hands over."""
    outcomes["retry done"] = _retried(side, "photo.png", PHOTO, "analysis", "thumbnails")
    outcomes["retry of what is gone"] = _retried(side, "gone.png", None, "analysis")
    outcomes["retry that crashed"] = _retried(side, "crash.png", LETTER[:5], "thumbnails", crash="KeyError: 'x'")
    outcomes["retry with text"] = _retried(side, "scan.pdf", SCAN, "analysis")
    wait_until(side.world.storage.get_blob_client(names.TEXT, names.text("scan.pdf")).exists)


def _retried(side: Side, name: str, content: bytes | None, *steps: str, crash: str | None = None) -> Json:
    if content is not None:
        side.world.upload(names.IMAGES, name, content)
    return side.ask("RetryStep", {"name": name, "steps": steps, "key": "0x1,q", "attempts": 1, "crash": crash})


def _operate(side: Side, outcomes: Json) -> None:
    """What OperationStep makes of a question and of a thumbnail, of bytes, of an image and of what cannot be."""
    its, photo = side.world, ImageBytes(picture(colour="red", kind="PNG"))
    host = BlobStore(its.azurite.connection_string)

    def step(name: str, operation: Operation, end: Json | None = None) -> Json:
        outcome = side.ask("OperationStep", {"job": operation.to_json(), "failures": 0, "end": end})
        outcomes[name] = json.loads(its.plain(json.dumps(outcome)))
        return outcome

    sent = inputs.keep(host, work.of_bytes(photo, questions.describe()), photo.data)
    done = step("operation done", sent)
    assert host.head(names.INPUTS, sent.input_name)
    step("operation done and tidied", sent, done)
    assert host.head(names.INPUTS, sent.input_name) is None
    its.upload(names.IMAGES, "operated.png", photo.data)
    etag = its.storage.get_blob_client(names.IMAGES, "operated.png").get_blob_properties().etag.strip('"')
    named = work.of_bytes(ImageBytes(photo.data, Owner("operated.png", etag)), Thumbnail(60, 60, "center"))
    step("operation on an image", named)
    step("operation on an image that is gone", named._replace(name="gone.png"))
    step("operation without what was sent", sent)
    address = ImageUrl("http://127.0.0.1:9/o?sig=S3CRETSIG")
    kept_address = inputs.keep(host, work.of_address(address, questions.describe()), address.url.encode())
    failed = step("operation on an address without a server", kept_address)
    side.ask("OperationStep", {"job": kept_address.to_json(), "failures": 0, "end": failed})
    its.fail({"status": {"401": 1.0}})
    waits = inputs.keep(host, work.of_bytes(photo, questions.tag()), photo.data)
    step("operation deferred", waits)
    inputs.drop(host, waits)


def _compared(side: Side) -> Json:
    """What ReconcilePage finds in a folder with one image whose event was lost; a report starts nothing."""
    side.world.upload(names.IMAGES, "lost/photo.png", PHOTO)
    plan = {
        "id": "run",
        "by": "request",
        "mode": "report",
        "phases": ["images"],
        "began": NOW,
        "since": "2026-01-01T00:00:00+00:00",
        "until": NOW,
        "images_prefix": "lost/",
        "records_prefix": "",
    }
    work = {"plan": plan, "phase": "images", "continuation": None, "counts": {}, "ended": False, "problem": None}
    return side.ask("ReconcilePage", work)


OPERATED_ADDRESS = "operation on an address without a server"
STATES = {
    "submitted": "submitted",
    "submitted again": "submitted",
    "polled": "read",
    "read by another": "read",
    "stored": "done",
    "stored already": "done",
    "crash recorded": "failed",
    "bytes submitted": "submitted",
    "bytes polled": "read",
    "bytes stored": "done",
    "no image": "failed",
    "bytes gone": "failed",
    "bytes of the version before": "submitted",
    "address without a server": "failed",
    "address of the version before": "failed",
    "address gone": "failed",
    "nothing to store": "again",
    "overwritten": "superseded",
    "edited": "done",
    "deleted": "superseded",
    "lost": "failed",
    "elsewhere": "again",
    "retry done": "ended",
    "retry of what is gone": "ended",
    "retry that crashed": "ended",
    "retry with text": "ended",
    "operation done": "done",
    "operation done and tidied": "done",
    "operation on an image": "done",
    "operation on an image that is gone": "superseded",
    "operation without what was sent": "failed",
    "operation on an address without a server": "failed",
    "operation deferred": "wait",
    "retry deferred": "deferred",
    "refused key": "wait",
    "refused key while polling": "wait",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The durable part of the app, and for the local host an orchestrator that asks single activities."""
    root = deploy(tmp_path_factory.mktemp("durable") / "app", with_binding(*DURABLE))
    write_function(root, "Ask", [{"name": "context", "type": "orchestrationTrigger", "direction": "in"}], ASK)
    return root


@pytest.fixture(scope="module")
def real(app: Path) -> Iterator[RealSide]:
    with (
        world() as its,
        running_host(app, app.parent / "hub-state", environment=its.environment()) as hub,
        running_runtime(app, its.environment()) as runtime,
    ):
        assert runtime.refused == {}
        yield RealSide(its, runtime, hub)


@pytest.fixture(scope="module")
def local(app: Path) -> Iterator[LocalSide]:
    with world() as its, running_host(app, app.parent / "state", environment=its.environment()) as host:
        yield LocalSide(its, host)


@pytest.fixture(scope="module")
def played(local: LocalSide, real: RealSide) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return play(local), play(real)


@pytest.mark.parametrize("name", STATES)
def test_an_activity_answers_as_in_microsofts_runtime(name: str, played: tuple[Json, Json]) -> None:
    local, real = (_without_durations(side[name]) for side in played)
    assert local == real
    assert real["state"] == STATES[name]
    covered(WITNESS, "outcomes of activities", name)


def test_a_page_of_a_comparison_is_as_in_microsofts_runtime(played: tuple[Json, Json]) -> None:
    for side in played:
        assert side["compared"] == {"continuation": None, "counts": {"images": 1, "without_result": 1}}


@pytest.mark.parametrize("name", ["address without a server", "address of the version before", OPERATED_ADDRESS])
def test_an_address_is_opened_there_and_not_told(name: str, played: tuple[Json, Json]) -> None:
    for side in played:
        assert side[name]["problem"]["code"] == "image_url_refused"
        assert "S3CRET" not in json.dumps(side[name])


def test_the_activities_write_the_same_records(played: tuple[Json, Json], local: LocalSide, real: RealSide) -> None:
    assert local.world.records() == real.world.records()
    assert "text/letter.pdf.txt" in real.world.records()


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_an_orchestrator_answers_a_recorded_history_as_in_the_local_hosts_engine(path: Path, real: RealSide) -> None:
    """Of a long history every fifth turn and the last ones, because each is a run from its beginning."""
    recording = json.loads(path.read_text())
    for number, execution in enumerate(recording["executions"]):
        for count, turn in _some(execution["turns"]):
            context = {"context": text_value(context_of(execution, turn))}
            outcome = real.runtime.invoke(orchestrator_of(execution), context)
            expected = {**turn["answer"], "actions": [execution["actions"][: turn["actions"]]]}
            assert returned(outcome) == expected, (number, count)
    covered(WITNESS, "histories of the orchestrators", path.stem)


def _some(turns: list[Json]) -> list[tuple[int, Json]]:
    return [(at, turn) for at, turn in enumerate(turns) if at % 5 == 0 or at < 6 or at > len(turns) - 3]


def test_there_are_histories_of_every_orchestrator() -> None:
    executions = [each for path in HISTORIES for each in json.loads(path.read_text())["executions"]]
    assert {orchestrator_of(each) for each in executions} == with_binding("orchestrationTrigger")
    assert len(HISTORIES) >= 15


def test_every_activity_has_run_in_microsofts_runtime(played: tuple[Json, Json], real: RealSide) -> None:
    orchestrators = {*with_binding("orchestrationTrigger"), "Ask"}
    assert real.runtime.invoked - orchestrators == with_binding("activityTrigger")


def _without_durations(outcome: Json) -> Json:
    """An outcome without what depends on how fast the machine is: how often was asked, and the wait that is left."""
    kept = {name: value for name, value in outcome.items() if name != "polls"}
    return kept if outcome["state"] == "wait" else {name: value for name, value in kept.items() if name != "seconds"}
