"""Existing accounts and new roles: what is refused, given, waited for and taken away, and what is left alone."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from deployment import assignments, inputs
from doubles.arm import BUSY, GARBAGE, LOST, RESET, Fault, refusal
from doubles.cloud_world import COMPANY, EYES, GROUP, HOST, PHOTOS, PHOTOS_TOPIC, SUBSCRIPTION, CloudWorld
from doubles.parts import ENVIRONMENT

from shared.contract import FEATURES
from shared.errors import SettingsError
from shared.settings import Settings

OWNER, QUEUE = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
CONTRIBUTOR, VISION = "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "a97b65f3-24c7-4388-baec-2e87135dc908"
ROLES = "/roleassignments"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[CloudWorld]:
    made = CloudWorld(tmp_path, monkeypatch, capsys)
    yield made
    made.arm.close()


def _given(world: CloudWorld) -> set[tuple[str, str, str]]:
    """Return principal, role and the account's name of each role that Azure keeps."""
    found = [role["properties"] for role in world.arm.roles.values()]
    return {(p["principalId"], p["roleDefinitionId"][-36:], p["scope"].rpartition("/")[2].lower()) for p in found}


# prepare


def test_an_environment_with_accounts_of_its_own_asks_azure_nothing(world: CloudWorld) -> None:
    assert world.runs("prepare", "connect", "disconnect") == 0
    assert world.arm.requests == []
    assert world.azd.calls() == []


def test_existing_accounts_are_looked_at_and_what_the_template_needs_is_written_once(world: CloudWorld) -> None:
    world.has_accounts()
    world.add(f"{COMPANY}/providers/Microsoft.EventGrid/systemTopics/another", {"source": f"{PHOTOS}2"})
    world.arm.faults = {("GET", "photos$"): [BUSY, RESET, GARBAGE], ("GET", "systemtopics$"): [BUSY, RESET]}
    assert world.runs("prepare") == 0
    written = ["env set BLOBSIGHT_IMAGES_LOCATION westeurope", f"env set BLOBSIGHT_EXISTING_TOPIC_ID {PHOTOS_TOPIC}"]
    assert world.changes() == written
    assert world.runs("prepare") == 0
    assert world.changes() == written


@pytest.mark.parametrize(("owner", "is_foreign"), [("test", False), ("another", True)])
def test_a_topic_that_this_environment_made_is_not_an_existing_one(
    world: CloudWorld, owner: str, is_foreign: bool
) -> None:
    world.has_accounts()
    world.add(PHOTOS_TOPIC, {"source": PHOTOS.upper()}, tags={"azd-env-name": owner})
    world.sets(BLOBSIGHT_EXISTING_TOPIC_ID="stale")
    assert world.runs("prepare") == 0
    assert f"env set BLOBSIGHT_EXISTING_TOPIC_ID {PHOTOS_TOPIC if is_foreign else ''}" in world.azd.calls()
    assert ("the environment another made it" in world.said) == is_foreign


IMAGES_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "old kind": ({"kind": "Storage"}, "is of the kind Storage. The app needs StorageV2"),
    "no queues": ({"kind": "BlockBlobStorage"}, "is of the kind BlockBlobStorage"),
    "closed": ({"properties": {"publicNetworkAccess": "Disabled"}}, "`azd env set BLOBSIGHT_CLOSED_NETWORK true`"),
    "firewall": ({"properties": {"networkAcls": {"defaultAction": "Deny"}}}, "is closed to the public network"),
}
VISION_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another service": ({"kind": "Face"}, "is of the kind Face"),
    "no subdomain": ({"properties": {}}, "has no custom subdomain"),
    "closed vision": (
        {"properties": {"customSubDomainName": "e", "publicNetworkAccess": "Disabled"}},
        "eyes is closed",
    ),
}


