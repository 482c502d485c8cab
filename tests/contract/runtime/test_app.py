"""
This very app in Microsoft's runtime and in the local host: the same requests and uploads, the same answers and records.

The app is the package that is deployed, unpacked where nothing of the project lies beside it. The local host plays
once, the runtime on every Python of this machine, with the packages that Azure's build installs and nothing else, and
with the oldest library of the platform.
What differs from run to run is made equal first: addresses, ids, times, ETags.
"""

import base64
import json
import re
import zipfile
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import package
import pytest
from doubles.documented_events import created, deleted, directory_deleted, event, renamed, tier_changed
from doubles.documents import text_pdf
from doubles.function_folders import DURABLE, FOLDERS, deploy, with_binding
from doubles.hosting import PROJECT_ROOT, Host, running_host
from doubles.orchestrator_runs import context_of, orchestrator_of
from doubles.parts import ENVIRONMENT
from doubles.patience import wait_until
from doubles.real_runtime import RUNTIME, Runtime, running_runtime
from doubles.real_runtime_data import text_value
from doubles.real_runtime_sides import (
    Answer,
    LocalSide,
    RealSide,
    Request,
    Side,
    read_work,
    returned,
    starter,
    work_value,
)
from doubles.real_runtime_world import World, world
from doubles.runtime_environments import RuntimeEnvironment, environments
from doubles.storage_events import as_cloud_event
from doubles.vision_calls import picture, sample
from doubles.witness import covered

from local.host.blobs.queue import BlobMessage
from shared.durable import read_job
from shared.images import ImageBytes
from shared.operations import loop as operation_loop
from shared.operations import work as operation_work
from shared.records.versions import Version
from shared.settings import Settings
from shared.vision import questions

WITNESS = "azure-functions-runtime-v1 1.2.0"
OCTETS = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}
ODD_NAME = "sub/Zoë & co.png"
ODD_PATH = "sub/Zo%C3%AB%20%26%20co.png"
LETTER = text_pdf("Dear reader,", "this is a letter.")
UPLOADS = {
    "coffee.jpg": sample("coffee"),
    "letter.pdf": LETTER,
    ODD_NAME: picture(kind="PNG"),
    "notes.txt": b"no image at all",
    "tiny.png": picture(20, 20, kind="PNG"),
    "empty.jpg": b"",
}
LATE = picture(90, 80, colour="green")
RESCUED, LOCKED = "rescued.png", "locked.png"


def given_up(name: str, container: str = "images", *, function: str = "AnalyzeOnUpload", etag: str = '""') -> str:
    return BlobMessage(function, container, name, etag).to_json()


