"""Who is let in to the page's data: no caller by a header that the platform has not sent, nor by half a key."""

import base64
import hmac
import json
import logging
from collections.abc import Mapping

import pytest
from doubles.http_requests import request
from doubles.page_callers import KEY, NAME_CLAIM, OPEN, OWN, ROLE_CLAIM, SIGN_IN, THIS_MACHINE, encoded, principal

from shared.configuration.gallery_access import GalleryAccess, read
from shared.errors import ForbiddenError, SignInError
from shared.gallery import admission
from shared.gallery.admission import Caller, Role, caller_of, require, require_own_page

STRANGER = Caller(None, None, None)
HEADER = "X-MS-CLIENT-PRINCIPAL"
BOTH = read({**SIGN_IN, "GALLERY_KEY": KEY})


def caller(headers: Mapping[str, str], environment: Mapping[str, str] = SIGN_IN) -> Caller:
    return caller_of(request("GET", headers=headers), read(environment))


@pytest.mark.parametrize("word", ["True", "true", "TRUE", "1", " true "])
def test_people_sign_in_where_the_platform_says_so(word: str) -> None:
    assert caller(principal(["viewer"]), {"WEBSITE_AUTH_ENABLED": word}) == Caller("viewer", "sign-in", "Ada Lovelace")


@pytest.mark.parametrize("word", [None, "", "False", "0", "yes", "truee", "2"])
def test_a_principal_is_not_looked_at_where_people_do_not_sign_in(
    word: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    environment = {} if word is None else {"WEBSITE_AUTH_ENABLED": word}
    caplog.set_level(logging.DEBUG)
    for header in (principal(["editor"]), {HEADER: "nonsense"}):
        assert caller(header, environment) == STRANGER
    assert not caplog.records


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["viewer"], "viewer"),
        (["editor"], "editor"),
        (["viewer", "editor"], "editor"),
        (["other", "viewer"], "viewer"),
        (["Editor"], None),
        (["editor "], None),
        (["editor,viewer"], None),
        (["admin"], None),
        ([], None),
    ],
)
@pytest.mark.parametrize("claim", ["roles", ROLE_CLAIM])
def test_a_role_is_one_of_two_words(roles: list[str], role: Role | None, claim: str) -> None:
    assert caller(principal(roles, role_claim=claim)) == Caller(role, "sign-in", "Ada Lovelace")


def test_roles_stand_in_the_claims_that_the_principal_itself_names() -> None:
    assert caller(principal(["editor"], role_claim="own", role_typ="own")).role == "editor"
    assert caller(principal(["editor"], role_claim="own")).role is None
    # A claim without a type, beside a principal that names none, is no role.
    assert caller(principal(["editor"], role_claim="", role_typ=None)).role is None


@pytest.mark.parametrize("kind", ["groups", "name", "aud", "wids", "Roles", "role"])
def test_other_claims_with_the_word_are_no_role(kind: str) -> None:
    assert caller(principal(["editor"], role_claim=kind)).role is None


def test_a_person_is_told_by_the_name_the_account_or_the_claim_that_the_principal_names() -> None:
    of_account = [{"typ": "preferred_username", "val": "ada@example.com"}, {"typ": NAME_CLAIM, "val": "Ada"}]
    assert caller(principal(claims=of_account)).person == "ada@example.com"
    assert caller(principal(claims=of_account[1:])).person == "Ada"
    assert caller(principal(name=None)).person == ""
    assert caller(principal(name=" \N{LATIN SMALL LETTER A WITH DIAERESIS} ")).person == "ä"
    assert caller(principal(name="x" * 900)).person == "x" * 200


UNREADABLE: dict[str, str] = {
    "no base64": "editor",
    "base64 of the address kind": base64.urlsafe_b64encode(b'{"claims":[{"typ":"?>","val":"?>?>"}]}').decode() + "-_",
    "base64 with something behind": principal(["editor"])[HEADER] + "!",
    "base64 cut off": principal(["editor"])[HEADER][:-3],
    "no UTF-8": base64.b64encode(b'{"auth_typ":"\xff"}').decode(),
    "no JSON": base64.b64encode(b"editor").decode(),
    "JSON cut off": base64.b64encode(base64.b64decode(principal(["editor"])[HEADER])[:-2]).decode(),
    "JSON too deep": base64.b64encode(b"[" * 40_000).decode(),
    "a list": encoded([{"typ": "roles", "val": "editor"}]),
    "a text": encoded("editor"),
    "null": encoded(None),
    "no claims": encoded({"auth_typ": "aad", "roles": ["editor"]}),
    "claims that are an object": principal(claims={"roles": "editor"})[HEADER],
    "a claim that is a text": principal(claims=["editor"])[HEADER],
    "a claim without a value": principal(claims=[{"typ": "roles"}])[HEADER],
    "a claim with a list": principal(claims=[{"typ": "roles", "val": ["editor"]}])[HEADER],
    "a good claim and a bad one": principal(claims=[{"typ": "roles", "val": "editor"}, None])[HEADER],
    "another provider": principal(["editor"], auth_typ="github")[HEADER],
    "no provider": principal(["editor"], auth_typ=None)[HEADER],
    "too long": encoded({"auth_typ": "aad", "claims": [{"typ": "roles", "val": "editor"}], "x": "x" * 70_000}),
    "letters that are none": "\ud800\udfff",
    "only spaces": "   ",
}


