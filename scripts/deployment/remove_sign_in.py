"""After the environment is gone: the page's registration in Entra ID goes too, if it was made for this environment."""

from __future__ import annotations

from deployment import azd, graph, registration
from deployment.arm import Arm
from deployment.environment import optional
from deployment.failures import Failed
from deployment.sign_in import CLIENT
from deployment.waiting import SYSTEM_CLOCK, Clock


def run(clock: Clock = SYSTEM_CLOCK) -> None:
    """Remove it, or say why it stays; one that an administrator made stays, and so does its name in the environment."""
    client_id = optional(CLIENT)
    if not client_id:
        print("The page has no registration in Entra ID, so that there is none to remove.")
        return
    try:
        directory = graph.of_subscription(Arm(clock), clock)
        found = registration.by_client_id(directory, client_id)
        if found is not None and not found.is_own:
            print(f"The registration {found.name} ({client_id}) was there before, and stays.")
            return
        if found is not None:
            registration.remove(directory, found)
    except Failed as failed:
        print(f"The registration {client_id} stays; the portal can remove it, under Entra ID: {failed}")
        return
    # The next `azd up` makes another one.
    azd.set_value(CLIENT, "")
    print(f"Sign-in: the registration {client_id} is gone, and so are the roles of its people.")
