"""Deliveries of Event Grid are read in both schemas."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from doubles.storage_events import UPLOADS, as_cloud_event, storage_event

from local.host.blobs.event_grid import BlobEvent, blob_event, blob_of_url
from local.host.errors import BadRequestError
from local.host.events.deliveries import parse_events


@pytest.mark.parametrize(
    ("url", "blob"),
    [
        ("https://account.blob.core.windows.net/images/a.png", ("images", "a.png")),
        ("https://account.blob.core.windows.net/images/sub/a%20b%23%C3%BC.png", ("images", "sub/a b#ü.png")),
        ("https://account.blob.core.windows.net/images/100%25%252e", ("images", "100%%2e")),
        ("http://127.0.0.1:10000/devstoreaccount1/images/sub/a.png", ("images", "sub/a.png")),
        ("http://localhost:10000/devstoreaccount1/images/a+b.png", ("images", "a+b.png")),
    ],
)
def test_container_and_name_are_read_from_the_url(url: str, blob: tuple[str, str]) -> None:
    assert blob_of_url(url) == blob


@pytest.mark.parametrize(
    "url",
    ["", "images/a.png", "https://account.blob.core.windows.net/images", "http://127.0.0.1:10000/account/images"],
)
def test_url_of_no_blob_is_refused(url: str) -> None:
    with pytest.raises(BadRequestError, match="not the address of a blob"):
        blob_of_url(url)


def test_etag_is_taken_with_or_without_quotes() -> None:
    url = "https://account.blob.core.windows.net/images/a.png"
    quoted = blob_event({"data": {"url": url, "eTag": '"0x1"', "blobType": "AppendBlob"}})
    assert quoted == BlobEvent("images", "a.png", "0x1", "AppendBlob")
    assert blob_event({"data": {"url": url, "eTag": "0x1"}}).etag == "0x1"


@pytest.mark.parametrize("schema", [dict, as_cloud_event])
@pytest.mark.parametrize("api", UPLOADS)
def test_each_way_into_an_account_tells_of_the_same_blob(
    api: str, schema: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    [event] = parse_events(json.dumps([schema(storage_event(api, "2026/a.jpg"))]).encode())
    assert blob_event(event) == BlobEvent("images", "2026/a.jpg", "0x8D4BCC2E4835CD0", "BlockBlob")


@pytest.mark.parametrize("event", [{}, {"data": 3}, {"data": {}}, {"data": {"url": 3}}])
def test_event_without_a_blob_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(BadRequestError):
        blob_event(event)
