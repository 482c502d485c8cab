"""
`/api/gallery`: the page for everyone, and its data for those who may have them.

Every data route is asked by every kind of caller; a route that is not in the table here fails a test.
"""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import azure.functions as func
import pytest
from doubles.fuzz import fuzzed
from doubles.http_requests import Hub, answered, parsed, problem_of, request
from doubles.page_callers import KEY, OPEN, OWN, SIGN_IN, THIS_MACHINE, principal
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture
from hypothesis import given
from hypothesis import strategies as st

from GalleryHttp import main
from shared import names, services
from shared.gallery.routes import ROUTES
from shared.records import corrections, seen_bytes
from shared.records.corrections import Correction
from shared.search.search import FRESH_SECONDS
from shared.uploads import steps

NAME = "2026/ä b#c.png"
KEYED = {**SIGN_IN, "GALLERY_KEY": KEY}


class Kind(NamedTuple):
    """A kind of caller: the platform's and the app's settings, the headers that it sends, and the role of these."""

    environment: Mapping[str, str]
    headers: Mapping[str, str]
    role: str | None
    code: str = ""


CALLERS: dict[str, Kind] = {
    "stranger": Kind(KEYED, {}, None, "gallery_sign_in"),
    "stranger, where there is nothing to show": Kind({}, {}, None, "gallery_sign_in"),
    "a principal, where people do not sign in": Kind(
        {"GALLERY_KEY": KEY}, principal(["editor"]), None, "gallery_sign_in"
    ),
    "a principal, where the sign-in is off": Kind(
        {"WEBSITE_AUTH_ENABLED": "False"}, principal(["editor"]), None, "gallery_sign_in"
    ),
    "a principal that is none": Kind(KEYED, {"X-MS-CLIENT-PRINCIPAL": "e30="}, None, "gallery_sign_in"),
    "a principal of another provider": Kind(KEYED, principal(["editor"], auth_typ="facebook"), None, "gallery_sign_in"),
    "another key": Kind(KEYED, {"x-gallery-key": KEY[:-1] + "x"}, None, "gallery_sign_in"),
    "a key, where there is none": Kind(SIGN_IN, {"x-gallery-key": KEY}, None, "gallery_sign_in"),
    "the key of the host": Kind(KEYED, {"x-functions-key": KEY}, None, "gallery_sign_in"),
    "a person without a role": Kind(KEYED, principal([]), None, "gallery_forbidden"),
    "a person with another role": Kind(KEYED, principal(["owner"]), None, "gallery_forbidden"),
    "a stranger's host that leads to this machine": Kind(OPEN, {"Host": "evil.example:7071"}, None, "gallery_sign_in"),
    "this machine, where the page is not open": Kind({}, THIS_MACHINE, None, "gallery_sign_in"),
    "this machine, in Azure": Kind({"GALLERY_OPEN": "true"}, THIS_MACHINE, None, "gallery_sign_in"),
    "this machine, where people sign in": Kind({**OPEN, **SIGN_IN}, THIS_MACHINE, None, "gallery_sign_in"),
    "the key": Kind(KEYED, {"x-gallery-key": KEY}, "viewer", "gallery_forbidden"),
    "a viewer": Kind(KEYED, principal(["viewer"]), "viewer", "gallery_forbidden"),
    "an editor": Kind(KEYED, principal(["editor"]), "editor"),
    "an open machine": Kind(OPEN, THIS_MACHINE, "editor"),
}


class Good(NamedTuple):
    """A request that a route answers to those who may use it, and who these are."""

    who: str
    query: Mapping[str, str] = MappingProxyType({})
    body: bytes | dict[str, Any] = b""


ROUTES_AND_CALLERS: dict[tuple[str, str], Good] = {
    ("GET", "session"): Good("everyone"),
    ("GET", "summary"): Good("viewer"),
    ("GET", "search"): Good("viewer", {"q": "zebra", "limit": "10"}),
    ("GET", "picture"): Good("viewer", {"name": NAME, "side": "400"}),
    ("GET", "thumbnail"): Good("viewer", {"name": NAME, "width": "100", "height": "50"}),
    ("GET", "suggestions"): Good("viewer", {"q": "zeb"}),
    ("GET", "record"): Good("viewer", {"name": NAME, "record": f"analysis/{names.analysis(NAME)}"}),
    ("GET", "images"): Good("viewer", {"name": NAME, "explain": "true"}),
    ("PUT", "images"): Good("editor", {"name": "another.png"}, picture()),
    ("DELETE", "images"): Good("editor", {"name": NAME}),
    ("GET", "corrections"): Good("viewer", {"name": NAME}),
    ("PUT", "corrections"): Good("editor", {"name": NAME}, {"caption": "Another"}),
    ("DELETE", "corrections"): Good("editor", {"name": NAME}),
    ("POST", "retry"): Good("editor", {}, {"all": True}),
}
IDS = [f"{method} {route}" for method, route in ROUTES_AND_CALLERS]


