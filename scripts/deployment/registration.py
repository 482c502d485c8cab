"""
The page's registration in Entra ID: an application with the roles viewer and editor that trusts the app's identity.

It has no secret. What it needs is added, and nothing of it is taken away: an administrator may have made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployment.environment import required
from deployment.failures import Failed
from deployment.graph import Graph

AUDIENCE = "api://AzureADTokenExchange"
CALLBACK = "/.auth/login/aad/callback"
VIEWER, EDITOR = "viewer", "editor"
# The ids of the roles are the same in every directory, so that a registration that is made again has them again.
_ROLES: dict[str, tuple[str, str, str]] = {
    VIEWER: ("0c9f3b5e-8f0a-4d0f-9a55-5b1e6c0f7a11", "Viewer", "Looks at images and at what was found in them."),
    EDITOR: ("5d2c7e14-36b1-4a7e-8c1d-93f2a4de8b22", "Editor", "Uploads, corrects, retries and deletes images, too."),
}
# Of Microsoft Graph: what a sign-in asks for. An administrator can consent for all to what a registration names.
_GRAPH = "00000003-0000-0000-c000-000000000000"
_SCOPES = {
    "openid": "37f7f235-527c-4136-accd-4a02d197296e",
    "profile": "14dad69e-099b-42c9-810b-d002981feec1",
    "email": "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0",
}
READS = "to be a member of that directory who may read registrations, or Directory Readers"
MAKES = "the role Application Developer there, or one with more, such as Cloud Application Administrator"
CHANGES = "to own the registration, or the role Cloud Application Administrator there"
CONSENTS = "the role Cloud Application Administrator there"
ASSIGNS = "the role Cloud Application Administrator or User Administrator there"


@dataclass(frozen=True)
class Registration:
    """
    One registration as the directory has it.

    Attributes:
        document: the application object of Microsoft Graph.
    """

    document: dict[str, Any]

    @property
    def path(self) -> str:
        """Its address in Graph."""
        return f"/applications/{self.document['id']}"

    @property
    def client_id(self) -> str:
        """What the app and the platform know it by."""
        return str(self.document["appId"])

    @property
    def name(self) -> str:
        """What the portal shows."""
        return str(self.document.get("displayName") or self.client_id)

    @property
    def is_own(self) -> bool:
        """Whether it was made for this environment, and goes with it."""
        return _tag() in (self.document.get("tags") or [])


def by_client_id(graph: Graph, client_id: str, *, settles: bool = False) -> Registration | None:
    """Return the registration; None where the directory has no such one."""
    answer = graph.get(f"/applications(appId='{client_id}')", READS, settles=settles)
    if answer.status == 404:
        return None
    if not answer.ok:
        raise Failed(f"The registration {client_id} could not be read: {answer.reason}")
    return Registration(answer.document)


def own(graph: Graph) -> Registration | None:
    """Return the registration that was made for this environment; the oldest, where there are several."""
    # azd takes letters, digits and some signs for a name, and no quote.
    found = graph.entries("/applications", READS, query={"$filter": f"tags/any(t:t eq '{_tag()}')"})
    made = sorted(found, key=lambda each: str(each.get("createdDateTime")))
    for more in made[1:]:
        print(f"Note: {more.get('displayName')} ({more.get('appId')}) was made for this environment too; remove it.")
    return Registration(made[0]) if made else None


def make(graph: Graph) -> Registration:
    """
    Make one for this environment, for people of this directory alone.

    Raises:
        Denied: if the directory lets this person or pipeline make none.
    """
    scopes = [{"id": each, "type": "Scope"} for each in _SCOPES.values()]
    body = {
        "displayName": f"Blobsight {required('AZURE_ENV_NAME')}",
        "signInAudience": "AzureADMyOrg",
        "tags": [_tag()],
        "web": {"implicitGrantSettings": {"enableIdTokenIssuance": True}},
        "appRoles": [_role(value) for value in _ROLES],
        "requiredResourceAccess": [{"resourceAppId": _GRAPH, "resourceAccess": scopes}],
    }
    answer = graph.post("/applications", body, MAKES)
    if not answer.ok:
        raise Failed(f"The registration of the page could not be made: {answer.reason}")
    return Registration(answer.document)


def mend(graph: Graph, registration: Registration, url: str) -> list[str]:
    """Add what the registration lacks for the app at this address; return what that was."""
    document, added = registration.document, []
    web: dict[str, Any] = document.get("web") or {}
    change: dict[str, Any] = {}
    addresses = list(web.get("redirectUris") or [])
    if url + CALLBACK not in addresses:
        change.setdefault("web", {})["redirectUris"] = [*addresses, url + CALLBACK]
        added.append("the address that people come back to")
    grants = web.get("implicitGrantSettings") or {}
    if not grants.get("enableIdTokenIssuance"):
        change.setdefault("web", {})["implicitGrantSettings"] = {**grants, "enableIdTokenIssuance": True}
        added.append("ID tokens")
    roles = list(document.get("appRoles") or [])
    missing = [value for value in _ROLES if _id_of(registration, value) is None]
    if missing:
        # Graph takes the whole list, and refuses one without a role that is there.
        change["appRoles"] = [*roles, *(_role(value) for value in missing)]
        added.append(f"the roles {', '.join(missing)}")
    if not change:
        return []
    answer = graph.patch(registration.path, change, CHANGES, settles=True)
    if not answer.ok:
        raise Failed(f"The registration {registration.name} could not be changed: {answer.reason}")
    return added


def trust(graph: Graph, registration: Registration, identity: str) -> bool:
    """Have the registration take a token of the app's identity in place of a secret; return whether that is new."""
    wanted = {"issuer": issuer(graph.tenant), "subject": identity, "audiences": [AUDIENCE]}
    path = f"{registration.path}/federatedIdentityCredentials"
    for found in graph.entries(path, READS):
        if all(found.get(part) == value for part, value in wanted.items()):
            return False
    body = {"name": f"blobsight-{identity}", "description": "The page of Blobsight signs people in.", **wanted}
    answer = graph.post(path, body, CHANGES, settles=True)
    if not answer.ok:
        raise Failed(f"{registration.name} could not be told to trust the app's identity: {answer.reason}")
    return True