@pytest.mark.parametrize("case", [*IMAGES_REFUSED, *VISION_REFUSED])
def test_an_account_that_does_not_fit_is_refused_before_anything_is_made(world: CloudWorld, case: str) -> None:
    world.has_accounts()
    changed, reason = {**IMAGES_REFUSED, **VISION_REFUSED}[case]
    world.arm.resources[(PHOTOS if case in IMAGES_REFUSED else EYES).lower()] |= changed
    assert world.runs("prepare") == 1
    assert reason in world.said
    assert world.said.endswith("When that is mended, run: azd up\n")
    assert world.changes() == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID", "photos", "is 'photos'; it has to be the resource id /subscriptions/"),
        ("BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID", EYES, "providers/Microsoft.Storage/storageAccounts/..."),
        ("BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID", PHOTOS + "/", "it has to be the resource id /subscriptions/"),
        ("BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID", PHOTOS + " ", "with white space around it. Set it without."),
        ("BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID", f"{PHOTOS}' or '1", "it has to be the resource id /subscriptions/"),
        ("BLOBSIGHT_FEATURES", " ", "with white space around it. Set it without."),
        ("BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID", PHOTOS + "s", "There is no "),
        ("BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID", PHOTOS.replace("0a/", "0b/"), "Event Grid wants an account and its"),
        ("BLOBSIGHT_EXISTING_VISION_ACCOUNT_ID", EYES + "2", "Check BLOBSIGHT_EXISTING_VISION_ACCOUNT_ID."),
        ("BLOBSIGHT_PYTHON", "3.13", "BLOBSIGHT_PYTHON is '3.13'; it has to be 3.11 or 3.12."),
        ("BLOBSIGHT_VISION_TIER", "S2", "it has to be F0 or S1"),
        ("BLOBSIGHT_VISION_MONTHLY_LIMIT", "-1", "it has to be a whole number of transactions"),
        ("BLOBSIGHT_VISION_MONTHLY_LIMIT", "2", "one for each feature: nothing could be analyzed. Set it: "),
        ("BLOBSIGHT_MONTHLY_BUDGET", "10.5", "it has to be a whole amount of money"),
        ("BLOBSIGHT_ALWAYS_READY", "41", "it has to be a whole number of instances up to 40"),
        ("BLOBSIGHT_FEATURES", "Tags,Cats", "it has to be a comma-separated choice of Categories, Adult, Tags"),
        ("BLOBSIGHT_THUMBNAIL_SIZES", "200x150,4097x1", "with sides of 1 to 4096"),
    ],
)
def test_an_input_that_cannot_be_is_refused_by_its_name(world: CloudWorld, name: str, value: str, reason: str) -> None:
    world.sets(**{name: value})
    assert world.runs("prepare") == 1
    assert name in world.said
    assert reason in world.said


def test_what_the_app_takes_is_taken(world: CloudWorld) -> None:
    assert inputs.FEATURES == FEATURES
    for size in ("1x1", "1024x999", "1010x100, 20x3"):
        world.sets(BLOBSIGHT_FEATURES="tags, Description", BLOBSIGHT_THUMBNAIL_SIZES=size, BLOBSIGHT_ALWAYS_READY="40")
        assert world.runs("prepare") == 0


@pytest.mark.parametrize(("features", "limit", "status"), [("Tags,tags", "1", 0), ("Tags,Color", "1", 1), ("", "0", 0)])
def test_a_monthly_limit_is_as_high_as_one_analysis_costs_or_0(
    world: CloudWorld, features: str, limit: str, status: int
) -> None:
    world.sets(BLOBSIGHT_FEATURES=features, BLOBSIGHT_VISION_MONTHLY_LIMIT=limit)
    assert world.runs("prepare") == status
    settings = {"VISION_MONTHLY_LIMIT": limit, **({"VISION_FEATURES": features} if features else {})}
    with nullcontext() if not status else pytest.raises(SettingsError):
        Settings.from_env({**ENVIRONMENT, **settings})


