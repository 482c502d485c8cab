"""Storage to which the app comes as its identity: what is sent, and one token for all."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from doubles.clock import FakeClock
from doubles.identity_authority import Authority, token

from shared import identities, names, services
from shared.services import Services
from shared.settings import Settings

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


def app(authority: Authority, monkeypatch: pytest.MonkeyPatch, **settings: str) -> tuple[Services, list[Any]]:
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
    assert built.images is built.host