# What the poison queue holds, and whether it comes out of the queue itself.
RESCUES = {
    "an upload": (given_up(RESCUED), False),
    "an upload again, out of the queue": (given_up(RESCUED), True),
    "an upload that was overwritten a moment ago": (given_up(RESCUED, etag='"0x8D"'), False),
    "another container": (given_up("elsewhere.jpg", "inputs"), False),
    "another function": (given_up(RESCUED, function="Other"), False),
    "an image that is gone": (given_up("gone.jpg"), False),
    "junk": ("{no JSON", False),
    "a record that storage does not take": (given_up(LOCKED), False),
}
# What Event Grid tells of other than uploads; none of these images is there when it does.
EVENTS = {
    "a deletion": deleted(ODD_NAME),
    "a deletion again": deleted(ODD_NAME),
    "a deletion of what is there": deleted("coffee.jpg"),
    "what is too large, and gone": created("gone.pdf", 2**30),
    "back from the archive, and gone": tier_changed("gone.jpg", accessTier="Hot", previousTier="Archive"),
    "a rename": renamed("gone.jpg", "gone too.jpg"),
    "a directory": directory_deleted("gone"),
    "a CloudEvent": as_cloud_event(deleted("coffee.jpg")),
    "another type": event("DirectoryCreated", {}),
    "no address": deleted("../coffee.jpg"),
}
RAISED = {
    "an upload that was overwritten a moment ago": "shared.errors.BusyError: "
    f"The image '{RESCUED}' was overwritten a moment ago: its own event comes first.",
    "a record that storage does not take": "shared.errors.BusyError: "
    f"The record unfinished/analysis/{LOCKED}.json is written by others again and again.",
}
BILL, NEVER = text_pdf("42 EUR"), text_pdf("never read")
SETTINGS = Settings.from_env(ENVIRONMENT)
# A Read's id is a digest of its document and its parameters.
BILL_ID = read_job.from_request(ImageBytes(BILL), SETTINGS, {}).instance_id
NEVER_ID = read_job.from_request(ImageBytes(NEVER), SETTINGS, {}).instance_id
UNKNOWN_ID = f"ocr-{'0' * 40}"
UNKNOWN_OPERATION = f"op-{'0' * 40}"
READ_ID = re.compile(r"ocr-[0-9a-f]{40}")
GONE = read_job.from_request(ImageBytes(b"gone"), SETTINGS, {})
DELETED = read_job.from_image(
    Version("gone.pdf", '"0x1"', ImageBytes(LETTER).subject, len(LETTER)), SETTINGS, text_only=True
)
GONE_OPERATION = operation_work.of_bytes(ImageBytes(b"gone"), questions.describe()).with_input("0" * 32)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
STRANGE = {"operation": "http://127.0.0.1:9/x/y", "submitted": "2126-01-01T00:00:00+00:00"}
# A page of the reconciliation: no image has a name that begins so.
PAGE = {
    "plan": {
        "id": "0123456789abcdef",
        "by": "timer",
        "mode": "repair",
        "phases": ["images"],
        "began": "2026-01-01T00:00:00+00:00",
        "since": "2026-01-01T00:00:00+00:00",
        "until": "2026-01-01T00:00:00+00:00",
        "images_prefix": "none/",
        "records_prefix": "none/",
    },
    "phase": "images",
    "continuation": None,
    "counts": {},
    "ended": False,
    "problem": None,
}
# One thing that each activity can be given to do without a service, and the state that it answers, or its answer.
WORK: Mapping[str, tuple[Mapping[str, Any], Any]] = {
    "OcrSubmit": (read_work(GONE), "failed"),
    "OcrPoll": (read_work(GONE, ticket=STRANGE), "again"),
    "OcrStore": (read_work(DELETED, ticket=STRANGE), "superseded"),
    "OperationStep": (operation_loop.work_of(operation_loop.begin(GONE_OPERATION.to_json(), EPOCH)), "failed"),
    "RetryStep": ({"name": "gone.png", "steps": ["analysis"], "key": "0x1,q", "attempts": 1, "crash": None}, "ended"),
    "ReconcilePage": (PAGE, {"continuation": None, "counts": {}}),
}
HISTORIES = sorted((PROJECT_ROOT / "tests/fixtures/histories").glob("*.json"))
# How often a Read is polled is a matter of how fast the machine is.
POLLS = "readResult"


def analyze(body: bytes, query: str = "", **headers: str) -> Request:
    return Request("AnalyzeHttp", "POST", f"/api/analyze{query}", body, OCTETS | headers)


def given(function: str, route: str, content: object) -> Request:
    return Request(function, "POST", f"/api/{route}", json.dumps(content).encode(), JSON)


def thumbnail(method: str, path: str, name: str | None, **headers: str) -> Request:
    route = {} if name is None else {"name": name}
    return Request("ThumbnailHttp", method, f"/api/thumbnail{path}", headers=headers, route=route)


def unfinished(method: str, action: str = "", content: object = None, query: str = "") -> Request:
    body = b"" if content is None else json.dumps(content).encode()
    path = f"/api/unfinished/{action}" if action else "/api/unfinished"
    return Request("UnfinishedHttp", method, path + query, body, JSON, {"action": action} if action else {})


def search(method: str, query: str = "", action: str = "", body: bytes = b"") -> Request:
    path = f"/api/search/{action}" if action else "/api/search"
    return Request("SearchHttp", method, path + query, body, route={"action": action} if action else {})


def images(path: str, name: str | None = None) -> Request:
    return Request("ImagesHttp", "GET", f"/api/images{path}", route={} if name is None else {"name": name})


def written(method: str, path: str, name: str | None, body: bytes = b"", **headers: str) -> Request:
    route = {} if name is None else {"name": name}
    return Request("ImagesHttp", method, f"/api/images{path}", body, OCTETS | headers, route)


