"""The subscription in Azure lets the watcher's events through, and of Azure's own only those of whole uploads."""

from datetime import UTC, datetime
from typing import Any

import pytest
from deployment import event_subscriptions
from doubles.storage_events import OTHERS, UNFINISHED, UPLOADS, storage_event

from local.addresses import Addresses
from local.events import schema
from local.events.container import Blob, WatchedContainer

FILTER = event_subscriptions.body("https://app.example.com", "/account")["properties"]["filter"]


def passes(event: dict[str, Any]) -> bool:
    """What Event Grid does with the filter: every condition has to hold, and texts are compared in any case."""
    conditions = [event["eventType"] in FILTER["includedEventTypes"]]
    conditions.append(event["subject"].lower().startswith(FILTER["subjectBeginsWith"].lower()))
    for rule in FILTER["advancedFilters"]:
        assert rule["operatorType"] == "StringIn", "the watcher's events were never tried with such a rule"
        found: Any = event
        for member in rule["key"].split("."):
            found = found.get(member, {})
        conditions.append(str(found).lower() in [value.lower() for value in rule["values"]])
    return all(conditions)


def test_what_the_watcher_tells_is_let_through() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    blob = Blob("2026/a.jpg", "0x1", "image/jpeg", 5, "BlockBlob", now, now)
    with WatchedContainer(Addresses(7071).connection_string, "images") as container:
        assert passes(schema.created(container, blob))
        assert not passes(schema.deleted(container, "2026/a.jpg", "0x1"))
    with WatchedContainer(Addresses(7071).connection_string, "images2") as container:
        assert not passes(schema.created(container, blob))


@pytest.mark.parametrize("api", UPLOADS)
def test_a_whole_upload_is_let_through_whichever_way_it_came(api: str) -> None:
    assert passes(storage_event(api, "2026/a.jpg"))
    assert not passes(storage_event(api, "2026/a.jpg", container="images2"))


@pytest.mark.parametrize("api", [*UNFINISHED, *OTHERS])
def test_what_is_no_whole_upload_is_not(api: str) -> None:
    assert not passes(storage_event(api, "2026/a.jpg"))
