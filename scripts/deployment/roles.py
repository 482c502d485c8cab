"""
Waiting until a new role works: Azure says at once that it is given, and storage believes it later.

azd's own first deployment fails otherwise, with a 403 of the package container (Azure/azure-dev, issue 8026).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone

from deployment import existing
from deployment.arm import Arm
from deployment.environment import required
from deployment.waiting import SYSTEM_CLOCK, Clock, NotYet, until

VERSION = "2022-04-01"
# Sixty seconds were enough where it was seen; what still refuses then is tried again by azd and by the app.
SETTLING_SECONDS = 120.0
PATIENCE_SECONDS = 300.0


def run(clock: Clock = SYSTEM_CLOCK) -> None:
    """
    Wait until two minutes have passed since the youngest role of the app's identity; usually nothing is left of them.

    Raises:
        GaveUp: if the identity has no role five minutes later.
    """
    arm, principal = Arm(clock), required("BLOBSIGHT_IDENTITY_PRINCIPAL_ID")
    group = f"/subscriptions/{required('AZURE_SUBSCRIPTION_ID')}/resourceGroups/{required('AZURE_RESOURCE_GROUP')}"
    scopes = [group, *(str(account) for account in (existing.images_account(), existing.vision_account()) if account)]

    def attempt() -> datetime | NotYet:
        moments: list[datetime] = []
        for scope in scopes:
            given = _given(arm, scope, principal)
            if not given:
                return NotYet(f"the app's identity has none on {scope}; `azd provision --no-state` gives them")
            moments += given
        return max(moments)

    youngest = until("Roles", attempt, PATIENCE_SECONDS, clock)
    age = (clock.utc() - youngest).total_seconds()
    # A clock of this machine that is slow must not make it longer.
    rest = min(SETTLING_SECONDS, SETTLING_SECONDS - age)
    while rest > 0:
        print(f"Roles: waiting {rest:.0f} s until the youngest one works.", flush=True)
        clock.sleep(min(rest, 30.0))
        rest -= 30.0
    print("Roles: the app's identity has had its roles long enough for storage to know them.")


def _given(arm: Arm, scope: str, principal: str) -> list[datetime]:
    """Return when each role of the principal in the scope was given, in what the scope holds too."""
    entries = arm.pages(
        f"{scope}/providers/Microsoft.Authorization/roleAssignments",
        VERSION,
        query={"$filter": f"principalId eq '{principal}'"},
        needs=f"Reader on {scope}",
    )
    moments = []
    for entry in entries:
        # Azure writes seven digits of the second, which older Pythons do not read.
        text = str((entry.get("properties") or {}).get("createdOn"))[:19]
        with suppress(ValueError):
            moments.append(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc))
    return moments
