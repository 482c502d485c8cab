"""The event subscriptions: made in bad weather, mended where they differ, and given up on in time."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from deployment import event_subscriptions, resource_ids
from deployment.event_subscriptions import CHANGES, KINDS, LARGE, UPLOADS, Kind, name_of, to_function, to_webhook
from deployment.subscribe import LOOK_SECONDS
from doubles.arm import BUSY, GARBAGE, LOST, RESET, FakeArm, Fault, refusal
from doubles.arm_shapes import unknown_members
from doubles.cloud_world import HOST, OWN_TOPIC, SITE, CloudWorld

from shared.lifecycle import storage_events

KEY = "k3y/+=="
PATH = f"{OWN_TOPIC}/eventSubscriptions/blobsight-func-test".lower()
PATHS = {kind: f"{PATH}{kind.suffix}" for kind in KINDS}
KEYS, SUBSCRIPTION = ("POST", "listkeys$"), "eventsubscriptions/[^/]+$"
FUNCTION = ("GET", "functions/storageevents$")
# Azure repeats the address, and an earlier key of it too.
TOLD = f"Webhook validation handshake failed for https://x?code=0ld-k3y&a=b, {KEY}, k3y%2F%2B%3D%3D"
HANDSHAKE = refusal(400, "Url validation", TOLD)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[CloudWorld]:
    made = CloudWorld(tmp_path, monkeypatch, capsys)
    yield made
    made.arm.close()
    assert KEY not in made.said
    assert "k3y" not in made.said


def _subscription(arm: FakeArm, kind: Kind = UPLOADS) -> dict[str, Any]:
    assert sorted(arm.subscriptions) == sorted(PATHS.values())
    return arm.subscriptions[PATHS[kind]]


def _body(kind: Kind) -> dict[str, Any]:
    site = resource_ids.parse(SITE, resource_ids.SITE, "SITE")
    where = to_webhook("https://app/hook?code=x") if kind is UPLOADS else to_function(site, kind)
    return event_subscriptions.body(kind, where, HOST)


def _puts(world: CloudWorld) -> list[str]:
    """Return the kinds that were written, by the suffixes of their names, in their order."""
    return [change.removeprefix(f"PUT {PATH}") for change in world.arm.journal if change.startswith("PUT ")]


def test_what_is_sent_selects_uploads_to_the_container_alone_and_keeps_what_is_lost() -> None:
    body = _body(UPLOADS)
    assert unknown_members(PATH, body) == []
    sent = body["properties"]
    assert sent["filter"] == {
        "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
        "subjectBeginsWith": "/blobServices/default/containers/images/blobs/",
        "subjectEndsWith": "",
        "advancedFilters": [
            {
                "operatorType": "StringIn",
                "key": "data.api",
                "values": ["PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit"],
            },
            {"operatorType": "NumberLessThanOrEquals", "key": "data.contentLength", "value": 104857600},
        ],
    }
    assert sent["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    assert sent["eventDeliverySchema"] == "EventGridSchema"
    assert sent["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"] == {
        "resourceId": HOST,
        "blobContainerName": "deadletters",
    }


def test_what_is_too_large_and_what_is_deleted_renamed_or_moved_goes_to_the_function_one_event_at_a_time() -> None:
    large, changes = (_body(kind)["properties"] for kind in (LARGE, CHANGES))
    uploads = _body(UPLOADS)["properties"]
    for kind, sent in ((LARGE, large), (CHANGES, changes)):
        assert unknown_members(PATHS[kind], {"properties": sent}) == []
        assert sent["destination"] == {
            "endpointType": "AzureFunction",
            "properties": {
                "resourceId": f"{SITE}/functions/StorageEvents",
                "maxEventsPerBatch": 1,
                "preferredBatchSizeInKilobytes": 64,
            },
        }
        for same in ("retryPolicy", "deadLetterWithResourceIdentity", "eventDeliverySchema"):
            assert sent[same] == uploads[same]
        assert sent["filter"]["subjectBeginsWith"] == "/blobServices/default/containers/images/blobs/"
    assert large["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobCreated"]
    assert large["filter"]["advancedFilters"] == [
        uploads["filter"]["advancedFilters"][0],
        {"operatorType": "NumberGreaterThan", "key": "data.contentLength", "value": 104857600},
    ]
    kinds = ("BlobDeleted", "BlobTierChanged", "BlobRenamed", "DirectoryRenamed", "DirectoryDeleted")
    assert changes["filter"]["includedEventTypes"] == [f"Microsoft.Storage.{kind}" for kind in kinds]
    assert changes["filter"]["advancedFilters"] == [], (
        "no deletion tells a length, and a missing one lets nothing through"
    )


def test_the_app_follows_the_events_that_come_and_is_told_of_the_lengths_that_the_trigger_is_not() -> None:
    assert set(storage_events.TYPES) == {*LARGE.types, *CHANGES.types}
    assert storage_events.LARGEST_OF_TRIGGER == event_subscriptions.LARGEST_UPLOAD_BYTES


@pytest.mark.parametrize("length", [9, 47, 48, 54, 60])
def test_names_stay_different_within_64_letters(length: int) -> None:
    apps = ["a" * length, f"{'a' * (length - 1)}b", f"{'a' * (length - 6)}-large", f"{'a' * (length - 7)}-events"]
    for app in apps:
        names = [name_of(app, kind) for kind in KINDS]
        assert len(set(names)) == 3
        assert all(re.fullmatch("[a-z0-9-]{3,64}", name) for name in names)
        # It is known by this name in deployments of earlier versions.
        assert names[0] == f"blobsight-{app}"[:64]
    assert len({name_of(app, kind) for app in apps for kind in (LARGE, CHANGES)}) == 8


@pytest.mark.parametrize("damage", ["deliverySchema", "filters", "dead_letter"])
def test_a_misspelt_member_is_noticed_by_the_double(damage: str) -> None:
    body = _body(UPLOADS)
    {
        "deliverySchema": body["properties"],
        "filters": body["properties"]["filter"],
        "dead_letter": body["properties"]["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"],
    }[damage][damage] = "x"
    assert [name.rpartition("/")[2] for name in unknown_members(PATH, body)] == [damage]


def test_a_destination_with_the_members_of_another_type_is_noticed_by_the_double() -> None:
    body = _body(LARGE)
    body["properties"]["destination"]["endpointType"] = "WebHook"
    told = unknown_members(PATHS[LARGE], body)
    assert told == [
        "/properties/destination/properties/resourceId",
        "/properties/destination/properties without endpointUrl",
    ]
    body["properties"]["destination"]["endpointType"] = "Function"
    assert unknown_members(PATHS[LARGE], body) == ["/properties/destination/endpointType"]


def test_the_subscription_is_made_at_last_in_bad_weather(world: CloudWorld) -> None:
    world.arm.faults = {
        KEYS: [Fault(400), Fault(503), RESET, GARBAGE, BUSY, Fault(200, '{"systemKeys": {}}'), Fault(200, "[]")],
        ("PUT", SUBSCRIPTION): [HANDSHAKE, HANDSHAKE, HANDSHAKE, refusal(403, "ResourceActionForbidden"), RESET, LOST],
        ("GET", SUBSCRIPTION): [BUSY, RESET, GARBAGE],
        ("GET", "systemtopics/[^/]+$"): [BUSY, RESET],
    }
    world.arm.states = ["Failed", "AwaitingManualAction"]
    assert world.runs("subscribe") == 0
    assert world.clock.now() < 900
    made = _subscription(world.arm)
    parts = urlsplit(made["endpoint"])
    assert made["endpoint"].startswith(f"{world.arm.url}/runtime/webhooks/blobs?")
    assert parse_qs(parts.query) == {"functionName": ["Host.Functions.AnalyzeOnUpload"], "code": [KEY]}
    assert [line for line in world.said.splitlines() if "made" in line] == [
        "Event subscription blobsight-func-test: made; an upload to the container 'images' starts AnalyzeOnUpload.",
        "Event subscription blobsight-func-test-large: made; StorageEvents is told of an upload of more than 100 MB.",
        "Event subscription blobsight-func-test-events: made; StorageEvents is told of what is deleted, renamed or "
        "moved to another tier.",
    ]
    for kind in (LARGE, CHANGES):
        shown = _subscription(world.arm, kind)["document"]["properties"]["destination"]
        assert shown["properties"]["resourceId"] == f"{SITE}/functions/StorageEvents"
        assert "code=" not in str(shown), "it has no key to keep"


def test_the_two_for_the_function_are_made_at_last_in_bad_weather(world: CloudWorld) -> None:
    not_there = refusal(400, "Endpoint validation", "Destination endpoint not found.")
    world.arm.faults = {
        FUNCTION: [refusal(404, "NotFound"), BUSY, RESET, GARBAGE, Fault(503)],
        ("PUT", "-large$"): [not_there, not_there, refusal(403, "ResourceActionForbidden"), RESET, LOST, BUSY],
        ("PUT", "-events$"): [not_there, LOST],
        ("GET", "-events$"): [BUSY, GARBAGE],
    }
    # Uploads, large ones, the others.
    world.arm.states = ["Succeeded", "Failed", "Succeeded", "Failed"]
    assert world.runs("subscribe") == 0
    assert world.clock.now() < 900
    assert all(one["becomes"] == "Succeeded" for one in world.arm.subscriptions.values())
    assert "the app's host has not loaded StorageEvents yet" in world.said
    assert "Destination endpoint not found" in world.said
    woken = [request.rpartition("/")[2] for request in world.arm.requests]
    first = woken.index("storageevents")
    assert woken[first : first + 4] == ["storageevents", "sync", "health", "storageevents"]


NEVER_WELL = {
    "host asleep": (KEYS, Fault(503, '{"Code": "ServiceUnavailable"}'), "hand out its keys (503 ServiceUnavailable)"),
    "no trigger": (KEYS, Fault(200, '{"systemKeys": {"a": "b"}}'), "has not loaded the blob trigger yet"),
    "no network": (KEYS, RESET, "no answer from"),
    "garbage": (KEYS, GARBAGE, "200 with a body that is no JSON"),
    "handshake refused": (("PUT", SUBSCRIPTION), HANDSHAKE, "400 Url validation Webhook validation handshake failed"),
}
FUNCTION_NEVER_WELL = {
    "not loaded": (FUNCTION, refusal(404, "NotFound"), "the app's host has not loaded StorageEvents yet"),
    "unreadable": (FUNCTION, Fault(503), "the app's functions cannot be read (503)"),
    "not found": (("PUT", "-large$"), refusal(400, "Endpoint validation", "Not found."), "400 Endpoint validation Not"),
}


@pytest.mark.parametrize("case", NEVER_WELL)
def test_what_never_gets_well_ends_within_its_patience_with_the_last_reason(world: CloudWorld, case: str) -> None:
    where, fault, reason = NEVER_WELL[case]
    world.arm.always = {where: fault}
    assert world.runs("subscribe", "smoke") == 1
    assert 800 < world.clock.now() <= 900
    *_, last, again = world.said.splitlines()
    assert last.startswith("subscribe failed: ")
    assert reason in last.partition("The last reason: ")[2]
    assert last.endswith("answers in a browser." if case == "handshake refused" else "uploads the app again.")
    assert again == "When that is mended, run: azd hooks run postdeploy"
    assert not world.arm.subscriptions


@pytest.mark.parametrize("case", FUNCTION_NEVER_WELL)
def test_a_function_that_never_gets_well_keeps_no_upload_waiting(world: CloudWorld, case: str) -> None:
    where, fault, reason = FUNCTION_NEVER_WELL[case]
    world.arm.always = {where: fault}
    assert world.runs("subscribe", "smoke") == 1
    assert 800 < world.clock.now() <= 900
    assert list(world.arm.subscriptions) == [PATH]
    last = world.said.splitlines()[-2]
    assert reason in last.partition("The last reason: ")[2]
    assert "StorageEvents" in last


def test_an_app_of_the_version_before_gets_the_other_two_and_no_upload_is_without_a_way(world: CloudWorld) -> None:
    assert world.runs("subscribe") == 0
    good = world.state()

    def as_before() -> None:
        """It had one subscription, which took uploads of any length."""
        for kind in (LARGE, CHANGES):
            del world.arm.subscriptions[PATHS[kind]]
        world.arm.subscriptions[PATH]["document"]["properties"]["filter"]["advancedFilters"].pop()
        world.arm.journal.clear()

    as_before()
    world.arm.always = {FUNCTION: refusal(404, "NotFound")}
    assert world.runs("subscribe") == 1
    assert _puts(world) == [], "large uploads would go nowhere"
    world.arm.always = {}
    assert world.runs("subscribe") == 0
    assert _puts(world) == ["-large", "", "-events"]
    assert [line.partition(";")[0] for line in world.said.splitlines() if ";" in line][-3:] == [
        "Event subscription blobsight-func-test-large: made",
        "Event subscription blobsight-func-test: changed, because its filter differed",
        "Event subscription blobsight-func-test-events: made",
    ]
    as_before()
    world.arm.subscriptions[PATH]["document"]["properties"]["provisioningState"] = "Failed"
    world.arm.subscriptions[PATH]["becomes"] = "Failed"
    assert world.runs("subscribe") == 0
    assert _puts(world) == ["", "-large", "-events"], "one that has failed takes nothing"
    world.arm.journal.clear()
    assert {path: found["document"] for path, found in world.arm.subscriptions.items()} == {
        path: found["document"] for path, found in json.loads(good)[2].items()
    }


def test_a_key_that_comes_late_leaves_the_subscription_less_time(world: CloudWorld) -> None:
    world.arm.faults = {KEYS: [BUSY] * 120}
    world.arm.always = {("PUT", SUBSCRIPTION): BUSY}
    assert world.runs("subscribe") == 1
    assert set(world.clock.sleeps) == {7.0}, "Azure says how long"
    assert 880 < world.clock.now() <= 900


def test_a_subscription_that_fails_again_and_again_ends_with_what_event_grid_met(world: CloudWorld) -> None:
    world.arm.states = ["Failed"] * 100
    assert world.runs("subscribe") == 1
    assert world.clock.now() <= 900
    assert "Event Grid says Failed: 200 ResourceOperationFailure It ended as Failed. Url validation Web" in world.said
    assert "code=***" in world.said


def test_a_host_that_sleeps_is_woken_before_its_key_and_before_the_handshake(world: CloudWorld) -> None:
    world.arm.faults = {KEYS: [Fault(503)]}
    assert world.runs("subscribe") == 0
    asked = [request for request in world.arm.requests if request.endswith(("listkeys", "sync", "health"))]
    told = [request.rpartition("/")[2] for request in asked]
    assert told == ["listkeys", "sync", "health", "listkeys", "health", "health", "health"]


def test_the_second_time_nothing_is_changed_and_nothing_waited_for(world: CloudWorld) -> None:
    assert world.runs("subscribe") == 0
    changes, state, moment = world.changes(), world.state(), world.clock.now()
    assert world.runs("subscribe") == 0
    assert (world.changes(), world.state(), world.clock.now()) == (changes, state, moment)
    assert "blobsight-func-test: there already;" in world.said


def _filter(found: dict[str, Any]) -> None:
    found["document"]["properties"]["filter"]["advancedFilters"][0]["values"].remove("SftpCommit")


def _more(found: dict[str, Any]) -> None:
    found["document"]["properties"]["filter"]["advancedFilters"][0]["values"].append("DeleteBlob")


def _dead_letters(found: dict[str, Any]) -> None:
    del found["document"]["properties"]["deadLetterWithResourceIdentity"]


def _retries(found: dict[str, Any]) -> None:
    found["document"]["properties"]["retryPolicy"]["maxDeliveryAttempts"] = 3


def _address(found: dict[str, Any]) -> None:
    found["document"]["properties"]["destination"]["properties"]["endpointBaseUrl"] = "https://other/hook"


def _ending(found: dict[str, Any]) -> None:
    found["document"]["properties"]["filter"]["subjectEndsWith"] = ".png"


def _key(found: dict[str, Any]) -> None:
    found["endpoint"] = found["endpoint"].replace("k3y", "0ld")


def _length(found: dict[str, Any]) -> None:
    found["document"]["properties"]["filter"]["advancedFilters"][1]["value"] -= 1


def _types(found: dict[str, Any]) -> None:
    found["document"]["properties"]["filter"]["includedEventTypes"].pop()


def _rules(found: dict[str, Any]) -> None:
    found["document"]["properties"]["filter"]["advancedFilters"].append({"operatorType": "StringIn", "key": "data.api"})


def _function(found: dict[str, Any]) -> None:
    where = found["document"]["properties"]["destination"]["properties"]
    where["resourceId"] = where["resourceId"].replace("StorageEvents", "Another")


def _batches(found: dict[str, Any]) -> None:
    found["document"]["properties"]["destination"]["properties"]["maxEventsPerBatch"] = 10


@pytest.mark.parametrize(
    ("damage", "part", "kind"),
    [
        (_length, "filter", LARGE),
        (_types, "filter", CHANGES),
        (_rules, "filter", CHANGES),
        (_function, "destination", LARGE),
        (_batches, "destination", CHANGES),
        (_dead_letters, "deadLetterWithResourceIdentity", LARGE),
        (_retries, "retryPolicy", CHANGES),
    ],
)
def test_one_that_goes_to_the_function_and_differs_is_mended(
    world: CloudWorld, damage: Any, part: str, kind: Kind
) -> None:
    assert world.runs("subscribe") == 0
    good = world.state()
    damage(_subscription(world.arm, kind))
    world.arm.journal.clear()
    assert world.runs("subscribe") == 0
    assert f"blobsight-func-test{kind.suffix}: changed, because its {part} differed;" in world.said
    assert _puts(world) == [kind.suffix]
    assert world.state() == good


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (_length, "filter"),
        (_filter, "filter"),
        (_more, "filter"),
        (_ending, "filter"),
        (_dead_letters, "deadLetterWithResourceIdentity"),
        (_retries, "retryPolicy"),
        (_address, "destination"),
        (_key, "key"),
    ],
)
def test_a_subscription_that_differs_is_mended(world: CloudWorld, damage: Any, part: str) -> None:
    assert world.runs("subscribe") == 0
    good = world.state()
    damage(_subscription(world.arm))
    assert world.runs("subscribe") == 0
    assert f"changed, because its {part} differed;" in world.said
    assert world.state() == good


def test_members_and_cases_of_azures_own_are_no_difference(world: CloudWorld) -> None:
    assert world.runs("subscribe") == 0
    events = _subscription(world.arm, CHANGES)["document"]["properties"]
    events["filter"]["advancedFilters"] = None
    events["destination"]["properties"]["resourceId"] = events["destination"]["properties"]["resourceId"].upper()
    _subscription(world.arm, LARGE)["document"]["properties"]["filter"]["advancedFilters"][1]["value"] = 104857600.0
    shown = _subscription(world.arm)["document"]["properties"]
    shown["filter"] |= {"subjectEndsWith": "", "enableAdvancedFilteringOnArrays": None}
    shown["filter"]["advancedFilters"][0]["values"].reverse()
    # What Azure can leave out: its defaults.
    del shown["filter"]["subjectEndsWith"], shown["retryPolicy"]["maxDeliveryAttempts"]
    shown["destination"]["properties"] |= {"maxEventsPerBatch": None, "azureActiveDirectoryTenantId": None}
    shown |= {"labels": None, "expirationTimeUtc": None, "deliveryWithResourceIdentity": None}
    where = shown["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"]
    where["resourceId"] = where["resourceId"].upper()
    before = world.changes()
    assert world.runs("subscribe") == 0
    assert world.changes() == before


def test_a_part_that_azure_does_not_show_is_no_reason_to_wait_for_it(world: CloudWorld) -> None:
    world.arm.not_shown = "retryPolicy"
    assert world.runs("subscribe", "subscribe") == 0
    assert world.clock.now() <= 60


def test_what_waiting_cannot_mend_is_told_at_once(world: CloudWorld) -> None:
    world.arm.always = {("PUT", SUBSCRIPTION): refusal(403, "AuthorizationFailed", "The client has no permission.")}
    assert world.runs("subscribe") == 1
    assert f"You need the role EventGrid EventSubscription Contributor on {OWN_TOPIC}." in world.said
    linked = refusal(403, "LinkedAuthorizationFailed", "The client has no permission on the function.")
    world.arm.always = {("PUT", "-large$"): linked}
    assert world.runs("subscribe") == 1
    assert f"Contributor on {OWN_TOPIC} and Website Contributor on {SITE}.\n" in world.said
    del world.arm.subscriptions[PATH]
    world.arm.always = {("PUT", SUBSCRIPTION): refusal(403, "RequestDisallowedByPolicy", "No webhooks.")}
    assert world.runs("subscribe") == 1
    assert "A policy of your subscription refuses" in world.said
    del world.arm.resources[OWN_TOPIC.lower()]["identity"]
    assert world.runs("subscribe") == 1
    assert "has no identity of its own" in world.said
    world.arm.resources.clear()
    assert world.runs("subscribe") == 1
    assert "There is no system topic evgt-own in rg-test. Run `azd provision --no-state`." in world.said
    assert world.clock.now() == 2 * LOOK_SECONDS, "until uploads were there"


def test_a_sign_in_that_has_ended_is_renewed_once(world: CloudWorld) -> None:
    world.arm.faults = {("GET", "systemtopics/[^/]+$"): [Fault(401)]}
    assert world.runs("subscribe") == 0
    assert len(world.azd.calls("auth token")) == 2
    world.arm.always = {("GET", "systemtopics/[^/]+$"): Fault(401)}
    assert world.runs("subscribe") == 1
    assert "Run `azd auth login`." in world.said


def test_the_token_is_shown_to_the_endpoint_alone(world: CloudWorld) -> None:
    world.sets(ARM_ENDPOINT="http://example.com")
    assert world.runs("subscribe") == 1
    assert "it has to begin with https://" in world.said
    world.sets(ARM_ENDPOINT=world.arm.url)
    world.arm.faults = {("GET", "systemtopics/[^/]+$"): [Fault(307, headers={"Location": "http://127.0.0.2:9/"})]}
    assert world.runs("subscribe") == 1
    assert "could not be read: 307" in world.said


def test_a_subscription_whose_state_is_not_shown_is_left_alone(world: CloudWorld) -> None:
    assert world.runs("subscribe") == 0
    before = world.changes()
    world.arm.faults = {("GET", SUBSCRIPTION): [Fault(200, "{}"), Fault(200, "[]"), Fault(200, "[" * 100_000)]}
    assert world.runs("subscribe") == 0
    assert world.changes() == before


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("http://other.example/operations/1", "Event Grid says Failed"),
        ("not an address", "Event Grid says Failed"),
        ("{url}/operations/1", "Event Grid says Failed: 200 ResourceOperationFailure"),
    ],
)
def test_where_the_operation_leads_ends_no_waiting(world: CloudWorld, where: str, reason: str) -> None:
    world.arm.operation_at = where
    world.arm.states = ["Failed"]
    assert world.runs("subscribe") == 0
    assert reason in world.said
