"""`sign-in`: people come to the page through Entra ID, each with a role; nothing of it where it is not asked for."""

from __future__ import annotations

from deployment import azd, graph, registration
from deployment.arm import Arm, Denied
from deployment.environment import is_on, optional, required
from deployment.failures import Failed
from deployment.graph import Graph
from deployment.registration import Registration
from deployment.waiting import SYSTEM_CLOCK, Clock

SWITCH = "BLOBSIGHT_GALLERY_SIGN_IN"
CLIENT = "BLOBSIGHT_GALLERY_CLIENT_ID"
_ANOTHER = (
    f"Or an administrator makes a registration, and you name it: `azd env set {CLIENT} ...` with its client id "
    "(docs/deploying.md, Sign-in for the page)."
)


def prepare(arm: Arm, clock: Clock) -> None:
    """
    Find the page's registration or make it, and write its client id for the template; nothing where it is switched off.

    Raises:
        Failed: if there is none and none can be made, or not the one that is named.
    """
    if not is_on(SWITCH):
        return
    directory, named = graph.of_subscription(arm, clock), optional(CLIENT)
    if named:
        _check(directory, named)
        return
    found = registration.own(directory)
    if found is None:
        try:
            found = registration.make(directory)
        except Denied as denied:
            raise Failed(f"{denied}\n{_ANOTHER}") from None
        print(f"Sign-in: made the registration {found.name} ({found.client_id}) in the directory {directory.tenant}.")
    azd.set_value(CLIENT, found.client_id)


def run(clock: Clock = SYSTEM_CLOCK) -> None:
    """
    Have the registration know the app's address and identity, and give the deployer the role editor.

    Raises:
        Failed: if something is missing that this person or pipeline cannot add, with all that has to be there.
    """
    if not is_on(SWITCH):
        kept = f" The registration {optional(CLIENT)} stays, with the roles of its people." if optional(CLIENT) else ""
        print(f"Sign-in for the page is off.{kept}")
        return
    directory = graph.of_subscription(Arm(clock), clock)
    client_id, url = required(CLIENT), required("BLOBSIGHT_APP_URL").rstrip("/")
    identity = required("BLOBSIGHT_IDENTITY_PRINCIPAL_ID")
    needed = registration.needed(url, directory.tenant, identity)
    try:
        found = registration.by_client_id(directory, client_id, settles=True)
    except Denied as denied:
        # A pipeline may mostly read nothing of the directory, and needs nothing of it once a person has deployed.
        print(f"Note: {denied}\nSo nothing was looked at. The registration {client_id} has to have:\n{needed}")
        return
    if found is None:
        raise Failed(_not_there(directory, client_id))
    try:
        added = registration.mend(directory, found, url)
        if registration.trust(directory, found, identity):
            added.append("trust in the app's identity")
        service = registration.principal(directory, found)
    except Denied as denied:
        raise Failed(f"{denied}\nThe registration {found.name} ({client_id}) has to have:\n{needed}") from None
    added += _closed(directory, found, service)
    _make_editor(directory, found, service)
    told = f"added {', '.join(added)}" if added else "all is there already"
    print(f"Sign-in: {found.name} ({client_id}); {told}. People sign in at {url}/api/gallery.")


def _check(directory: Graph, client_id: str) -> None:
    """Refuse a registration that is not there; one that may not be looked at is taken as it is."""
    try:
        found = registration.by_client_id(directory, client_id)
    except Denied as denied:
        print(f"Note: {denied} The registration {client_id} is taken unseen.")
        return
    if found is None:
        raise Failed(_not_there(directory, client_id))


def _closed(directory: Graph, found: Registration, service: dict[str, object]) -> list[str]:
    """Consent for all, and let people in who have a role alone; where that is for others to do, say so."""
    added = []
    try:
        if registration.consent(directory, found, service):
            added.append("consent for all people of the directory")
        # Not before: people cannot consent by themselves to an application that wants a role of them.
        if registration.require_role(directory, found, service):
            added.append("that a sign-in needs a role")
    except Failed as failed:
        print(
            f"Note: each person is asked for consent at the first sign-in. {failed}\nWhere people may not consent, an "
            f"administrator does it for all: in the portal, Entra ID, App registrations, {found.name}, API "
            "permissions, Grant admin consent."
        )
    return added


def _make_editor(directory: Graph, found: Registration, service: dict[str, object]) -> None:
    """Give the deployer the role editor; what keeps that from being done is told, and the rest works without it."""
    person, kind = optional("BLOBSIGHT_DEPLOYER_ID"), optional("BLOBSIGHT_DEPLOYER_TYPE", "User")
    where = f"in the portal, Entra ID, Enterprise applications, {found.name}, Users and groups"
    if not person or kind != "User":
        print(f"Sign-in: no person deploys here, so that no role is given. Give them {where}.")
        return
    try:
        if registration.give(directory, found, service, person, registration.EDITOR):
            print(f"Sign-in: you are an editor now. Others get their roles {where}.")
    except Failed as failed:
        print(f"Note: you have no role of the page yet. {failed}\nAn administrator gives roles {where}.")


def _not_there(directory: Graph, client_id: str) -> str:
    return (
        f"{CLIENT} is {client_id}, and the directory {directory.tenant}, which the subscription trusts, has no such "
        f"registration. Name one that is there, or have one made: `azd env set {CLIENT} ''`, then `azd up`."
    )