def principal(graph: Graph, registration: Registration) -> dict[str, Any]:
    """Return the registration's enterprise application, on which people get their roles; made if it is missing."""
    found = graph.get(f"/servicePrincipals(appId='{registration.client_id}')", READS)
    if found.status == 404:
        # With the tag, the portal lists it among the enterprise applications.
        body = {"appId": registration.client_id, "tags": ["WindowsAzureActiveDirectoryIntegratedApp"]}
        found = graph.post("/servicePrincipals", body, CHANGES, settles=True)
    if not found.ok:
        raise Failed(f"The enterprise application of {registration.name} could not be made: {found.reason}")
    return found.document


def consent(graph: Graph, registration: Registration, service: dict[str, Any]) -> bool:
    """
    Consent for all people of the directory to what a sign-in asks for; return whether that is new.

    Raises:
        Denied: if that is for administrators here.
    """
    asked = {"$filter": f"clientId eq '{service['id']}' and consentType eq 'AllPrincipals'"}
    for found in graph.entries("/oauth2PermissionGrants", READS, query=asked):
        if set(_SCOPES) <= set(str(found.get("scope")).split()):
            return False
    served = graph.get(f"/servicePrincipals(appId='{_GRAPH}')", READS)
    if not served.ok:
        raise Failed(f"Microsoft Graph is not in the directory {graph.tenant}: {served.reason}")
    body = {
        "clientId": service["id"],
        "consentType": "AllPrincipals",
        "resourceId": served.document["id"],
        "scope": " ".join(_SCOPES),
    }
    answer = graph.post("/oauth2PermissionGrants", body, CONSENTS, settles=True)
    if answer.status in (400, 409) and "already exists" in answer.reason:
        return False
    if not answer.ok:
        raise Failed(f"The sign-in of {registration.name} could not be consented to: {answer.reason}")
    return True


def require_role(graph: Graph, registration: Registration, service: dict[str, Any]) -> bool:
    """Let in only people with a role, of an own registration that is consented to; return whether that is new."""
    if not registration.is_own or service.get("appRoleAssignmentRequired"):
        return False
    path = f"/servicePrincipals/{service['id']}"
    answer = graph.patch(path, {"appRoleAssignmentRequired": True}, CHANGES, settles=True)
    if not answer.ok:
        raise Failed(f"{registration.name} could not be closed to people without a role: {answer.reason}")
    return True


def give(graph: Graph, registration: Registration, service: dict[str, Any], person: str, value: str) -> bool:
    """Give a person one of the roles; return whether it is new."""
    role = _id_of(registration, value) or _ROLES[value][0]
    path = f"/servicePrincipals/{service['id']}/appRoleAssignedTo"
    for found in graph.entries(path, READS):
        if found.get("principalId") == person and found.get("appRoleId") == role:
            return False
    body = {"principalId": person, "resourceId": service["id"], "appRoleId": role}
    answer = graph.post(path, body, ASSIGNS, settles=True)
    # A list can lag behind a role that was given a moment ago.
    if answer.status == 400 and "already exists" in answer.reason:
        return False
    if not answer.ok:
        raise Failed(f"The role {value} of {registration.name} could not be given: {answer.reason}")
    return True


def remove(graph: Graph, registration: Registration) -> None:
    """Remove it, with its roles; the directory keeps it among the deleted ones for 30 days."""
    answer = graph.delete(registration.path, CHANGES)
    if not answer.ok and answer.status != 404:
        raise Failed(f"The registration {registration.name} could not be removed: {answer.reason}")


def issuer(tenant: str) -> str:
    """Return who gives tokens to managed identities of a directory."""
    return f"https://login.microsoftonline.com/{tenant}/v2.0"


def needed(url: str, tenant: str, identity: str) -> str:
    """Return what a registration has to have, for the administrator who looks after it."""
    return (
        f"  a web redirect URI {url}{CALLBACK}\n"
        "  ID tokens, under implicit grant and hybrid flows\n"
        f"  app roles for users with the values {' and '.join(_ROLES)}\n"
        f"  a federated credential of the issuer {issuer(tenant)}, the subject {identity} and the audience {AUDIENCE}\n"
        "  an enterprise application, on which people have one of these roles"
    )


def _id_of(registration: Registration, value: str) -> str | None:
    """Return the id of the role that has this value, whichever it is, if people can have it."""
    for role in registration.document.get("appRoles") or []:
        is_for_people = "User" in (role.get("allowedMemberTypes") or []) and role.get("isEnabled")
        if role.get("value") == value and is_for_people:
            return str(role["id"])
    return None


def _role(value: str) -> dict[str, Any]:
    identifier, name, description = _ROLES[value]
    return {
        "id": identifier,
        "value": value,
        "displayName": name,
        "description": description,
        "allowedMemberTypes": ["User"],
        "isEnabled": True,
    }


def _tag() -> str:
    return f"blobsight:{required('AZURE_SUBSCRIPTION_ID')}/{required('AZURE_ENV_NAME')}".lower()