@pytest.mark.parametrize("header", UNREADABLE.values(), ids=UNREADABLE)
def test_a_principal_that_cannot_be_read_is_a_stranger(header: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert caller({HEADER: header}) == STRANGER
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("gallery.principal_refused problem=")
    assert "editor" not in line
    # The key still opens what it opens.
    assert caller({HEADER: header, "x-gallery-key": KEY}, {**SIGN_IN, "GALLERY_KEY": KEY}).role == "viewer"


@pytest.mark.parametrize("header", ["X-WAWS-Unencoded-URL", "X-Original-URL"])
@pytest.mark.parametrize(
    ("path", "believed"),
    [
        ("/api/gallery/data/search?q=/../x", True),
        ("/API/Gallery/data/search", True),
        ("/api/gallery/data/images?name=a%2F..%2Fb", True),
        ("/api/images/../gallery/data/search", False),
        ("/api/images/%2e%2e/gallery/data/search", False),
        ("/api/gallery/../images", False),
        ("/api/gallery/x/..%2fdata/search", False),
        ("/api/gallery/./data/search", False),
        ("//api/gallery/data/search", False),
        ("/api//gallery/data/search", False),
        ("/runtime/webhooks/blobs", False),
        ("http://x/api/gallery/data/search", False),
    ],
)
def test_a_principal_that_came_by_a_detour_is_not_believed(header: str, path: str, believed: bool) -> None:
    assert (caller({**principal(["editor"]), header: path}).role == "editor") is believed


def test_a_stranger_has_no_role() -> None:
    assert caller({}) == caller({HEADER: ""}) == caller({"X-MS-CLIENT-PRINCIPAL-NAME": "ada"}) == STRANGER
    with pytest.raises(SignInError):
        require(STRANGER, "viewer")


def test_the_key_opens_reading_alone() -> None:
    of_key = caller({"x-gallery-key": KEY}, {"GALLERY_KEY": KEY})
    assert of_key == Caller("viewer", "key", None)
    require(of_key, "viewer")
    with pytest.raises(ForbiddenError, match="reading only"):
        require(of_key, "editor")


@pytest.mark.parametrize(
    "given", ["", KEY[:-1], KEY + "x", KEY.upper(), f" {KEY}", "\ud800", "ä" * 28, "x" * 100_000, "None"]
)
def test_another_key_opens_nothing(given: str) -> None:
    assert caller({"x-gallery-key": given}, {"GALLERY_KEY": KEY}) == STRANGER


@pytest.mark.parametrize("of_app", [None, "", "   ", "short", "with spaces in the middle", "schlüssel-mit-umlaut"])
def test_where_there_is_no_good_key_none_opens(of_app: str | None) -> None:
    environment = {} if of_app is None else {"GALLERY_KEY": of_app}
    for given in ("", of_app or "", (of_app or "").strip(), "None"):
        assert caller({"x-gallery-key": given}, environment) == STRANGER


def test_keys_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(given: bytes, expected: bytes) -> bool:
        compared.append((given, expected))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    # It alone decides: a key that would be right is not, if it says so.
    assert caller({"x-gallery-key": KEY}, {"GALLERY_KEY": KEY}) == STRANGER
    assert compared == [(KEY.encode(), KEY.encode())]


def test_a_key_in_the_query_is_not_looked_at() -> None:
    req = request("GET", params={"code": KEY, "x-gallery-key": KEY}, headers={"x-functions-key": KEY})
    assert caller_of(req, read({"GALLERY_KEY": KEY})) == STRANGER


def test_the_most_that_a_caller_shows_counts() -> None:
    shown = {**principal(["editor"]), "x-gallery-key": KEY}
    assert caller_of(request("GET", headers=shown), BOTH) == Caller("editor", "sign-in", "Ada Lovelace")
    without_role = {**principal([]), "x-gallery-key": KEY}
    assert caller_of(request("GET", headers=without_role), BOTH) == Caller("viewer", "key", "Ada Lovelace")


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:7071", "LocalHost:7071", "127.0.0.1", "127.0.0.1:80", "127.3.2.1:7071", "[::1]:7071"],
)
def test_an_open_page_is_for_this_machine(host: str) -> None:
    assert caller({"Host": host}, OPEN) == Caller("editor", "open", None)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:7071",
        "localhost.evil.example",
        "evil.localhost.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1:7071:80",
        "127.0.0.1:",
        "1270.0.0.1",
        "127.0.0",
        "10.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::1]evil",
        "::1",
        "localhost, evil.example",
        "localhost\n",
        " localhost",
        "app.azurewebsites.net",
    ],
)
def test_an_open_page_is_open_to_no_other_host(host: str) -> None:
    """A stranger's page whose name leads to loopback is a page of that name, and sends it."""
    assert caller({"Host": host, "X-Forwarded-Host": "localhost"}, OPEN) == STRANGER


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"GALLERY_OPEN": "true"},
        {"GALLERY_OPEN": "true", "AZURE_FUNCTIONS_ENVIRONMENT": "Production"},
        {"GALLERY_OPEN": "false", "AZURE_FUNCTIONS_ENVIRONMENT": "Development"},
        {"GALLERY_OPEN": "yes", "AZURE_FUNCTIONS_ENVIRONMENT": "Development"},
        {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"},
        {**OPEN, **SIGN_IN},
    ],
)
def test_a_page_is_open_in_development_alone_and_never_where_people_sign_in(environment: dict[str, str]) -> None:
    assert caller(THIS_MACHINE, environment) == STRANGER


