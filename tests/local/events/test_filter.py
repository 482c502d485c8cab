"""The subscription in Azure lets the watcher's events through, and of Azure's own only those of whole uploads."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deployment import event_subscriptions
from deployment.event_subscriptions import CHANGES, KINDS, LARGE, UPLOADS
from doubles.storage_events import OTHERS, UNFINISHED, storage_event
from doubles.storage_events import UPLOADS as ENDINGS

from local.addresses import Addresses
from local.events import journal as journal_module
from local.events import schema
from local.events.container import Blob, WatchedContainer
from local.events.journal import Journal
from local.events.outbox import Outbox
from local.events.watcher import Watcher

HOLDS: dict[str, Callable[[Any, dict[str, Any]], bool]] = {
    "StringIn": lambda found, rule: str(found).lower() in [value.lower() for value in rule["values"]],
    "NumberLessThanOrEquals": lambda found, rule: found <= rule["value"],
    "NumberGreaterThan": lambda found, rule: found > rule["value"],
}


def passes(event: dict[str, Any], kind: event_subscriptions.Kind = UPLOADS) -> bool:
    """
    What Event Grid does with a filter: every condition has to hold, and texts are compared in any case.

    A condition on a member that is not there does not hold.
    """
    wanted = event_subscriptions.filter_of(kind)
    conditions = [event["eventType"] in wanted["includedEventTypes"]]
    conditions.append(event["subject"].lower().startswith(wanted["subjectBeginsWith"].lower()))
    for rule in wanted["advancedFilters"]:
        found: Any = event
        for member in rule["key"].split("."):
            found = (found or {}).get(member)
        conditions.append(found is not None and HOLDS[rule["operatorType"]](found, rule))
    return all(conditions)


def test_what_the_watcher_tells_is_let_through() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    blob = Blob("2026/a.jpg", "0x1", "image/jpeg", 5, "BlockBlob", now, now)
    with WatchedContainer(Addresses(7071).connection_string, "images") as container:
        assert passes(schema.created(container, blob))
        assert not passes(schema.deleted(container, "2026/a.jpg", "0x1"))
        assert not passes(schema.created(container, blob), LARGE)
        assert passes(schema.deleted(container, "2026/a.jpg", "0x1"), CHANGES)
    with WatchedContainer(Addresses(7071).connection_string, "images2") as container:
        assert not passes(schema.created(container, blob))


@pytest.mark.parametrize("api", ENDINGS)
def test_a_whole_upload_is_let_through_whichever_way_it_came(api: str) -> None:
    assert passes(storage_event(api, "2026/a.jpg"))
    assert not passes(storage_event(api, "2026/a.jpg", container="images2"))


@pytest.mark.parametrize("api", [*UNFINISHED, *OTHERS])
def test_what_is_no_whole_upload_is_not(api: str) -> None:
    assert not passes(storage_event(api, "2026/a.jpg"))


@pytest.mark.parametrize("api", ENDINGS)
@pytest.mark.parametrize(("length", "taker"), [(0, UPLOADS), (104_857_600, UPLOADS), (104_857_601, LARGE)])
def test_an_upload_of_any_length_has_one_way(api: str, length: int, taker: event_subscriptions.Kind) -> None:
    event = storage_event(api, "2026/a.jpg")
    event["data"]["contentLength"] = length
    assert [kind for kind in KINDS if passes(event, kind)] == [taker]


@pytest.mark.parametrize("api", [name for name, kind in OTHERS.items() if kind != "DirectoryCreated"])
def test_what_is_deleted_or_renamed_has_one_way_although_it_tells_no_length(api: str) -> None:
    event = storage_event(api, "2026/a.jpg")
    del event["data"]["contentLength"]
    assert [kind for kind in KINDS if passes(event, kind)] == [CHANGES]
    away = storage_event(api, "2026/a.jpg", container="another")
    assert [kind for kind in KINDS if passes(away, kind)] == [], (
        "what leaves the container by a renaming tells its new name"
    )


def test_a_new_directory_and_half_an_upload_have_none() -> None:
    for api in ("CreateDirectory", *UNFINISHED):
        assert [kind for kind in KINDS if passes(storage_event(api, "2026"), kind)] == []


class Listed(WatchedContainer):
    """A container that lists what a test puts into it."""

    blobs: tuple[Blob, ...] = ()

    def pages(self) -> Iterator[list[Blob]]:
        yield list(self.blobs)

    def has(self, name: str) -> bool:
        return any(blob.name == name for blob in self.blobs)


def test_each_change_goes_to_the_function_whose_subscription_lets_it_through(tmp_path: Path) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    small = Blob("a.jpg", "0x1", "image/jpeg", 104_857_600, "BlockBlob", begun, begun, "Archive")
    large = replace(small, name="b.jpg", content_length=104_857_601)
    told = tmp_path / "told.db"
    with Listed(Addresses(7071).connection_string, "images") as container, Journal(told, "images") as journal:
        watcher = Watcher(container, journal)
        watcher.record_baseline()
        for container.blobs in ((small, large), (replace(small, tier="Hot"), large), ()):
            assert watcher.scan() > 0
        with Outbox(told, journal_module.UPLOADS) as uploads, Outbox(told, journal_module.EVENTS) as events:
            kinds = [
                [[kind for kind in KINDS if passes(each.event, kind)] for each in box.due(0, 9)]
                for box in (uploads, events)
            ]
    assert kinds == [[[UPLOADS]], [[LARGE], [CHANGES], [CHANGES], [CHANGES]]]
    assert [kind.function for kind in KINDS] == ["AnalyzeOnUpload", "StorageEvents", "StorageEvents"]