def correction(method: str, path: str, name: str | None, content: object = None, **headers: str) -> Request:
    body = b"" if content is None else json.dumps(content).encode()
    route = {} if name is None else {"name": name}
    return Request("CorrectionsHttp", method, f"/api/corrections{path}", body, JSON | headers, route)


def ocr(method: str, identifier: str = "", query: str = "", body: bytes = b"") -> Request:
    path = f"/api/ocr/{identifier}" if identifier else "/api/ocr"
    route = {"id": identifier} if identifier else {}
    return Request("OcrHttp", method, f"{path}{query}", body, OCTETS if body else {}, route)


def skill(name: str, *inputs: object, query: str = "") -> Request:
    values = [{"recordId": str(number), "data": data} for number, data in enumerate(inputs)]
    body = json.dumps({"values": values}).encode()
    return Request("SkillsHttp", "POST", f"/api/skills/{name}{query}", body, JSON, {"skill": name})


def operation(instance_id: str) -> Request:
    return Request("OperationsHttp", "GET", f"/api/operations/{instance_id}", route={"id": instance_id})


def as_file(data: bytes) -> dict[str, object]:
    return {"image": {"$type": "file", "data": base64.b64encode(data).decode()}}


REQUESTS = {
    "analyze bytes": analyze(sample("chelsea")),
    "analyze bytes again": analyze(sample("chelsea")),
    "analyze for some features": analyze(picture(), "?visualFeatures=Tags,Color,Faces&language=en"),
    "analyze a blob": given("AnalyzeHttp", "analyze", {"blob": "coffee.jpg"}),
    "analyze a blob by an odd name": given("AnalyzeHttp", "analyze", {"blob": ODD_NAME}),
    "analyze a blob that is missing": given("AnalyzeHttp", "analyze", {"blob": "nothing.jpg"}),
    "analyze a blob outside": given("AnalyzeHttp", "analyze", {"blob": "../cache/x"}),
    "analyze a URL that nobody serves": given("AnalyzeHttp", "analyze", {"url": "http://127.0.0.1:9/x.jpg"}),
    "analyze a URL of a private host": given("AnalyzeHttp", "analyze", {"url": "https://0xa9fea9fe/metadata?sig=s"}),
    "analyze a URL that is none": given("AnalyzeHttp", "analyze", {"url": "ftp://x"}),
    "analyze nothing": analyze(b""),
    "analyze a chunked body": Request("AnalyzeHttp", "POST", "/api/analyze", headers={"Transfer-Encoding": "chunked"}),
    "analyze text": analyze(b"no image at all"),
    "analyze too small an image": analyze(picture(20, 20)),
    "analyze broken JSON": Request("AnalyzeHttp", "POST", "/api/analyze", b"{", JSON),
    "analyze for an unknown feature": analyze(picture(), "?visualFeatures=Smell"),
    "analyze with a misspelt parameter": analyze(picture(), "?visualfeature=Tags"),
    "analyze with an empty parameter": analyze(picture(), "?language=&visualFeatures=Tags"),
    "analyze with a repeated parameter": analyze(picture(), "?visualFeatures=Tags,Color&visualFeatures=Faces"),
    "describe bytes": Request("DescribeHttp", "POST", "/api/describe?maxCandidates=3", sample("rocket"), OCTETS),
    "describe with no number": Request("DescribeHttp", "POST", "/api/describe?maxCandidates=x", picture(), OCTETS),
    "domains": Request("DomainsHttp", "GET", "/api/domains"),
    "domain": Request("DomainsHttp", "POST", "/api/domains/landmarks", picture(), OCTETS, {"model": "landmarks"}),
    "domain unknown": Request("DomainsHttp", "POST", "/api/domains/cats", picture(), OCTETS, {"model": "cats"}),
    "domain unnamed": Request("DomainsHttp", "POST", "/api/domains/", picture(), OCTETS),
    "thumbnail": thumbnail("GET", "/coffee.jpg?width=100&height=80", "coffee.jpg"),
    "thumbnail again": thumbnail("GET", "/coffee.jpg?width=100&height=80", "coffee.jpg"),
    "thumbnail known": thumbnail("GET", "/coffee.jpg?width=100&height=80", "coffee.jpg", **{"If-None-Match": "*"}),
    "thumbnail head": thumbnail("HEAD", "/coffee.jpg?width=100&height=80", "coffee.jpg"),
    "thumbnail by query": thumbnail("GET", "?name=coffee.jpg&width=60&height=60&smartCropping=false", None),
    "thumbnail of an odd name": thumbnail("GET", f"/{ODD_PATH}?width=50&height=50", ODD_NAME),
    "thumbnail of bytes": Request("ThumbnailHttp", "POST", "/api/thumbnail?width=70&height=70", picture(), OCTETS),
    "thumbnail of no size": thumbnail("GET", "/coffee.jpg", "coffee.jpg"),
    "thumbnail too large": thumbnail("GET", "/coffee.jpg?width=5000&height=80", "coffee.jpg"),
    "thumbnail of nothing": thumbnail("GET", "?width=100&height=80", None),
    "thumbnail of a missing image": thumbnail("GET", "/nothing.jpg?width=100&height=80", "nothing.jpg"),
    "images": images(""),
    "images by page": images("?limit=1"),
    "images by prefix": images("/?prefix=sub/"),
    "images of no number": images("?limit=many"),
    "images in numbers": images("?summary=true"),
    "images since a time of no zone": images("?since=2026-01-01T00:00:00"),
    "images since a time ahead": images("?since=9999-01-01T00:00:00%2B01:00&limit=3"),
    "image": images("/coffee.jpg", "coffee.jpg"),
    "image that is waited for": images("/coffee.jpg?wait=true", "coffee.jpg"),
    "image that is explained": images("/coffee.jpg?explain=true", "coffee.jpg"),
    "image by an odd name": images(f"/{ODD_PATH}", ODD_NAME),
    "image that failed": images("/notes.txt", "notes.txt"),
    "image that is missing": images("/nothing.jpg", "nothing.jpg"),
    "image that is a document": images("/letter.pdf", "letter.pdf"),
    "image stored": written("PUT", f"/{ODD_PATH}%201", f"{ODD_NAME} 1", picture(), **{"If-None-Match": "*"}),
    "image stored again": written("PUT", f"/{ODD_PATH}%201", f"{ODD_NAME} 1", picture(), **{"If-None-Match": "*"}),
    "image stored by query": written("PUT", "?name=sub%2Fnew.jpg", None, picture(), **{"Content-Type": "image/jpeg"}),
    "image stored in its place": written("PUT", "?name=sub%2Fnew.jpg", None, picture(60, 60)),
    "image that is nothing": written("PUT", "/new.jpg", "new.jpg"),
    "image of no name": written("PUT", "", None, picture()),
    "image of another version deleted": written("DELETE", "/sub/new.jpg", "sub/new.jpg", **{"If-Match": '"0x0"'}),
    "image deleted": written("DELETE", "/sub/new.jpg", "sub/new.jpg"),
    "image deleted again": written("DELETE", "/sub/new.jpg", "sub/new.jpg"),
    "image deleted with a body": written("DELETE", f"/{ODD_PATH}%201", f"{ODD_NAME} 1", b"x"),
    "correction that is missing": correction("GET", "/coffee.jpg", "coffee.jpg"),
    "correction": correction("PUT", "/coffee.jpg", "coffee.jpg", {"caption": "Mine", "focal": [0.5, 0.25]}),
    "correction of an odd name": correction("PUT", f"/{ODD_PATH}", ODD_NAME, {"tags": {"added": ["odd"]}}),
    "correction once more": correction("PUT", "/coffee.jpg", "coffee.jpg", {"alt": "x"}, **{"If-None-Match": "*"}),
    "correction told": correction("GET", "?name=coffee.jpg", None),
    "correction of nothing": correction("PUT", "/coffee.jpg", "coffee.jpg", {}),
    "correction of another version": correction("DELETE", "/coffee.jpg", "coffee.jpg", **{"If-Match": '"0x0"'}),
    "correction taken back": correction("DELETE", "/coffee.jpg", "coffee.jpg"),
    "correction of a missing image": correction("GET", "/nothing.jpg", "nothing.jpg"),
    "ocr bytes": ocr("POST", body=BILL, query="?code=a%26b&format=txt"),
    "ocr is done": ocr("GET", BILL_ID),
    "ocr as text": ocr("GET", BILL_ID, "?format=txt"),
    "ocr cancelled too late": ocr("DELETE", BILL_ID),
    "ocr bytes that were read": ocr("POST", body=BILL),
    "ocr the bytes of an upload": ocr("POST", body=LETTER),
    "ocr a blob that was read": given("OcrHttp", "ocr", {"blob": "letter.pdf"}),
    "ocr a blob that is no image": given("OcrHttp", "ocr", {"blob": "notes.txt"}),
    "ocr a blob that is missing": given("OcrHttp", "ocr", {"blob": "nothing.pdf"}),
    "ocr a blob outside": given("OcrHttp", "ocr", {"blob": "../cache/x"}),
    "ocr nothing": ocr("POST"),
    "ocr text": ocr("POST", body=b"no image at all"),
    "ocr a GIF": ocr("POST", body=picture(kind="GIF")),
    "ocr too small an image": ocr("POST", body=picture(49, 49)),
    "ocr in no language": ocr("POST", body=BILL, query="?language=German"),
    "ocr no pages": ocr("POST", body=BILL, query="?pages=one"),
    "ocr in no order": ocr("POST", body=BILL, query="?readingOrder=random"),
    "ocr by no model": ocr("POST", body=BILL, query="?model-version=newest"),
    "ocr in no format": ocr("POST", body=BILL, query="?format=pdf"),
    "ocr with a misspelt parameter": ocr("POST", body=BILL, query="?lang=de"),
    "ocr posted with an id": ocr("POST", BILL_ID, body=BILL),
    "ocr without an id": ocr("GET"),
    "ocr unknown": ocr("GET", UNKNOWN_ID),
    "ocr unknown cancelled": ocr("DELETE", UNKNOWN_ID),
    "ocr of no id": ocr("GET", "x"),
    "search for nothing that is there": search("GET", "?q=zeppelinfahrt&sort=date&limit=3"),
    "search in no order": search("GET", "?sort=size"),
    "search for an impossible state": search("GET", "?q=is:lost"),
    "search of another action": search("GET", action="forget"),
    "rebuild with a body": search("POST", action="rebuild", body=b"x"),
    "unfinished": unfinished("GET"),
    "unfinished by code": unfinished("GET", query="?code=not_an_image&limit=1"),
    "unfinished in no state": unfinished("GET", query="?state=lost"),
    "unfinished of another action": unfinished("GET", "forget"),
    "retry of nothing": unfinished("POST", "retry", {"name": "coffee.jpg"}),
    "reconcile with a body": unfinished("POST", "reconcile", {"all": True}),
    "retry of what is unclear": unfinished("POST", "retry", {"all": False}),
    "skill": skill("describe", as_file(picture(64, 64)), {"name": "coffee.jpg"}, {"name": "nothing.jpg"}, {}),
    "skill again": skill("describe", as_file(picture(64, 64)), query="?timeoutSeconds=230"),
    "skill of more": skill("analyze", as_file(picture(64, 64)), query="?visualFeatures=Color,Faces"),
    "skill that reads": skill("read", as_file(LETTER), as_file(b"no image at all")),
    "skill in no time": skill("describe", query="?timeoutSeconds=0"),
    "skill that is none": skill("translate"),
    "skill of no batch": replace(skill("describe"), body=b"[1]"),
    "operation unknown": operation(UNKNOWN_OPERATION),
    "operation of no id": operation("x"),
    "page": Request("GalleryHttp", "GET", "/api/gallery"),
    "page's file that is missing": Request("GalleryHttp", "GET", "/api/gallery/x.js", route={"file": "x.js"}),
    "page's session": Request("GalleryHttp", "GET", "/api/gallery/data/session", route={"file": "data/session"}),
    "page's search by a stranger": Request(
        "GalleryHttp", "GET", "/api/gallery/data/search", route={"file": "data/search"}
    ),
    "contract": Request("OpenApiHttp", "GET", "/api/openapi.json"),
    "contract with a parameter": Request("OpenApiHttp", "GET", "/api/openapi.json?version=2"),
    "health": Request("HealthHttp", "GET", "/api/health"),
    "health with a parameter": Request("HealthHttp", "GET", "/api/health?verbose=1"),
}


