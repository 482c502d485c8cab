"""
What opens something else is nowhere after a request: keys, signatures, and the image inside a body that wraps it.

Every HTTP route on disk is asked in every way in which it can be handed a secret. Then all that the app has written and
said is looked through: log lines of every level, blobs with their metadata, what was handed to the task hub, answers.
"""

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import azure.functions as func
import pytest
from doubles.http_requests import Hub
from doubles.http_routes import IMAGE, PROJECT, ROUTES, Route
from doubles.parts import Parts
from doubles.secret_search import SecretSearch

KEY, SIGNATURE = "K3yQxJvWkZp", "S1gnatur3QxJvWkZp"
# What an image may hold of its own: a text in its metadata, such as a place.
INSIDE = "Ins1d3QxJvWkZp"
HOST = "https://example.com/private/a.jpg"
QUERY = f"sv=2024-11-04&sp=r&sig={quote(f'{SIGNATURE}/+==', safe='')}"
SIGNED = f"{HOST}?{QUERY}"
USER = f"https://me:{SIGNATURE}@example.com/a.jpg"
# After the end of a PNG there may be anything.
PRIVATE = IMAGE + INSIDE.encode()
BASE64 = base64.b64encode(PRIVATE).decode()


class Way(NamedTuple):
    """How a secret comes in: a body, or None for the good one of the route; and its Content-Type, or None."""

    body: bytes | Mapping[str, Any] | None
    content_type: str | None = None


def skill(**data: Any) -> dict[str, Any]:
    """A request of Azure AI Search with one record."""
    return {"values": [{"recordId": "1", "data": data}]}


WAYS: dict[str, Way] = {
    "as it is": Way(None),
    "bytes": Way(PRIVATE),
    "a signed address": Way({"url": SIGNED}),
    "an address with a user": Way({"url": USER}),
    "an address with a fragment": Way({"url": f"{HOST}#{SIGNATURE}"}),
    "an address that is none": Way({"url": f"{SIGNED} "}),
    "an address that is too long": Way({"url": SIGNED + "x" * 3000}),
    "a private host": Way({"url": SIGNED.replace("example.com", "10.0.0.7")}),
    "a name that is an address": Way({"name": SIGNED}),
    "a name and an address": Way({"name": "a.jpg", "url": SIGNED}),
    "an unknown member": Way({"address": SIGNED}),
    "JSON that breaks off": Way(json.dumps({"url": SIGNED}).encode()[:-1], "application/json"),
    "JSON without its type": Way(json.dumps({"url": SIGNED}).encode()),
    "a form": Way(f"url={quote(SIGNED)}".encode(), "application/x-www-form-urlencoded"),
    "a page": Way(f"<html><a href='{SIGNED}'>".encode(), "text/html"),
    "$content": Way({"$content-type": "image/png", "$content": BASE64}),
    "$content that is broken": Way({"$content-type": "image/png", "$content": f"{BASE64}!{SIGNATURE}"}),
    "base64": Way(BASE64.encode(), "text/plain"),
    "base64 in quotation marks": Way(f'"{BASE64}"'.encode(), "application/json"),
    "a data address": Way(f"data:image/png;base64,{BASE64}".encode(), "text/plain"),
    "a data address as url": Way({"url": f"data:image/png;base64,{BASE64}"}),
    "a data address that is broken": Way({"url": f"data:image/png;base64,{SIGNATURE}!"}),
    "a multipart form": Way(
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        + PRIVATE
        + b"\r\n--b--\r\n",
        "multipart/form-data; boundary=b",
    ),
    "a multipart form with a field": Way(
        f'--b\r\nContent-Disposition: form-data; name="address"\r\n\r\n{SIGNED}\r\n--b--\r\n'.encode(),
        "multipart/form-data; boundary=b",
    ),
    "a skill's image": Way(skill(image={"$type": "file", "data": BASE64})),
    "a skill's bare image": Way(skill(image=BASE64)),
    "a skill's address": Way(skill(url=HOST, sasToken=f"?{QUERY}")),
    "a skill's signed address": Way(skill(image=SIGNED)),
    "a skill's address and token that are wrong": Way(skill(url=USER, sasToken=SIGNATURE)),
    "a skill's unknown member": Way(skill(address=SIGNED)),
    "a skill's record that is none": Way({"values": [SIGNED, {"recordId": "1", "data": SIGNED}]}),
}
KEYS: dict[str, dict[str, Any]] = {
    "in the header": {"headers": {"x-functions-key": KEY}},
    "in the query": {"query": {"code": KEY}, "address": f"https://app.example/api?code={KEY}"},
    "in the query, in capitals": {"query": {"CODE": KEY}, "address": f"https://app.example/api?CODE={KEY}"},
}
CONTRACT = json.loads((PROJECT / "docs" / "openapi.json").read_text(encoding="utf-8"))
PARAMETERS = sorted(
    {
        parameter["name"]
        for path in CONTRACT["paths"].values()
        for operation in path.values()
        for parameter in operation["parameters"]
        # The key goes into `Location` again, whatever it is.
        if parameter["in"] == "query" and parameter["name"] != "code"
    }
)
PLACES = ("name", "id", "model", "action", "skill")
# A signed address, or a part of one that was not encoded, in every place of a request in which there may be a text.
ODD: list[dict[str, Any]] = [
    *({"query": {name: SIGNED}} for name in [*PARAMETERS, "sig", "url"]),
    *({"query": {name: SIGNATURE}} for name in ("sig", "sasToken")),
    *({"path": {name: SIGNED}} for name in PLACES),
    # The host leaves %2F in a path as it is, and decodes the rest; a caller may have encoded twice.
    *({"path": {name: SIGNED.replace("/", "%2F")}} for name in PLACES),
    *({"path": {name: quote(SIGNED, safe="")}} for name in PLACES),
    *({"path": {name: f"op-0?code={SIGNATURE}"}} for name in ("id", "skill")),
    *(
        {"headers": {name: SIGNED}}
        for name in ("If-None-Match", "Prefer", "Content-Type", "Content-Encoding", "Referer")
    ),
    {"headers": {"Prefer": f'respond-async; url="{SIGNED}", wait={SIGNATURE}'}},
]