def test_what_is_set_is_told_and_a_name_that_nothing_reads_too(world: CloudWorld) -> None:
    world.sets(BLOBSIGHT_VISION_TIER="F0", BLOBSIGHT_VISION_TEIR="F0", BLOBSIGHT_OLD="1", BLOBSIGHT_GONE="")
    assert world.runs("prepare") == 0
    told = [line for line in world.said.splitlines() if line.startswith(("Parameters", "Note"))]
    assert told == [
        "Parameters that are set: BLOBSIGHT_VISION_TIER=F0. The others have their defaults.",
        "Note: BLOBSIGHT_OLD is set, and no parameter has that name.",
        "Note: BLOBSIGHT_VISION_TEIR is set, and no parameter has that name. Is it BLOBSIGHT_VISION_TIER?",
    ]


def test_an_account_with_a_dot_in_its_name_is_taken(world: CloudWorld) -> None:
    world.has_accounts()
    dotted = EYES.replace("eyes", "my.eyes_1")
    world.add(dotted, {"customSubDomainName": "eyes"}, kind="ComputerVision")
    world.sets(BLOBSIGHT_EXISTING_VISION_ACCOUNT_ID=dotted)
    assert world.runs("prepare") == 0


def test_closed_accounts_are_reached_through_the_closed_network(world: CloudWorld) -> None:
    world.has_accounts()
    for account in (PHOTOS, EYES):
        world.arm.resources[account.lower()]["properties"]["publicNetworkAccess"] = "Disabled"
    world.sets(BLOBSIGHT_CLOSED_NETWORK="True")
    assert world.runs("prepare") == 0


def test_an_account_with_a_hierarchical_namespace_is_taken(world: CloudWorld) -> None:
    world.has_accounts()
    world.arm.resources[PHOTOS.lower()]["properties"]["isHnsEnabled"] = True
    assert world.runs("prepare") == 0
    assert "Images: the existing storage account Photos in westeurope." in world.said


def test_what_keeps_deleted_images_is_only_noted(world: CloudWorld) -> None:
    world.has_accounts()
    world.add(
        f"{PHOTOS}/blobServices/default",
        {"isVersioningEnabled": True, "deleteRetentionPolicy": {"enabled": True}, "changeFeed": {"enabled": False}},
    )
    assert world.runs("prepare") == 0
    assert "Note: Photos has versioning and soft delete on;" in world.said


def test_the_closed_network_has_its_provider_registered_once(world: CloudWorld) -> None:
    world.sets(BLOBSIGHT_CLOSED_NETWORK="true")
    world.arm.faults = {("GET", "microsoft.app$"): [BUSY, RESET]}
    register = [f"POST /subscriptions/{SUBSCRIPTION}/providers/microsoft.app/register"]
    assert world.runs("prepare") == 0
    assert world.changes() == register
    assert world.runs("prepare") == 0
    assert world.changes() == register
    world.arm.always = {("GET", "microsoft.app$"): Fault(200, '{"registrationState": "Registering"}')}
    begin = world.clock.now()
    assert world.runs("prepare") == 1
    assert world.clock.now() - begin <= 600
    assert "Provider Microsoft.App: gave up after 600 s. The last reason: its state is Registering" in world.said


@pytest.mark.parametrize(
    ("stored", "groups", "in_azure", "start"),
    [
        ("", [], "", "2026-01-01"),
        ("2025-11-01", [], "", "2026-01-01"),  # left over from an environment that `azd down` has taken away
        ("2025-11-01", ["rg-test"], "2025-11-01T00:00:00Z", "2025-11-01"),
        ("", ["rg-test"], "2025-11-01T00:00:00Z", "2025-11-01"),
        ("2026-03-01", ["rg-test"], "", "2026-03-01"),
    ],
)
def test_a_budget_keeps_the_start_that_it_has_in_azure(
    world: CloudWorld, stored: str, groups: list[str], in_azure: str, start: str
) -> None:
    # As in a pipeline, which knows no outputs before it has provisioned.
    world.sets(BLOBSIGHT_MONTHLY_BUDGET="20", BLOBSIGHT_BUDGET_START=stored, AZURE_RESOURCE_GROUP="")
    world.arm.groups = {"test": groups, "another": ["rg-another"]}
    times = {"budget-of-theirs": "2024-01-01T00:00:00Z", **({"budget-abcdefghijklm": in_azure} if in_azure else {})}
    world.arm.budgets = [{"name": n, "properties": {"timePeriod": {"startDate": t}}} for n, t in times.items()]
    assert world.runs("prepare", "prepare") == 0
    assert world.changes() == ([] if stored == start else [f"env set BLOBSIGHT_BUDGET_START {start}"])


