"""
This very app in Microsoft's runtime and in the local host: the same requests and uploads, the same answers and records.

What differs from run to run is made equal first: addresses, ids, times, ETags.
"""

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from doubles.hosting import PROJECT_ROOT, running_host
from doubles.real_runtime import running_runtime
from doubles.real_runtime_sides import Answer, LocalSide, RealSide, Request, Side
from doubles.real_runtime_world import World, world
from doubles.vision_calls import picture, sample
from doubles.witness import covered

WITNESS = "azure-functions-runtime-v1 1.2.0"
FOLDERS = sorted(path.parent.name for path in PROJECT_ROOT.glob("*/function.json"))
OCTETS = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}
ODD_NAME = "sub/Zoë & co.png"
ODD_PATH = "sub/Zo%C3%AB%20%26%20co.png"
UPLOADS = {
    "coffee.jpg": sample("coffee"),
    ODD_NAME: picture(kind="PNG"),
    "notes.txt": b"no image at all",
    "tiny.png": picture(20, 20, kind="PNG"),
    "empty.jpg": b"",
}
LATE = picture(90, 80, colour="green")


def analyze(body: bytes, query: str = "", **headers: str) -> Request:
    return Request("AnalyzeHttp", "POST", f"/api/analyze{query}", body, OCTETS | headers)


def given(function: str, route: str, content: object) -> Request:
    return Request(function, "POST", f"/api/{route}", json.dumps(content).encode(), JSON)


def thumbnail(method: str, path: str, name: str | None, **headers: str) -> Request:
    route = {} if name is None else {"name": name}
    return Request("ThumbnailHttp", method, f"/api/thumbnail{path}", headers=headers, route=route)


def images(path: str, name: str | None = None) -> Request:
    return Request("ImagesHttp", "GET", f"/api/images{path}", route={} if name is None else {"name": name})


REQUESTS = {
    "analyze bytes": analyze(sample("chelsea")),
    "analyze bytes again": analyze(sample("chelsea")),
    "analyze for some features": analyze(picture(), "?visualFeatures=Tags,Color,Faces&language=en"),
    "analyze a blob": given("AnalyzeHttp", "analyze", {"blob": "coffee.jpg"}),
    "analyze a blob by an odd name": given("AnalyzeHttp", "analyze", {"blob": ODD_NAME}),
    "analyze a blob that is missing": given("AnalyzeHttp", "analyze", {"blob": "nothing.jpg"}),
    "analyze a blob outside": given("AnalyzeHttp", "analyze", {"blob": "../cache/x"}),
    "analyze a URL that nobody serves": given("AnalyzeHttp", "analyze", {"url": "http://127.0.0.1:9/x.jpg"}),
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
    "image": images("/coffee.jpg", "coffee.jpg"),
    "image by an odd name": images(f"/{ODD_PATH}", ODD_NAME),
    "image that failed": images("/notes.txt", "notes.txt"),
    "image that is missing": images("/nothing.jpg", "nothing.jpg"),
    "health": Request("HealthHttp", "GET", "/api/health"),
    "health with a parameter": Request("HealthHttp", "GET", "/api/health?verbose=1"),
}


@dataclass(frozen=True)
class Played:
    """What one side did."""

    answers: Mapping[str, Answer]
    refused: Answer
    raised: Mapping[str, str | None]
    paid: Mapping[str, Any]
    records: Mapping[str, Any]


def play(side: Side, its: World) -> Played:
    """Run everything, in one order."""
    raised = {}
    for name, content in UPLOADS.items():
        its.upload("images", name, content)
        raised[name] = side.deliver("images", name, content)
    its.upload("inputs", "elsewhere.jpg", LATE)
    raised["elsewhere"] = side.deliver("inputs", "elsewhere.jpg", LATE)
    answers = {name: _plain(side.ask(_marked(name, request)), its) for name, request in REQUESTS.items()}
    its.fail({"status": {"401": 1.0}})
    its.upload("images", "late.jpg", LATE)
    raised["late.jpg"] = side.deliver("images", "late.jpg", LATE)
    refused = _plain(side.ask(analyze(LATE, **{"X-Correlation-Id": "refused"})), its)
    return Played(answers, refused, raised, its.paid(), its.records())


