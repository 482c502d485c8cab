"""Sign-in for the page: the registration in the directory, what is missing where it cannot be made, and its end."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deployment import registration
from doubles.arm import BUSY, Fault, refusal
from doubles.cloud_world import SUBSCRIPTION, CloudWorld
from doubles.directory import FakeDirectory

CLIENT = "BLOBSIGHT_GALLERY_CLIENT_ID"
GIVEN = "00000000-0000-0000-0000-000000000001"
TAG = f"blobsight:{SUBSCRIPTION}/test"


class World(CloudWorld):
    """A deployment with a directory beside it, which may be asked for sign-in."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(folder, monkeypatch, capsys)
        self.directory = FakeDirectory()
        self.sets(GRAPH_ENDPOINT=self.directory.url)
        self.wants_sign_in()

    def wants_sign_in(self, switch: str = "true") -> None:
        self.sets(BLOBSIGHT_GALLERY_SIGN_IN=switch)

    @property
    def application(self) -> dict[str, Any]:
        (found,) = self.directory.applications.values()
        return found

    def roles(self) -> set[tuple[str, str]]:
        """Who has which role, by its value."""
        values = {role["id"]: role["value"] for role in self.application["appRoles"]}
        return {
            (each["principalId"], values[each["appRoleId"]])
            for given in self.directory.given.values()
            for each in given
        }

    def close(self) -> None:
        self.arm.close()
        self.directory.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[World]:
    made = World(tmp_path, monkeypatch, capsys)
    yield made
    made.close()


@pytest.mark.parametrize("switch", ["", "false", "False"])
def test_a_deployment_without_sign_in_asks_no_directory_and_changes_nothing(world: World, switch: str) -> None:
    world.wants_sign_in(switch)
    assert world.runs("prepare", "connect", "sign-in", "disconnect", "remove-sign-in") == 0
    assert (world.arm.requests, world.directory.requests, world.azd.calls()) == ([], [], [])
    assert "Sign-in for the page is off.\n" in world.said


def test_a_registration_is_made_with_roles_and_without_a_secret(world: World) -> None:
    assert world.runs("prepare") == 0, world.said
    made = copy.deepcopy(world.application)
    assert made["signInAudience"] == "AzureADMyOrg"
    assert [role["value"] for role in made["appRoles"]] == ["viewer", "editor"]
    assert not {"passwordCredentials", "keyCredentials"} & set(made)
    assert world.azd.calls("env set") == [f"env set {CLIENT} {made['appId']}"]
    assert world.azd.calls("auth token")[-1] == (
        "auth token --output json --scope https://graph.microsoft.com/.default --tenant-id 7e4a47"
    )
    assert world.runs("connect", "sign-in") == 0, world.said
    assert world.application["web"] == {
        "redirectUris": [f"{world.arm.url}/.auth/login/aad/callback"],
        "implicitGrantSettings": {"enableIdTokenIssuance": True},
    }
    (credential,) = world.directory.credentials[made["id"]]
    assert credential["issuer"] == "https://login.microsoftonline.com/7e4a47/v2.0"
    assert credential["subject"] == "the-app"
    assert credential["audiences"] == ["api://AzureADTokenExchange"]
    (principal,) = world.directory.principals.values()
    assert (principal["appId"], principal["appRoleAssignmentRequired"]) == (made["appId"], True)
    (consent,) = world.directory.consents
    assert consent == {
        "clientId": principal["id"],
        "consentType": "AllPrincipals",
        "resourceId": "microsoft-graph",
        "scope": "openid profile email",
    }
    assert world.roles() == {("the-person", "editor")}
    assert f"People sign in at {world.arm.url}/api/gallery." in world.said


def test_a_second_run_writes_nothing(world: World) -> None:
    assert world.runs("prepare", "sign-in") == 0, world.said
    journal, kept, set_before = list(world.directory.journal), world.directory.state(), world.azd.calls("env set")
    assert world.runs("prepare", "sign-in") == 0
    assert (world.directory.journal, world.directory.state()) == (journal, kept)
    assert world.azd.calls("env set") == set_before
    assert "all is there already" in world.said


def test_an_environment_that_knows_no_client_id_finds_the_registration_that_was_made_for_it(world: World) -> None:
    world.directory.add(tags=["blobsight:another/test"])
    older, younger = (world.directory.add(tags=["x", TAG], displayName=name) for name in ("Older", "Younger"))
    assert world.runs("prepare") == 0
    assert world.directory.journal == []
    assert world.azd.calls("env set") == [f"env set {CLIENT} {older['appId']}"]
    assert f"Note: Younger ({younger['appId']}) was made for this environment too" in world.said


def test_a_directory_that_learns_slowly_is_waited_for(world: World) -> None:
    world.directory.behind = {
        ("GET", r"/applications\(appId"): 2,
        ("PATCH", "/applications/"): 3,
        ("POST", "/federatedIdentityCredentials"): 1,
        ("POST", "/servicePrincipals$"): 2,
        ("POST", "/appRoleAssignedTo"): 4,
    }
    world.directory.faults = {("POST", "/applications$"): [BUSY], ("POST", "/servicePrincipals$"): [BUSY]}
    assert world.runs("prepare", "sign-in") == 0, world.said
    assert world.roles() == {("the-person", "editor")}
    assert "the directory does not know it everywhere yet" in world.said
    assert world.clock.now() < 120