# connect


def test_connecting_gives_each_role_its_reason_and_makes_the_containers_in_bad_weather(world: CloudWorld) -> None:
    world.has_accounts()
    world.sets(BLOBSIGHT_EXISTING_TOPIC_ID=PHOTOS_TOPIC)
    world.arm.containers[f"{PHOTOS}/blobServices/default/containers".lower()] = ["images", "theirs"]
    world.arm.unknown_for |= {"the-topic": 3, "the-app": 2}
    world.arm.faults = {
        ("PUT", ROLES): [BUSY, RESET, LOST, Fault(503)],
        ("PATCH", "systemtopics"): [LOST],
        ("GET", f"{ROLES}$"): [RESET, GARBAGE],
        ("PUT", "/containers/"): [LOST, BUSY],
    }
    assert world.runs("connect") == 0
    assert _given(world) == {
        ("the-topic", CONTRIBUTOR, "deadletters"),
        ("the-app", OWNER, "photos"),
        ("the-app", QUEUE, "photos"),
        ("the-person", CONTRIBUTOR, "photos"),
        ("the-app", VISION, "eyes"),
    }
    for role in world.arm.roles.values():
        given = role["properties"]
        assert given["description"].endswith(".")
        assert given["principalType"] == ("User" if given["principalId"] == "the-person" else "ServicePrincipal")
    (there,) = world.arm.containers.values()
    assert set(there) == {"theirs", "images", "analysis", "text", "thumbnails", "unfinished", "corrections", "search"}
    before, moment = world.changes(), world.clock.now()
    assert world.runs("connect") == 0
    assert (world.changes(), world.clock.now()) == (before, moment)
    assert world.said.endswith("Connected: Photos and eyes; 0 of 5 roles are new.\n")


def test_a_role_that_the_company_gave_already_is_not_given_again(world: CloudWorld) -> None:
    world.has_accounts()
    world.sets(BLOBSIGHT_DEPLOYER_ID="")
    world.gives("the-app", OWNER, COMPANY, name="above")
    world.gives("the-app", QUEUE, PHOTOS.upper(), name="same")
    world.gives("the-app", VISION, COMPANY, name="conditional", condition="only at night")
    assert world.runs("connect") == 0
    given = [change for change in world.changes() if ROLES in change]
    assert [change.partition("/providers/microsoft.authorization")[0] for change in given] == [f"PUT {EYES.lower()}"]
    world.arm.always = {("GET", f"{ROLES}$"): Fault(200, '{"value": []}')}
    assert world.runs("connect") == 0
    assert "Note: Azure says that the role Storage Queue Data Contributor on Photos is there already." in world.said


def test_a_topic_keeps_the_identities_that_it_has(world: CloudWorld) -> None:
    world.has_accounts()
    world.sets(BLOBSIGHT_EXISTING_TOPIC_ID=PHOTOS_TOPIC)
    theirs = {"/subscriptions/x/userAssignedIdentities/theirs": {"principalId": "p"}}
    world.add(PHOTOS_TOPIC, {"source": PHOTOS}, identity={"type": "UserAssigned", "userAssignedIdentities": theirs})
    assert world.runs("connect") == 0
    identity = world.arm.resources[PHOTOS_TOPIC.lower()]["identity"]
    assert identity["type"] == "SystemAssigned, UserAssigned"
    assert list(identity["userAssignedIdentities"]) == list(theirs)


def test_who_may_not_give_roles_is_told_which_role_that_takes(world: CloudWorld) -> None:
    world.has_accounts()
    world.arm.always = {("PUT", ROLES): refusal(403, "AuthorizationFailed", "No permission.")}
    assert world.runs("connect") == 1
    assert f"Role Based Access Control Administrator (or Owner) on {PHOTOS}." in world.said