def _marked(name: str, request: Request) -> Request:
    headers = {"X-Correlation-Id": name.replace(" ", "-"), **request.headers}
    return Request(request.function, request.method, request.target, request.body, headers, request.route)


def _plain(answer: Answer, its: World) -> Answer:
    headers = {name: its.plain(value) for name, value in answer.headers.items()}
    is_text = "json" in headers.get("content-type", "")
    return Answer(answer.status, headers, its.plain(answer.body.decode()).encode() if is_text else answer.body)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app as it is deployed: without tests, local stack and local.settings.json."""
    root = tmp_path_factory.mktemp("deployed") / "app"
    for folder in [*FOLDERS, "shared"]:
        shutil.copytree(PROJECT_ROOT / folder, root / folder)
    shutil.copy2(PROJECT_ROOT / "host.json", root)
    return root


@pytest.fixture(scope="module")
def played(app: Path) -> tuple[Played, Played]:
    """The local host's side, then the runtime's; they run at the same time and apart from each other."""
    with ThreadPoolExecutor() as pool:
        local, real = pool.submit(_play_locally, app), pool.submit(_play_really, app)
        return local.result(), real.result()


def _play_locally(app: Path) -> Played:
    with world() as its, running_host(app, app.parent / "state", environment=its.environment()) as host:
        return play(LocalSide(its, host), its)


def _play_really(app: Path) -> Played:
    with world() as its, running_runtime(app, its.environment()) as runtime:
        assert runtime.refused == {}
        return play(RealSide(its, runtime), its)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_as_by_microsofts_runtime(name: str, played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.answers[name] == real.answers[name]
    covered(WITNESS, "HTTP requests", name)


def test_the_requests_bring_answers_of_every_kind(played: tuple[Played, Played]) -> None:
    assert {answer.status for answer in played[1].answers.values()} == {200, 304, 400, 404, 411}


def test_every_folder_of_the_app_loads_in_microsofts_runtime(app: Path) -> None:
    with running_runtime(app) as runtime:
        assert (list(runtime.loaded), runtime.refused) == (FOLDERS, {})
    for folder in FOLDERS:
        covered(WITNESS, "folders of this app", folder)


def test_every_function_of_http_alone_is_asked() -> None:
    """Those with other bindings need more of a host than Microsoft's runtime is given here."""
    alone = {folder for folder in FOLDERS if _types(folder) == {"httpTrigger", "http"}}
    assert alone == {request.function for request in REQUESTS.values()}


def _types(folder: str) -> set[str]:
    config = json.loads((PROJECT_ROOT / folder / "function.json").read_text())
    return {binding["type"] for binding in config["bindings"]}


@pytest.mark.parametrize("name", [*UPLOADS, "elsewhere", "late.jpg"])
def test_an_upload_ends_as_in_microsofts_runtime(name: str, played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.raised[name] == real.raised[name]
    assert (real.raised[name] is None) == (name != "late.jpg")
    covered(WITNESS, "uploads", name)


def test_an_outage_is_told_alike(played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.refused == real.refused
    assert real.refused.status == 502
    covered(WITNESS, "HTTP requests", "outage")


def test_the_same_records_are_written(played: tuple[Played, Played]) -> None:
    local, real = played
    assert list(local.records) == list(real.records)
    assert "analysis/coffee.jpg.json" in real.records
    for name, record in local.records.items():
        assert record == real.records[name], name
        covered(WITNESS, "records", name)


def test_the_same_calls_are_paid(played: tuple[Played, Played]) -> None:
    local, real = played
    assert local.paid == real.paid
    assert {"analyze", "describe", "generateThumbnail"} <= set(real.paid)
