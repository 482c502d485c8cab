"""Storage to which the app comes as its identity: what is sent, and one token for all."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from doubles.clock import FakeClock
from doubles.identity_authority import Authority, settle, token

from shared import names, services
from shared.api.health import Look
from shared.errors import StorageDeniedError, StorageIdentityError
from shared.index.observed import Observed
from shared.services import App
from shared.settings import Settings
from shared.transport import identities, time_budget

CLIENT = "01234567-89ab-cdef-0123-456789abcdef"
KEYLESS = {
    "VISION_ENDPOINT": "https://vision.example.com",
    "VISION_AUTH": "identity",
    "ImagesStorage__blobServiceUri": "https://pictures.blob.core.windows.net",
    "ImagesStorage__queueServiceUri": "https://pictures.queue.core.windows.net",
    "AzureWebJobsStorage__accountName": "books",
}
HEAD = {"ETag": '"0x1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "Content-Length": "0"}


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.head(re.compile(r"https://(pictures|books)\.blob\.core\.windows\.net/"), headers=HEAD)
        mock.get("https://vision.example.com/vision/v3.2/models", json={"models": []})
        yield mock


def app(authority: Authority, monkeypatch: pytest.MonkeyPatch, **settings: str) -> tuple[App, list[Any]]:
    """An app whose identities get their tokens there, and the list of its identities that ask."""
    who: list[Any] = []

    def of_azure(principal: Any) -> Authority:
        who.append(principal)
        return authority

    monkeypatch.setattr(identities, "_of_azure", of_azure)
    return services.build(Settings.from_env({**KEYLESS, **settings}), clock=FakeClock()), who


def test_both_accounts_and_computer_vision_are_asked_with_the_tokens_of_one_identity(
    web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(token("of-storage", 9000.0), token("of-vision", 9000.0))
    built, who = app(authority, monkeypatch)
    for _ in range(3):
        built.images.head(names.IMAGES, "a.jpg")
        built.host.head(names.CACHE, "b")
        built.vision.list_models()
    assert [scope for scope, _ in authority.asked] == [
        "https://storage.azure.com/.default",
        "https://cognitiveservices.azure.com/.default",
    ]
    sent = {(urlsplit(call.request.url).hostname, call.request.headers["Authorization"]) for call in web.calls}
    assert sent == {
        ("pictures.blob.core.windows.net", "Bearer of-storage"),
        ("books.blob.core.windows.net", "Bearer of-storage"),
        ("vision.example.com", "Bearer of-vision"),
    }
    assert who == [built.settings.principal]


def test_accounts_with_identities_of_their_own_have_tokens_of_their_own(
    web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"ImagesStorage__credential": "managedidentity", "ImagesStorage__clientId": CLIENT}
    built, who = app(Authority(token("t1", 9000.0), token("t2", 9000.0)), monkeypatch, **own)
    built.images.head(names.IMAGES, "a.jpg")
    built.host.head(names.CACHE, "b")
    assert [call.request.headers["Authorization"] for call in web.calls] == ["Bearer t1", "Bearer t2"]
    assert who == [built.settings.images_storage.principal, built.settings.host_storage.principal]


def test_the_address_of_an_emulator_has_the_account_in_its_path() -> None:
    address = {"ImagesStorage__blobServiceUri": "https://127.0.0.1:12345/devstoreaccount1"}
    built = services.build(Settings.from_env({**KEYLESS, **address}))
    assert built.images.url("images", "a b.jpg") == "https://127.0.0.1:12345/devstoreaccount1/images/a%20b.jpg"


def test_one_account_for_both_is_one_store_without_keys_too() -> None:
    same = {"AzureWebJobsStorage__accountName": "pictures"}
    built = services.build(Settings.from_env({**KEYLESS, **same}))
    # What writes records there leaves lines for the index, beside the same store.
    assert isinstance(built.images, Observed)
    assert built.images.observed is built.host


GET = re.compile(r"https://pictures\.blob\.core\.windows\.net/images\?")
BY_CLIENT = {"ImagesStorage__credential": "managedidentity", "ImagesStorage__clientId": CLIENT}
BY_KEY = {
    "ImagesStorage": "AccountName=pictures;AccountKey=c2VjcmV0",
    "ImagesStorage__blobServiceUri": "",
    "ImagesStorage__queueServiceUri": "",
}
BY_SIGNATURE = {**BY_KEY, "ImagesStorage": "AccountName=pictures;SharedAccessSignature=sv=1&sig=c2VjcmV0"}
ACCOUNT = "the storage account pictures (ImagesStorage)"
FIREWALL = f"Let the app through the firewall of {ACCOUNT}: see its networking settings."


@pytest.mark.parametrize(
    ("settings", "status", "reason", "action"),
    [
        (
            {},
            403,
            "AuthorizationPermissionMismatch",
            "Give the app's identity the role Storage Blob Data Owner on the storage account pictures (ImagesStorage);"
            " a new role takes up to ten minutes.",
        ),
        (
            BY_CLIENT,
            403,
            "AuthorizationPermissionMismatch",
            f"Give the app's identity (client id {CLIENT}) the role Storage Blob Data Owner on the storage account"
            " pictures (ImagesStorage); a new role takes up to ten minutes.",
        ),
        (
            {"AzureWebJobsStorage__accountName": "pictures"},
            403,
            "AuthorizationPermissionMismatch",
            "Give the app's identity the role Storage Blob Data Owner on the storage account pictures (ImagesStorage"
            " and AzureWebJobsStorage); a new role takes up to ten minutes.",
        ),
        ({}, 403, "AuthorizationFailure", FIREWALL),
        (
            BY_KEY,
            403,
            "AuthorizationFailure",
            f"{FIREWALL} Where it has no firewall, correct the key in ImagesStorage.",
        ),
        (
            {},
            401,
            "InvalidAuthenticationInfo",
            "Check that the storage account pictures (ImagesStorage) is in the tenant of the app's identity, and that"
            " ImagesStorage names it.",
        ),
        (
            BY_KEY,
            403,
            "AuthenticationFailed",
            "Set ImagesStorage to a connection string of the storage account pictures (ImagesStorage) as the portal"
            " shows it now, with a valid key.",
        ),
        (
            BY_KEY,
            403,
            "KeyBasedAuthenticationNotPermitted",
            "Shared keys are off for the storage account pictures (ImagesStorage): replace its connection string by the"
            " settings for the app's identity, which docs/settings.md lists under Storage without keys.",
        ),
        (
            BY_SIGNATURE,
            403,
            "AuthorizationPermissionMismatch",
            "Give the SharedAccessSignature of ImagesStorage the rights to read, write, list and delete the blobs of"
            f" {ACCOUNT} and to create its containers.",
        ),
        ({}, 403, "AccountIsDisabled", "Turn the storage account pictures (ImagesStorage) on again."),
    ],
)
def test_an_account_that_does_not_let_the_app_in_is_told_with_what_mends_it_and_asked_once(
    settings: dict[str, str],
    status: int,
    reason: str,
    action: str,
    web: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web.get(GET, status=status, headers={"x-ms-error-code": reason})
    built, _ = app(Authority(token("t1", 9000.0)), monkeypatch, **settings)
    with pytest.raises(StorageDeniedError) as caught:
        built.images.page(names.IMAGES, limit=1)
    denied = caught.value
    assert denied.message == f"Blob storage answered {status} ({reason}) for images/."
    assert denied.action == action
    assert (denied.code, denied.status, denied.transient) == ("storage_denied", 503, True)
    assert "c2VjcmV0" not in denied.message + denied.action
    assert len(web.calls) == 1


@pytest.mark.parametrize(
    ("settings", "action"),
    [
        (
            {},
            "Turn on the app's identity; or correct credential and clientId of ImagesStorage, and AZURE_CLIENT_ID; or"
            " set ImagesStorage to a connection string.",
        ),
        (
            BY_CLIENT,
            f"Turn on the app's identity (client id {CLIENT}); or correct credential and clientId of ImagesStorage, and"
            " AZURE_CLIENT_ID; or set ImagesStorage to a connection string.",
        ),
    ],
)
def test_an_identity_without_a_token_is_an_error_of_storage_that_names_its_settings(
    settings: dict[str, str], action: str, web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, _ = app(Authority(RuntimeError("no identity, and a secret=abc in the text")), monkeypatch, **settings)
    for _ in range(2):
        with pytest.raises(StorageIdentityError) as caught:
            built.images.head(names.IMAGES, "a.jpg")
        assert caught.value.message == (
            "Blob storage was not asked for images/a.jpg. The app has no identity that Entra ID knows: RuntimeError."
        )
        assert caught.value.action == action
        assert (caught.value.code, caught.value.status) == ("identity_unavailable", 503)
    assert not web.calls


def test_a_token_is_waited_for_no_longer_than_the_caller_has_time(
    web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, hold: Callable[[Authority], Authority]
) -> None:
    authority = hold(Authority(token("t1", 9000.0)))
    built, _ = app(authority, monkeypatch)
    with time_budget.within(0.05), pytest.raises(StorageIdentityError, match=r"no token within 0\.[01] s") as caught:
        built.images.head(names.IMAGES, "a.jpg")
    assert caught.value.action.startswith("Wait; if it lasts, check that the app reaches Entra ID")
    assert not web.calls
    authority.free.set()
    settle()
    assert built.images.head(names.IMAGES, "a.jpg")


def test_the_operator_is_told_which_role_is_missing_on_which_account(
    web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.get(GET, status=403, headers={"x-ms-error-code": "AuthorizationPermissionMismatch"})
    web.put(re.compile(r"https://books\.blob"), status=403, headers={"x-ms-error-code": "AuthorizationFailure"})
    built, _ = app(Authority(token("t1", 9000.0), token("t2", 9000.0)), monkeypatch)
    with services.replaced(built):
        found = {problem["part"]: (problem["code"], problem["action"]) for problem in Look()().problems}
    assert found.keys() == {"images", "host"}
    assert found["images"][0] == found["host"][0] == "storage_denied"
    assert "Storage Blob Data Owner on the storage account pictures (ImagesStorage)" in found["images"][1]
    assert "the firewall of the storage account books (AzureWebJobsStorage)" in found["host"][1]