def test_what_an_administrator_made_is_added_to_and_nothing_of_it_goes(world: World) -> None:
    theirs = {
        "id": "r1",
        "value": "viewer",
        "displayName": "V",
        "allowedMemberTypes": ["User", "Application"],
        "isEnabled": True,
    }
    web = {"redirectUris": ["https://old.invalid/x"], "implicitGrantSettings": {"enableAccessTokenIssuance": True}}
    made = world.directory.add(appRoles=[theirs], web=web)
    world.sets(BLOBSIGHT_GALLERY_CLIENT_ID=made["appId"])
    assert world.runs("prepare", "sign-in") == 0, world.said
    assert world.application["appRoles"][0] == theirs
    assert [role["value"] for role in world.application["appRoles"]] == ["viewer", "editor"]
    assert world.application["web"]["redirectUris"] == [
        "https://old.invalid/x",
        f"{world.arm.url}/.auth/login/aad/callback",
    ]
    assert world.application["web"]["implicitGrantSettings"] == {
        "enableAccessTokenIssuance": True,
        "enableIdTokenIssuance": True,
    }
    # It stays when the environment goes, and so does what the environment knows of it.
    assert world.runs("remove-sign-in") == 0
    assert world.directory.applications
    assert world.azd.calls("env set") == []
    assert "was there before, and stays" in world.said


def test_the_own_enterprise_application_is_closed_to_people_without_a_role_again(world: World) -> None:
    assert world.runs("prepare", "sign-in") == 0
    (principal,) = world.directory.principals.values()
    principal["appRoleAssignmentRequired"] = False
    assert world.runs("sign-in") == 0
    assert principal["appRoleAssignmentRequired"] is True


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_consent_for_all_a_sign_in_needs_no_role_or_people_could_not_consent(world: World, method: str) -> None:
    assert world.runs("prepare") == 0
    world.directory.refused = {(method, "/oauth2PermissionGrants")}
    assert world.runs("sign-in") == 0
    (principal,) = world.directory.principals.values()
    assert not principal.get("appRoleAssignmentRequired")
    assert "Note: each person is asked for consent at the first sign-in." in world.said
    assert "App registrations, Blobsight test, API permissions, Grant admin consent." in world.said
    assert world.roles() == {("the-person", "editor")}


def test_an_administrators_consent_is_enough(world: World) -> None:
    assert world.runs("prepare", "sign-in") == 0
    world.directory.consents[0]["scope"] = "User.Read email openid profile"
    (principal,) = world.directory.principals.values()
    principal["appRoleAssignmentRequired"] = False
    world.directory.refused = {("POST", "/oauth2PermissionGrants")}
    assert world.runs("sign-in") == 0
    assert principal["appRoleAssignmentRequired"] is True


def test_an_administrators_enterprise_application_stays_open_as_it_is(world: World) -> None:
    made = world.directory.add()
    world.directory.principals["theirs"] = {"id": "theirs", "appId": made["appId"], "appRoleAssignmentRequired": False}
    world.sets(BLOBSIGHT_GALLERY_CLIENT_ID=made["appId"])
    assert world.runs("sign-in") == 0, world.said
    assert world.directory.principals["theirs"]["appRoleAssignmentRequired"] is False
    assert world.roles() == {("the-person", "editor")}


def test_a_role_that_a_list_does_not_show_yet_is_not_given_twice(world: World) -> None:
    assert world.runs("prepare", "sign-in") == 0
    world.directory.faults = {("GET", "/appRoleAssignedTo"): [Fault(200, '{"value": []}')]}
    assert world.runs("sign-in") == 0
    assert "you have no role" not in world.said
    assert world.roles() == {("the-person", "editor")}


def test_a_directory_that_never_learns_ends_the_waiting_with_its_words(world: World) -> None:
    assert world.runs("prepare") == 0
    world.directory.behind = {("POST", "/servicePrincipals$"): 1000}
    assert world.runs("sign-in") == 1
    assert "does not reference a valid application object" in world.said
    assert 290 < world.clock.now() <= 300


def test_the_registration_that_was_made_goes_with_the_environment(world: World) -> None:
    world.directory.add()
    assert world.runs("prepare", "sign-in", "remove-sign-in") == 0, world.said
    assert len(world.directory.applications) == 1
    assert world.azd.calls("env set")[-1].rstrip() == f"env set {CLIENT}"
    assert world.runs("remove-sign-in") == 0
    assert "so that there is none to remove" in world.said


def test_a_registration_that_cannot_be_removed_is_named_and_ends_nothing(world: World) -> None:
    assert world.runs("prepare") == 0
    world.directory.refused = {("DELETE", "/applications/")}
    assert world.runs("remove-sign-in") == 0
    assert f"The registration {world.application['appId']} stays; the portal can remove it" in world.said