@dataclass(frozen=True)
class Played:
    """What one side did."""

    answers: Mapping[str, Answer]
    cancelled: Mapping[str, Answer]
    refused: Answer
    raised: Mapping[str, str | None]
    rescued: Mapping[str, str | None]
    notified: Mapping[str, str | None]
    paid: Mapping[str, Any]
    records: Mapping[str, Any]
    invoked: frozenset[str] = frozenset()
    durable: Mapping[str, Any] = field(default_factory=dict)


def play(side: Side, its: World) -> Played:
    """Run everything, in one order."""
    raised = {}
    for name, content in UPLOADS.items():
        its.upload("images", name, content)
        raised[name] = side.deliver("images", name, content)
    its.upload("inputs", "elsewhere.jpg", LATE)
    raised["elsewhere"] = side.deliver("inputs", "elsewhere.jpg", LATE)
    _read(side, images("/letter.pdf", "letter.pdf"))
    answers = {name: _asked(side, its, name, request) for name, request in REQUESTS.items()}
    cancelled = _cancel(side, its)
    raised["PurgeHistory"] = side.tick("PurgeHistory")
    its.fail({"status": {"401": 1.0}})
    its.upload("images", "late.jpg", LATE)
    raised["late.jpg"] = side.deliver("images", "late.jpg", LATE)
    refused = _asked(side, its, "refused", analyze(LATE))
    paid = {name: counted for name, counted in its.paid().items() if name != POLLS}
    rescued = _rescue(side, its)
    notified = _notify(side, its)
    records = its.records()
    # At the very end: they begin a comparison, which goes on beside.
    raised["Housekeeping"] = side.tick("Housekeeping")
    raised["FoldIndex"] = side.tick("FoldIndex")
    return Played(answers, cancelled, refused, raised, rescued, notified, paid, records)