def test_an_identity_that_never_becomes_known_ends_the_waiting(world: CloudWorld) -> None:
    world.has_accounts()
    world.arm.unknown_for["the-app"] = 10_000
    assert world.runs("connect") == 1
    assert world.clock.now() <= 300
    assert "The last reason: the directory does not know the new identity everywhere yet" in world.said


# wait-for-roles


def test_new_roles_are_given_two_minutes_and_old_ones_none(world: CloudWorld) -> None:
    world.has_accounts()
    world.gives("the-app", OWNER, HOST, name="own")
    world.clock.advance(1000)
    world.gives("the-app", OWNER, PHOTOS, name="first")
    world.clock.advance(30)
    world.gives("the-app", VISION, EYES, name="second")
    world.gives("the-person", CONTRIBUTOR, PHOTOS, name="theirs")
    world.clock.advance(20)
    assert world.runs("wait-for-roles") == 0
    assert sum(world.clock.sleeps) == 100
    assert world.runs("wait-for-roles") == 0
    assert sum(world.clock.sleeps) == 100
    assert world.changes() == []


def test_a_clock_that_is_slow_waits_no_longer(world: CloudWorld) -> None:
    world.gives("the-app", OWNER, GROUP)
    world.arm.roles[next(iter(world.arm.roles))]["properties"]["createdOn"] = "2026-01-01T05:00:00.1Z"
    assert world.runs("wait-for-roles") == 0
    assert sum(world.clock.sleeps) == 120


@pytest.mark.parametrize("text", ['{"value": "abc"}', '{"value": [1, {}, {"properties": {"createdOn": null}}]}'])
def test_a_list_that_makes_no_sense_is_an_empty_one(world: CloudWorld, text: str) -> None:
    world.has_accounts()
    world.arm.always = {("GET", ROLES): Fault(200, text)}
    assert world.runs("wait-for-roles") == 1
    assert "the app's identity has none on" in world.said
    assert world.runs("disconnect") == 0


def test_an_identity_without_a_role_is_not_deployed_to(world: CloudWorld) -> None:
    world.has_accounts()
    world.gives("the-app", OWNER, GROUP)
    assert world.runs("wait-for-roles", "subscribe") == 1
    assert world.clock.now() <= 300
    assert f"the app's identity has none on {PHOTOS}" in world.said
    assert not world.arm.subscriptions


# disconnect


def test_disconnecting_leaves_everything_as_it_was_before_but_the_containers(world: CloudWorld) -> None:
    world.has_accounts()
    world.add(PHOTOS_TOPIC, {"source": PHOTOS}, identity={"principalId": "the-topic"})
    world.sets(BLOBSIGHT_EXISTING_TOPIC_ID=PHOTOS_TOPIC, BLOBSIGHT_TOPIC_ID=PHOTOS_TOPIC)
    world.gives("the-app", VISION, COMPANY, name="above")
    world.gives("another-app", OWNER, PHOTOS, name="theirs")
    theirs = f"{PHOTOS_TOPIC}/eventSubscriptions/theirs".lower()
    world.arm.subscriptions[theirs] = {"document": {"properties": {}}}
    before = world.state(), set(world.arm.roles)
    assert world.runs("connect", "subscribe") == 0
    # Another environment on the same account stays connected.
    world.sets(AZURE_ENV_NAME="another", BLOBSIGHT_IDENTITY_PRINCIPAL_ID="another-identity", BLOBSIGHT_DEPLOYER_ID="")
    assert world.runs("connect") == 0
    others = {path for path, role in world.arm.roles.items() if "another-identity" in str(role)}
    # The one who takes down need not be the one who deployed.
    world.sets(AZURE_ENV_NAME="test", BLOBSIGHT_DEPLOYER_ID="somebody-else", BLOBSIGHT_IDENTITY_PRINCIPAL_ID="")
    containers = str(world.arm.containers)
    world.arm.faults = {
        ("DELETE", ROLES): [LOST, BUSY, RESET],
        ("DELETE", "eventsubscriptions"): [LOST],
        ("GET", "eventsubscriptions"): [BUSY],
    }
    assert world.runs("disconnect") == 0
    left = {path for path in world.arm.roles if f"{PHOTOS}/".lower() in path or f"{EYES}/".lower() in path}
    assert len(others) == 3
    assert left | {path for path in before[1] if COMPANY.lower() in path} == others | before[1]
    assert list(world.arm.subscriptions) == [theirs]
    assert str(world.arm.containers) == containers
    done = world.changes()
    assert world.runs("disconnect") == 0
    assert world.changes() == done