class Everything(logging.Handler):
    """Every line that is logged, of any level, with its arguments and its traceback."""

    def __init__(self, search: SecretSearch) -> None:
        super().__init__(logging.DEBUG)
        self._search = search

    def emit(self, record: logging.LogRecord) -> None:
        self._search.look("log", record.name, f"{self.format(record)} {vars(record)}")


@pytest.fixture
def search() -> Iterator[SecretSearch]:
    """Looks through each line of the log as it comes."""
    search = SecretSearch((KEY, SIGNATURE, INSIDE))
    handler, root = Everything(search), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield search
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def look_through(search: SecretSearch, app: Parts, hub: Hub) -> None:
    """Everything that is left of the requests."""
    for account, blobs in (("images", app.images), ("host", app.host)):
        for container, name, info, data in blobs.everything():
            # What is sent to be read is kept there until it has been read; an address is sealed.
            kept = data.replace(INSIDE.encode(), b"") if container == "inputs" else data
            search.look("blob", f"{account}/{container}/{name}", f"{name} {info}".encode() + b"\n" + kept)
    for started in hub.started:
        search.look("instance", started[1], repr(started))
    for instance, status in hub.statuses.items():
        search.look("instance", instance, repr(vars(status)))


def look_at(search: SecretSearch, name: str, answer: func.HttpResponse) -> None:
    """An answer; a key that came as `?code=` stands in `Location` again, and nowhere else."""
    headers = {key: value for key, value in answer.headers.items() if key.lower() != "location"}
    search.look("answer", name, f"{answer.status_code} {headers}\n".encode() + answer.get_body())
    location = str(answer.headers.get("Location", ""))
    search.look("answer", f"{name} location", location.replace(f"code={KEY}", ""))


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_no_secret_of_a_request_is_anywhere_afterwards(
    app: Parts, task_hub: Hub, search: SecretSearch, route: Route
) -> None:
    ways = WAYS if route.method == "POST" else {"as it is": WAYS["as it is"]}
    for name, way in ways.items():
        for key, sent in KEYS.items():
            headers = {**sent.get("headers", {}), **({"Content-Type": way.content_type} if way.content_type else {})}
            look_at(search, f"{name}, {key}", route.answer(way.body, **{**sent, "headers": headers}))
    # A thumbnail of what is sent has passed over a name since the first version, and the contract has none there.
    passed_over = (route.folder, route.method) == ("ThumbnailHttp", "POST")
    odd_ones = [odd for odd in ODD if not (passed_over and "name" in odd.get("query", {}))]
    for odd in odd_ones:
        look_at(search, f"{odd}", route.answer(**odd))
    look_through(search, app, task_hub)
    assert search.found == []
    assert len(search.looked["answer"]) == 2 * (len(ways) * len(KEYS) + len(odd_ones))


def test_what_is_looked_for_is_found_where_it_is(app: Parts, task_hub: Hub, search: SecretSearch) -> None:
    """Each place is looked at: the same search finds what stands there."""
    logging.getLogger("shared").info("asked for %s", KEY)
    app.host.write("cache", "a.json", SIGNATURE.encode(), content_type="application/json")
    app.images.write("inputs", "b", INSIDE.encode(), content_type="application/json")
    app.images.write("text", "c", INSIDE.encode(), content_type="application/json", metadata={"a": SIGNATURE})
    task_hub.started.append(("OcrOrchestrator", "ocr-1", {"url": SIGNED}))
    look_at(search, "an answer", func.HttpResponse(SIGNED, headers={"Location": f"/api/ocr/ocr-1?code={KEY}"}))
    look_through(search, app, task_hub)
    found = {each.partition(":")[0] for each in search.found}
    assert found == {
        "log shared",
        "blob host/cache/a.json",
        "blob images/text/c",
        "instance ocr-1",
        "answer an answer",
    }