def _rescue(side: Side, its: World) -> dict[str, str | None]:
    """Tell of uploads that were given up; at the end, because they are tried again a minute later."""
    for name in (RESCUED, LOCKED):
        its.upload("images", name, picture(kind="PNG"))
    its.upload("unfinished", f"analysis/{LOCKED}.json", b"{}")
    its.storage.get_blob_client("unfinished", f"analysis/{LOCKED}.json").acquire_lease()
    ended = {name: side.rescue(message, queued=queued) for name, (message, queued) in RESCUES.items()}
    return {name: error and its.plain(error) for name, error in ended.items()}


def _notify(side: Side, its: World) -> dict[str, str | None]:
    """Tell of what happened to images beside uploads."""
    its.storage.get_blob_client("images", ODD_NAME).delete_blob()
    return {name: side.notify(each) for name, each in EVENTS.items()}


def _read(side: Side, request: Request) -> None:
    """Wait until the text of an upload is read."""
    wait_until(lambda: json.loads(side.ask(request).body)["state"] != "pending")


def _cancel(side: Side, its: World) -> dict[str, Answer]:
    """Cancel a Read that the service does not finish."""
    its.fail({"read_seconds": 300})
    polls = its.paid().get(POLLS)
    started = _asked(side, its, "start", ocr("POST", body=NEVER))
    # What a Read leaves that is cancelled while it is submitted depends on which of the two is faster.
    wait_until(lambda: its.paid().get(POLLS) != polls)
    steps = {"cancel": ocr("DELETE", NEVER_ID), "report": ocr("GET", NEVER_ID)}
    return {"start": started, **{name: _asked(side, its, name, request) for name, request in steps.items()}}