def test_a_switched_off_sign_in_keeps_its_registration(world: World) -> None:
    assert world.runs("prepare", "sign-in") == 0
    kept, asked = world.directory.state(), len(world.directory.requests)
    world.wants_sign_in("false")
    assert world.runs("prepare", "sign-in") == 0
    assert (world.directory.state(), len(world.directory.requests)) == (kept, asked)
    assert f"The registration {world.application['appId']} stays, with the roles of its people." in world.said


def refuses(*requests: tuple[str, str]) -> Callable[[World], None]:
    return lambda world: world.directory.refused.update(requests)


def without_directory(world: World) -> None:
    world.arm.tenant = ""


def unknown_client(world: World) -> None:
    world.sets(BLOBSIGHT_GALLERY_CLIENT_ID="99999999-0000-0000-0000-000000000000")


def signed_out(world: World) -> None:
    world.directory.faults = {("GET", "/applications"): [refusal(401, "InvalidAuthenticationToken")] * 2}


IMPOSSIBLE: dict[str, tuple[Callable[[World], None], tuple[str, ...]]] = {
    "members may make no registrations": (
        refuses(("POST", "/applications$")),
        (
            "You may not POST /applications in the directory 7e4a47 (403 Authorization_RequestDenied",
            "You need the role Application Developer there",
            f"Or an administrator makes a registration, and you name it: `azd env set {CLIENT} ...`",
        ),
    ),
    "a guest may read nothing": (
        refuses(("GET", "/applications$")),
        ("You may not GET /applications in the directory 7e4a47", "Directory Readers"),
    ),
    "the wrong tenant": (
        unknown_client,
        (
            "has no such registration",
            "the directory 7e4a47, which the subscription trusts",
            f"`azd env set {CLIENT} ''`",
        ),
    ),
    "no directory": (without_directory, ("The directory of the subscription",)),
    "a sign-in that Graph does not take": (signed_out, ("Run `azd auth login --tenant-id 7e4a47`.",)),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_keeps_the_registration_from_being_there_is_told_before_anything_is_made(world: World, case: str) -> None:
    change, expected = IMPOSSIBLE[case]
    change(world)
    assert world.runs("prepare") == 1
    for text in expected:
        assert text in world.said
    assert world.directory.journal == []
    assert world.azd.calls("env set") == []
    assert world.said.splitlines()[-1] == "When that is mended, run: azd up"


@pytest.mark.parametrize(
    "request_",
    [("PATCH", "/applications/"), ("POST", "/federatedIdentityCredentials"), ("POST", "/servicePrincipals$")],
)
def test_what_cannot_be_added_is_told_with_all_that_has_to_be_there(world: World, request_: tuple[str, str]) -> None:
    assert world.runs("prepare") == 0
    world.directory.refused = {request_}
    assert world.runs("sign-in") == 1
    assert registration.needed(world.arm.url, "7e4a47", "the-app") in world.said
    assert "You need to own the registration" in world.said
    assert world.said.splitlines()[-1] == "When that is mended, run: azd hooks run postprovision"


def test_a_deployer_who_may_give_no_role_is_told_and_the_rest_works(world: World) -> None:
    assert world.runs("prepare") == 0
    world.directory.refused = {("POST", "/appRoleAssignedTo")}
    assert world.runs("sign-in") == 0
    assert "Note: you have no role of the page yet." in world.said
    assert "Enterprise applications, Blobsight test, Users and groups" in world.said
    assert world.roles() == set()


def test_a_pipeline_that_may_read_nothing_takes_the_registration_unseen(world: World) -> None:
    world.sets(BLOBSIGHT_GALLERY_CLIENT_ID=GIVEN, BLOBSIGHT_DEPLOYER_TYPE="ServicePrincipal")
    world.directory.refused = {("GET", "/applications")}
    assert world.runs("prepare", "sign-in") == 0
    assert f"The registration {GIVEN} is taken unseen." in world.said
    assert registration.needed(world.arm.url, "7e4a47", "the-app") in world.said
    assert world.directory.journal == []


def test_a_pipeline_gets_no_role_because_roles_are_for_people(world: World) -> None:
    world.sets(BLOBSIGHT_DEPLOYER_TYPE="ServicePrincipal")
    assert world.runs("prepare", "sign-in") == 0
    assert world.roles() == set()
    assert "no person deploys here" in world.said


def test_a_list_that_leads_elsewhere_gets_no_token(world: World) -> None:
    page = '{"value": [], "@odata.nextLink": "https://graph.example.com/v1.0/applications"}'
    world.directory.faults = {("GET", "/applications"): [Fault(200, page)]}
    assert world.runs("prepare") == 1
    assert "Microsoft Graph refers to https://graph.example.com/v1.0/applications" in world.said


@pytest.mark.parametrize(("value", "words"), [("yes", "true or false"), ("mine", "the client id of a registration")])
def test_a_value_that_is_none_is_refused_first(world: World, value: str, words: str) -> None:
    world.sets(**{"BLOBSIGHT_GALLERY_SIGN_IN" if value == "yes" else CLIENT: value})
    assert world.runs("prepare") == 1
    assert words in world.said
    assert world.arm.requests == []