@pytest.mark.parametrize(
    ("who", "viewing", "editing"),
    [
        (Caller("editor", "sign-in", "Ada"), None, None),
        (Caller("editor", "open", None), None, None),
        (Caller("viewer", "sign-in", "Ada"), None, ForbiddenError),
        (Caller("viewer", "key", None), None, ForbiddenError),
        (Caller(None, "sign-in", "Ada"), ForbiddenError, ForbiddenError),
        (STRANGER, SignInError, SignInError),
    ],
)
def test_an_editor_may_do_all_that_a_viewer_may(
    who: Caller, viewing: type[Exception] | None, editing: type[Exception] | None
) -> None:
    roles: list[tuple[Role, type[Exception] | None]] = [("viewer", viewing), ("editor", editing)]
    for role, refused in roles:
        if refused is None:
            require(who, role)
        else:
            with pytest.raises(refused):
                require(who, role)


def test_a_refusal_says_what_to_do() -> None:
    said = []
    for who in (
        STRANGER,
        Caller(None, "sign-in", "Ada"),
        Caller("viewer", "sign-in", "Ada"),
        Caller("viewer", "key", None),
    ):
        with pytest.raises((SignInError, ForbiddenError)) as caught:
            require(who, "editor")
        said.append(f"{caught.value.message} {caught.value.action}")
    assert len(set(said)) == 4
    assert "GALLERY_KEY" in said[0]
    assert all("editor" in each for each in said[1:])


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "anything"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_what_a_page_of_another_site_sends_is_refused(site: str, method: str) -> None:
    with pytest.raises(ForbiddenError, match="another site"):
        require_own_page(request(method, headers={**OWN, "Sec-Fetch-Site": site}))


@pytest.mark.parametrize("site", ["same-origin", "none", "", "Same-Origin"])
def test_what_the_page_itself_and_the_person_ask_for_is_not(site: str) -> None:
    require_own_page(request("GET", headers={"Sec-Fetch-Site": site}))
    require_own_page(request("PUT", headers={**OWN, "Sec-Fetch-Site": site}))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("header", [None, "", "0", "true", "11"])
def test_a_change_needs_the_header_that_only_the_own_page_can_send(method: str, header: str | None) -> None:
    headers = {} if header is None else {admission.OWN: header}
    with pytest.raises(ForbiddenError, match=admission.OWN):
        require_own_page(request(method, headers=headers))


def test_a_wrong_key_or_word_opens_nothing_and_hides_no_other() -> None:
    assert read({"GALLERY_KEY": "short", "GALLERY_OPEN": "perhaps", **SIGN_IN}) == GalleryAccess(
        sign_in=True, key=None, is_open=False, is_development=False
    )
    assert json.loads(base64.b64decode(principal()[HEADER]))["auth_typ"] == "aad"