def _asked(side: Side, its: World, name: str, request: Request) -> Answer:
    """Ask, in the case of a Read's report until it is not under way any more."""
    marked = _marked(name, request)
    if request.function == "OcrHttp" and request.method == "GET":
        wait_until(lambda: side.ask(marked).status != 202)
    return _plain(side.ask(marked), its, side.base)


def _marked(name: str, request: Request) -> Request:
    headers = {"X-Correlation-Id": name.replace(" ", "-"), **request.headers}
    return Request(request.function, request.method, request.target, request.body, headers, request.route)


def _plain(answer: Answer, its: World, base: str) -> Answer:
    def plain(text: str) -> str:
        return READ_ID.sub("<read>", its.plain(text).replace(base, "<app>"))

    headers = {name: plain(value) for name, value in answer.headers.items()}
    is_text = "json" in headers.get("content-type", "")
    return Answer(answer.status, headers, plain(answer.body.decode()).encode() if is_text else answer.body)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, unpacked; with uncommitted changes to files that git tracks."""
    folder = tmp_path_factory.mktemp("deployed")
    package.write(folder / "app.zip", package.files(), package.committed_at())
    with zipfile.ZipFile(folder / "app.zip") as packed:
        packed.extractall(folder / "app")
    for path in (folder / "app").glob("*/function.json"):
        # A timer that came in the middle on one side alone would tell the index more there.
        path.write_text(re.sub(r'("schedule": ")[^"]*', r"\g<1>0 0 0 29 2 *", path.read_text()))
    return folder / "app"


@pytest.fixture(scope="module")
def hub(app: Path) -> Path:
    """What of the app a task hub runs: its orchestrators and their activities."""
    return deploy(app.parent / "hub", with_binding(*DURABLE))


@pytest.fixture(scope="module", params=environments(), ids=str)
def environment(request: pytest.FixtureRequest) -> RuntimeEnvironment:
    """Where Microsoft's runtime runs."""
    chosen: RuntimeEnvironment = request.param
    return chosen


