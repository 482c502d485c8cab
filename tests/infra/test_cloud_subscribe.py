"""The event subscription: made in bad weather, mended where it differs, and given up on in time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from deployment import event_subscriptions
from doubles.arm import BUSY, GARBAGE, LOST, RESET, FakeArm, Fault, refusal
from doubles.arm_shapes import unknown_members
from doubles.cloud_world import HOST, OWN_TOPIC, CloudWorld

KEY = "k3y/+=="
PATH = f"{OWN_TOPIC}/eventSubscriptions/blobsight-func-test".lower()
KEYS, SUBSCRIPTION = ("POST", "listkeys$"), "eventsubscriptions/[^/]+$"
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


def _subscription(arm: FakeArm) -> dict[str, Any]:
    (found,) = arm.subscriptions.items()
    assert found[0] == PATH
    return found[1]


def test_what_is_sent_selects_uploads_to_the_container_alone_and_keeps_what_is_lost() -> None:
    body = event_subscriptions.body("https://app/hook", HOST)
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
            }
        ],
    }
    assert sent["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    assert sent["eventDeliverySchema"] == "EventGridSchema"
    assert sent["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"] == {
        "resourceId": HOST,
        "blobContainerName": "deadletters",
    }


@pytest.mark.parametrize("damage", ["deliverySchema", "filters", "dead_letter"])
def test_a_misspelt_member_is_noticed_by_the_double(damage: str) -> None:
    body = event_subscriptions.body("https://app/hook", HOST)
    {
        "deliverySchema": body["properties"],
        "filters": body["properties"]["filter"],
        "dead_letter": body["properties"]["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"],
    }[damage][damage] = "x"
    assert [name.rpartition("/")[2] for name in unknown_members(PATH, body)] == [damage]


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
    last = world.said.splitlines()[-1]
    assert last == (
        "Event subscription blobsight-func-test: made; an upload to the container 'images' starts AnalyzeOnUpload."
    )


NEVER_WELL = {
    "host asleep": (KEYS, Fault(503, '{"Code": "ServiceUnavailable"}'), "hand out its keys (503 ServiceUnavailable)"),
    "no trigger": (KEYS, Fault(200, '{"systemKeys": {"a": "b"}}'), "has not loaded the blob trigger yet"),
    "no network": (KEYS, RESET, "no answer from"),
    "garbage": (KEYS, GARBAGE, "200 with a body that is no JSON"),
    "handshake refused": (("PUT", SUBSCRIPTION), HANDSHAKE, "400 Url validation Webhook validation handshake failed"),
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
    assert [request.rpartition("/")[2] for request in asked] == ["listkeys", "sync", "health", "listkeys", "health"]


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


@pytest.mark.parametrize(
    ("damage", "part"),
    [
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
    assert world.clock.now() <= 20


def test_what_waiting_cannot_mend_is_told_at_once(world: CloudWorld) -> None:
    world.arm.always = {("PUT", SUBSCRIPTION): refusal(403, "AuthorizationFailed", "The client has no permission.")}
    assert world.runs("subscribe") == 1
    assert f"You need the role EventGrid EventSubscription Contributor on {OWN_TOPIC}." in world.said
    world.arm.always = {("PUT", SUBSCRIPTION): refusal(403, "RequestDisallowedByPolicy", "No webhooks.")}
    assert world.runs("subscribe") == 1
    assert "A policy of your subscription refuses" in world.said
    del world.arm.resources[OWN_TOPIC.lower()]["identity"]
    assert world.runs("subscribe") == 1
    assert "has no identity of its own" in world.said
    world.arm.resources.clear()
    assert world.runs("subscribe") == 1
    assert "There is no system topic evgt-own in rg-test. Run `azd provision --no-state`." in world.said
    assert world.clock.now() == 0


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