def test_an_environment_that_was_never_deployed_can_be_taken_down(world: CloudWorld) -> None:
    world.has_accounts(with_topic=False)
    world.sets(AZURE_FUNCTION_APP_NAME="", BLOBSIGHT_IDENTITY_PRINCIPAL_ID="", BLOBSIGHT_TOPIC_ID="")
    assert world.runs("disconnect") == 0
    assert world.changes() == []


FORBIDDEN = refusal(403, "AuthorizationFailed", "No.")


@pytest.mark.parametrize(
    ("method", "pattern", "fault", "told", "removed"),
    [
        ("DELETE", f"{ROLES}/", refusal(409, "ScopeLocked", "Locked."), "stays: 409 ScopeLocked Locked.", 3),
        ("DELETE", f"{ROLES}/", FORBIDDEN, "Role Based Access Control Administrator (or Owner) on", 3),
        ("GET", f"photos/.*{ROLES}$", FORBIDDEN, f"Roles on {PHOTOS}: You may not GET", 4),
        (
            "DELETE",
            "func-test-large$",
            refusal(409, "ScopeLocked", "Locked."),
            "blobsight-func-test-large could not",
            6,
        ),
        ("GET", "eventsubscriptions", FORBIDDEN, f"{PHOTOS_TOPIC}/eventSubscriptions/blobsight-func-test: You may", 4),
    ],
)
def test_what_cannot_be_taken_away_is_told_and_keeps_nothing_from_being_removed(
    world: CloudWorld, method: str, pattern: str, fault: Fault, told: str, removed: int
) -> None:
    world.has_accounts()
    world.add(PHOTOS_TOPIC, {"source": PHOTOS}, identity={"principalId": "the-topic"})
    world.sets(BLOBSIGHT_EXISTING_TOPIC_ID=PHOTOS_TOPIC, BLOBSIGHT_TOPIC_ID=PHOTOS_TOPIC)
    assert world.runs("connect", "subscribe") == 0
    world.arm.always = {(method, pattern): fault}
    before = len(world.arm.roles) + len(world.arm.subscriptions)
    assert world.runs("disconnect") == 0
    assert "These could not be taken away, and stay when the environment goes" in world.said
    assert told in world.said
    assert before - len(world.arm.roles) - len(world.arm.subscriptions) == removed


def test_an_account_that_is_gone_does_not_keep_the_rest_from_being_removed(world: CloudWorld) -> None:
    world.has_accounts()
    assert world.runs("connect") == 0
    world.arm.always = {("GET", f"photos/.*{ROLES}$"): refusal(404, "ResourceNotFound")}
    assert world.runs("disconnect") == 0
    assert "Photos is not there any more" in world.said
    assert "stay when" not in world.said
    assert not [path for path in world.arm.roles if "eyes" in path]


def test_without_a_sign_in_nothing_is_called_gone(world: CloudWorld) -> None:
    world.has_accounts()
    world.azd.fails("not logged in")
    assert world.runs("disconnect") == 1
    assert world.said.endswith("run: azd down --purge --force\n")


def test_the_roles_are_azures_own() -> None:
    roles = (
        assignments.BLOB_OWNER,
        assignments.QUEUE_CONTRIBUTOR,
        assignments.BLOB_CONTRIBUTOR,
        assignments.VISION_USER,
    )
    assert [role.id for role in roles] == [OWNER, QUEUE, CONTRIBUTOR, VISION]