@pytest.fixture(scope="module")
def playing(app: Path, hub: Path, request: pytest.FixtureRequest) -> Mapping[RuntimeEnvironment | None, Future[Played]]:
    """The local host's side under None, then the runtime's; two play at the same time, apart from each other."""
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    chosen = {item.callspec.params.get("environment") for item in here}
    with ThreadPoolExecutor(2) as pool:
        sides: dict[RuntimeEnvironment | None, Future[Played]] = {None: pool.submit(_play_locally, app)}
        sides |= {on: pool.submit(_play_really, app, hub, on) for on in environments() if on in chosen}
        try:
            # Before the first test: between two, pytest changes the environment, which these threads may be reading.
            wait(sides.values())
        finally:
            pool.shutdown(cancel_futures=True)
    return sides


@pytest.fixture(scope="module")
def played(
    playing: Mapping[RuntimeEnvironment | None, Future[Played]], environment: RuntimeEnvironment
) -> tuple[Played, Played]:
    """The local host's side and the runtime's in one environment."""
    return playing[None].result(), playing[environment].result()


def _play_locally(app: Path) -> Played:
    with world() as its, running_host(app, app.parent / "state", environment=its.environment()) as host:
        return play(LocalSide(its, host), its)


def _play_really(app: Path, hub: Path, on: RuntimeEnvironment) -> Played:
    with (
        world() as its,
        running_host(hub, app.parent / f"hub-state of {on}", environment=its.environment()) as tasks,
        running_runtime(app, its.environment(), on) as runtime,
    ):
        assert runtime.refused == {}
        done = play(RealSide(its, runtime, tasks), its)
        durable = {**_work_once(runtime, tasks), **_turn_once(runtime)}
        return replace(done, invoked=frozenset(runtime.invoked), durable=durable)


def _work_once(runtime: Runtime, hub: Host) -> dict[str, Any]:
    """Give each activity one thing to do; returns the state that it answers, or all if it answers none."""
    inputs = {name: {"work": work_value(work), **starter(name, hub)} for name, (work, _) in WORK.items()}
    answers = {name: returned(runtime.invoke(name, given)) for name, given in inputs.items()}
    return {name: answer.get("state", answer) for name, answer in answers.items()}


def _first_turns() -> dict[str, tuple[str, list[Any]]]:
    """For each orchestrator, the context of the first turn of a recorded history, and the actions that it answered."""
    found = {}
    for path in HISTORIES:
        execution = json.loads(path.read_text())["executions"][0]
        turn = execution["turns"][0]
        found[orchestrator_of(execution)] = (context_of(execution, turn), [execution["actions"][: turn["actions"]]])
    return found