def send(
    method: str,
    file: str = "",
    query: Mapping[str, str] | None = None,
    body: bytes | Mapping[str, Any] = b"",
    headers: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    sent = request(method, body, params=query, route={"file": file} if file else {}, headers={**OWN, **(headers or {})})
    return answered(main, sent)


def settle(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    for name in ("WEBSITE_AUTH_ENABLED", "GALLERY_KEY", "GALLERY_OPEN", "AZURE_FUNCTIONS_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def app() -> Iterator[Parts]:
    """The services, where images can be stored and deleted over HTTP."""
    app = parts(THUMBNAIL_SIZES="100x50", IMAGES_WRITABLE="true")
    with services.replaced(app.services):
        yield app


@pytest.fixture
def page(app: Parts, task_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """One image that is complete and corrected, where people sign in."""
    settle(monkeypatch, KEYED)
    restore(app)
    return app


def restore(app: Parts) -> None:
    """Make what a route may have taken away."""
    if NAME not in app.images.contents(names.IMAGES):
        app.images.write(names.IMAGES, NAME, picture(), content_type="image/png")
        steps.process(app.services, NAME, None)
    if not app.images.contents(names.CORRECTIONS):
        image = app.images.read(names.IMAGES, NAME)
        assert image
        seen = seen_bytes.version(app.images, image.info)
        corrections.write(app.images, seen, Correction(caption="A zebra"), app.services.clock, None)


def blobs(app: Parts) -> dict[str, Any]:
    """All that is stored, but what the app keeps of its own work."""
    kept = (names.IMAGES, names.ANALYSIS, names.THUMBNAILS, names.TEXT, names.UNFINISHED, names.CORRECTIONS)
    return {container: dict(app.images.contents(container)) for container in kept}


def test_every_data_route_is_in_the_table() -> None:
    assert ROUTES_AND_CALLERS.keys() == ROUTES.keys()
    assert {good.who for good in ROUTES_AND_CALLERS.values()} == {"everyone", "viewer", "editor"}
    assert all(good.who == "editor" for (method, _), good in ROUTES_AND_CALLERS.items() if method != "GET")


@pytest.mark.parametrize("route", ROUTES_AND_CALLERS, ids=IDS)
def test_every_route_knows_every_kind_of_caller(
    page: Parts, monkeypatch: pytest.MonkeyPatch, route: tuple[str, str]
) -> None:
    (method, name), good = route, ROUTES_AND_CALLERS[route]
    let_in = []
    for who, kind in CALLERS.items():
        settle(monkeypatch, kind.environment)
        before = blobs(page)
        answer = send(method, f"data/{name}", good.query, good.body, kind.headers)
        if good.who == "everyone" or kind.role in ("editor", good.who):
            assert answer.status_code < 300, (who, answer.get_body())
            let_in.append(who)
            restore(page)
        else:
            problem_of(answer, 401 if kind.code == "gallery_sign_in" else 403, kind.code)
            assert NAME not in answer.get_body().decode(), who
            assert blobs(page) == before, who
    assert len(let_in) == {"everyone": len(CALLERS), "viewer": 4, "editor": 2}[good.who]


@pytest.mark.parametrize("route", ROUTES_AND_CALLERS, ids=IDS)
def test_no_route_answers_a_page_of_another_site(page: Parts, route: tuple[str, str]) -> None:
    (method, name), good = route, ROUTES_AND_CALLERS[route]
    before = blobs(page)
    headers = {**principal(["editor"]), "Sec-Fetch-Site": "cross-site"}
    problem_of(send(method, f"data/{name}", good.query, good.body, headers), 403, "gallery_forbidden")
    assert blobs(page) == before


@pytest.mark.parametrize("route", [route for route in ROUTES_AND_CALLERS if route[0] != "GET"], ids="-".join)
def test_no_route_changes_anything_without_the_header_of_the_page(page: Parts, route: tuple[str, str]) -> None:
    (method, name), good = route, ROUTES_AND_CALLERS[route]
    before = blobs(page)
    headers = {**principal(["editor"]), "x-blobsight-gallery": ""}
    problem_of(send(method, f"data/{name}", good.query, good.body, headers), 403, "gallery_forbidden")
    assert blobs(page) == before


@pytest.mark.parametrize("route", [route for route in ROUTES_AND_CALLERS if route[0] == "GET"], ids="-".join)
def test_reading_pays_for_nothing_and_stores_nothing(page: Parts, route: tuple[str, str]) -> None:
    (method, name), good = route, ROUTES_AND_CALLERS[route]
    before, asked = blobs(page), len(page.vision.asked)
    for each in (method, "HEAD"):
        answer = send(each, f"data/{name}", good.query, headers=principal(["viewer"]))
        assert answer.status_code == 200, answer.get_body()
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        assert {"Cookie", "x-gallery-key"} <= set(answer.headers["Vary"].split(", "))
        assert answer.headers["Cache-Control"]
    assert (blobs(page), len(page.vision.asked)) == (before, asked)


@pytest.mark.parametrize("route", ROUTES_AND_CALLERS, ids=IDS)
def test_an_unknown_parameter_is_refused(page: Parts, route: tuple[str, str]) -> None:
    (method, name), good = route, ROUTES_AND_CALLERS[route]
    query = {**good.query, "unknown": "1"}
    problem_of(send(method, f"data/{name}", query, good.body, principal(["editor"])), 400, "bad_parameter")


@pytest.mark.parametrize("route", ["images", "corrections"])
def test_what_is_of_one_image_needs_its_name(page: Parts, route: str) -> None:
    problem_of(send("GET", f"data/{route}", headers=principal(["viewer"])), 400, "bad_blob_name")


@pytest.mark.parametrize(
    "file", ["data/", "data/nothing", "data/session/", "data/Session", "data/images/a.jpg", "data//session"]
)
def test_other_data_are_not_there(page: Parts, file: str) -> None:
    problem_of(send("GET", file, headers=principal(["editor"])), 404, "not_found")
    problem_of(send("GET", file), 404, "not_found")


def test_the_shell_and_its_files_are_for_everyone(page: Parts) -> None:
    for method in ("GET", "HEAD"):
        assert send(method).status_code == send(method, "app.js").status_code == 200
    # A link on another site leads to the page.
    assert send("GET", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
    assert NAME not in send("GET").get_body().decode()


def test_the_shell_comes_though_every_setting_is_wrong(page: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_current", None)
    monkeypatch.setenv("VISION_RATE", "fast")
    monkeypatch.setenv("VISION_ENDPOINT", "nowhere")
    assert send("GET").status_code == 200
    session = parsed(send("GET", "data/session"))
    assert (session["role"], session["signIn"], session["key"]) == (None, True, True)
    # Strangers are told nothing of the fault.
    problem_of(send("GET", "data/summary"), 401, "gallery_sign_in")
    assert problem_of(send("GET", "data/summary", headers=principal(["viewer"])), 500, "settings_invalid")["problems"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("file", ["", "app.js", "nothing.js"])
def test_files_are_read_only(page: Parts, method: str, file: str) -> None:
    problem_of(send(method, file, headers=principal(["editor"])), 404, "not_found")


def test_the_session_tells_who_looks_and_what_is_possible(page: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    session = parsed(send("GET", "data/session", headers=principal(["editor"], "Ada")))
    assert {key: session[key] for key in ("role", "how", "person", "signIn", "key")} == {
        "role": "editor",
        "how": "sign-in",
        "person": "Ada",
        "signIn": True,
        "key": True,
    }
    assert session["most"] == 100 * 1024**2
    stranger = parsed(send("GET", "data/session"))
    assert (stranger["role"], stranger["how"], stranger["person"], stranger["writable"], stranger["most"]) == (
        None,
        None,
        None,
        False,
        0,
    )
    without = parsed(send("GET", "data/session", headers=principal([], "Ada")))
    assert (without["role"], without["how"], without["person"]) == (None, "sign-in", "Ada")
    settle(monkeypatch, OPEN)
    own = parsed(send("GET", "data/session", headers=THIS_MACHINE))
    assert (own["role"], own["how"], own["signIn"], own["key"]) == ("editor", "open", False, False)
    assert KEY not in json.dumps([session, stranger, without, own])


def test_an_image_is_stored_and_deleted_by_the_page_of_an_editor(page: Parts) -> None:
    editor = principal(["editor"])
    assert parsed(send("GET", "data/session", headers=editor))["writable"] is True
    assert parsed(send("GET", "data/session", headers=principal(["viewer"])))["writable"] is False
    headers = {**editor, "If-None-Match": "*", "Content-Type": "image/png"}
    stored = send("PUT", "data/images", {"name": "new/a.png"}, picture(), headers)
    assert (stored.status_code, parsed(stored)["state"]) == (201, "pending")
    # It is in the list at once, and its place is not taken by another.
    assert parsed(send("GET", "data/search", {"name": "new/a.png"}, headers=editor))["total"] == 1
    problem_of(send("PUT", "data/images", {"name": "new/a.png"}, picture(), headers), 412, "image_changed")
    assert send("DELETE", "data/images", {"name": "new/a.png"}, headers=editor).status_code == 200
    page.clock.advance(FRESH_SECONDS)
    assert parsed(send("GET", "data/search", {"name": "new/a.png"}, headers=editor))["total"] == 0


def test_where_images_are_not_writable_the_page_says_so_and_changes_none(page: Parts) -> None:
    editor = principal(["editor"])
    with services.replaced(restarted(page, IMAGES_WRITABLE="false").services):
        assert parsed(send("GET", "data/session", headers=editor))["writable"] is False
        problem_of(send("DELETE", "data/images", {"name": NAME}, headers=editor), 403, "images_not_writable")
    assert NAME in page.images.contents(names.IMAGES)


def test_a_correction_is_kept_and_taken_back_by_the_page(page: Parts) -> None:
    editor = principal(["editor"])
    seen = parsed(send("GET", "data/corrections", {"name": NAME}, headers=editor))
    assert seen["caption"] == "A zebra"
    etag = {"If-Match": f'"{seen["etag"]}"'}
    kept = send("PUT", "data/corrections", {"name": NAME}, {"caption": "Two zebras"}, {**editor, **etag})
    assert parsed(kept)["caption"] == "Two zebras"
    late = send("PUT", "data/corrections", {"name": NAME}, {"caption": "Three"}, {**editor, **etag})
    problem_of(late, 412, "correction_changed")
    assert send("DELETE", "data/corrections", {"name": NAME}, headers=editor).status_code == 200
    problem_of(send("GET", "data/corrections", {"name": NAME}, headers=editor), 404, "correction_not_found")


TEXTS = st.text(max_size=30) | st.text(st.characters(categories=("Cc", "Cf", "Cs", "Lo", "So")), max_size=8)
SHOWN = (
    "X-MS-CLIENT-PRINCIPAL",
    "x-gallery-key",
    "Host",
    "Sec-Fetch-Site",
    "Accept-Encoding",
    "If-None-Match",
    "If-Match",
)


@fuzzed
@given(data=st.data())
def test_any_text_anywhere_is_answered_and_lets_no_stranger_in(page: Parts, data: st.DataObject) -> None:
    method, name = data.draw(st.sampled_from([*ROUTES_AND_CALLERS, ("GET", "")]))
    good = ROUTES_AND_CALLERS.get((method, name), Good("everyone"))
    headers = data.draw(st.dictionaries(st.sampled_from(SHOWN), TEXTS, max_size=3))
    query = data.draw(st.dictionaries(st.sampled_from(["name", "q", "code", "explain"]) | TEXTS, TEXTS, max_size=2))
    file = f"data/{name}" if name else data.draw(TEXTS)
    answer = send(method, file, {**good.query, **query}, good.body, headers)
    assert answer.status_code < 500, answer.get_body()
    assert good.who == "everyone" or answer.status_code in (400, 401, 403), answer.get_body()
    # Those who may are told the fault, and nothing breaks.
    told = send(method, file, {**good.query, **query}, good.body, {**headers, **principal(["editor"])})
    assert told.status_code < 500, told.get_body()
