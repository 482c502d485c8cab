"""Resource providers that a subscription has to know; ARM registers only those that a template names."""

from __future__ import annotations

from deployment.arm import Arm
from deployment.environment import required
from deployment.waiting import Clock, NotYet, until

VERSION = "2021-04-01"
PATIENCE_SECONDS = 600.0


def register(arm: Arm, name: str, clock: Clock) -> None:
    """
    Register a provider unless it is, and wait until it is.

    Raises:
        GaveUp: if that takes longer than ten minutes.
    """
    path = f"/subscriptions/{required('AZURE_SUBSCRIPTION_ID')}/providers/{name}"

    def attempt() -> str | NotYet:
        answer = arm.get(path, VERSION)
        state = str(answer.document.get("registrationState", "")) if answer.ok else answer.reason
        if state == "Registered":
            return state
        if answer.ok and state != "Registering":
            answer = arm.post(f"{path}/register", VERSION, needs="Contributor on the subscription")
            return NotYet("is being registered" if answer.ok else answer.reason)
        return NotYet(f"its state is {state}")

    until(f"Provider {name}", attempt, PATIENCE_SECONDS, clock)
    print(f"Provider {name}: registered.")