def _turn_once(runtime: Runtime) -> dict[str, Any]:
    """Have each orchestrator take its first turn; returns the actions that it answers."""
    turns = {name: {"context": text_value(context)} for name, (context, _) in _first_turns().items()}
    return {name: returned(runtime.invoke(name, given))["actions"] for name, given in turns.items()}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_as_by_microsofts_runtime(name: str, played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.answers[name] == real.answers[name]
    covered(WITNESS, "HTTP requests", name)


def test_the_requests_bring_answers_of_every_kind(played: tuple[Played, Played]) -> None:
    expected = {200, 201, 202, 304, 400, 401, 404, 409, 411, 412}
    assert {answer.status for answer in played[1].answers.values()} == expected


@pytest.mark.parametrize(("step", "status"), [("start", 202), ("cancel", 202), ("report", 410)])
def test_a_read_is_cancelled_as_by_microsofts_runtime(step: str, status: int, played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.cancelled[step] == real.cancelled[step]
    assert real.cancelled[step].status == status
    covered(WITNESS, "HTTP requests", f"cancel: {step}")


def test_every_folder_of_the_app_loads_in_microsofts_runtime(app: Path, environment: RuntimeEnvironment) -> None:
    with running_runtime(app, on=environment) as runtime:
        assert (list(runtime.loaded), runtime.refused) == (FOLDERS, {})
        assert runtime.versions["python"].startswith(f"{environment.version}.")
        places = [environment.front, environment.packages, RUNTIME, app]
        beside = {Path(each) for each in runtime.path} - {place and place.resolve() for place in places}
        assert {place for place in beside if place.is_dir() and not is_of_python(place)} == set()
        assert (runtime.versions["azure-functions"] == "1.22.1") is (environment.front is not None)
    for folder in FOLDERS:
        covered(WITNESS, "folders of this app", folder)


def is_of_python(place: Path) -> bool:
    """Whether it is of a standard library, which has no packages."""
    return (
        "site-packages" not in place.parts
        and "dist-packages" not in place.parts
        and ((place / "asyncio").is_dir() or place.name == "lib-dynload")
    )


def test_every_function_has_answered_in_microsofts_runtime(played: tuple[Played, Played]) -> None:
    silent = {*FOLDERS} - played[1].invoked
    assert not silent, f"nothing above runs {silent}: add a request to REQUESTS, or what else starts it"
    assert played[1].invoked == {*FOLDERS}


def test_the_durable_functions_answer_in_microsofts_runtime(played: tuple[Played, Played]) -> None:
    """One of each; `test_durable.py` has all that they can answer."""
    expected = {name: state for name, (_, state) in WORK.items()}
    expected |= {name: actions for name, (_, actions) in _first_turns().items()}
    assert played[1].durable == expected
    assert expected.keys() == with_binding(*DURABLE)


@pytest.mark.parametrize("name", [*UPLOADS, "elsewhere", "late.jpg"])
def test_an_upload_ends_as_in_microsofts_runtime(name: str, played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.raised[name] == real.raised[name]
    assert real.raised[name] is None
    covered(WITNESS, "uploads", name)


@pytest.mark.parametrize("name", RESCUES)
def test_a_rescue_ends_as_in_microsofts_runtime(name: str, played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.rescued[name] == real.rescued[name]
    assert real.rescued[name] == RAISED.get(name)
    covered(WITNESS, "rescues", name)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_ends_as_in_microsofts_runtime(name: str, played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.notified[name] == real.notified[name]
    assert real.notified[name] is None
    covered(WITNESS, "other events", name)


def test_the_records_of_a_deleted_image_are_gone_on_both_sides(played: tuple[Played, Played]) -> None:
    for side in played:
        assert not [name for name in side.records if ODD_NAME in name]
        assert [name for name in side.records if name.startswith("analysis/coffee.jpg")]


@pytest.mark.parametrize("name", ["PurgeHistory", "Housekeeping", "FoldIndex"])
def test_a_timer_ends_as_in_microsofts_runtime(name: str, played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.raised[name] is None
    assert real.raised[name] is None
    covered(WITNESS, "timers", name)


def test_an_outage_is_told_alike(played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.refused == real.refused
    assert real.refused.status == 502
    covered(WITNESS, "HTTP requests", "outage")


def test_the_same_records_are_written(played: tuple[Played, Played]) -> None:
    local, real = played
    assert list(local.records) == list(real.records)
    expected = {
        "analysis/coffee.jpg.json",
        "text/letter.pdf.json",
        "text/letter.pdf.txt",
        "unfinished/analysis/late.jpg.json",
        f"unfinished/analysis/{RESCUED}.json",
        f"unfinished/thumbnails/{RESCUED}.json",
    }
    assert expected <= set(real.records)
    for name, record in local.records.items():
        assert record == real.records[name], name
        covered(WITNESS, "records", name)


def test_the_same_calls_are_paid(played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.paid == real.paid
    assert {"analyze", "describe", "areaOfInterest", "read"} <= set(real.paid)
