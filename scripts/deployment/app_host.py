"""The Functions host of the app: waking it, the key of its blob trigger's webhook, and whether it has a function."""

from __future__ import annotations

from deployment import wire
from deployment.arm import Arm
from deployment.resource_ids import ResourceId
from deployment.waiting import NotYet

VERSION = "2024-04-01"
# The host makes it when it has loaded its first blob trigger that takes events.
KEY_NAME = "blobs_extension"
WAKING_SECONDS = 30.0


def wake(app_url: str) -> None:
    """Ask the app for its health, so that an instance starts; the answer does not matter."""
    wire.refuse_plain_text(app_url, "BLOBSIGHT_APP_URL")
    wire.send("GET", f"{app_url}/api/health", {}, seconds=WAKING_SECONDS)


def webhook_key(arm: Arm, site: ResourceId) -> str | NotYet:
    """Return the key with which events come in, or why there is none yet."""
    needs = f"Website Contributor on {site}"
    answer = arm.once("POST", f"{site}/host/default/listkeys", VERSION, needs=needs)
    if not answer.ok:
        return NotYet(f"the app's host does not hand out its keys ({answer.reason})", answer.retry_after)
    keys = answer.document.get("systemKeys")
    key = keys.get(KEY_NAME) if isinstance(keys, dict) else None
    if not key:
        return NotYet("the app's host has not loaded the blob trigger yet")
    arm.hide(str(key))
    return str(key)


def is_loaded(arm: Arm, site: ResourceId, function: str) -> bool | NotYet:
    """Return True once Azure knows the function in the app, or why that is not so yet."""
    answer = arm.once("GET", f"{site}/functions/{function}", VERSION, needs=f"Reader on {site}")
    if answer.ok:
        return True
    if answer.status == 404:
        return NotYet(f"the app's host has not loaded {function} yet")
    return NotYet(f"the app's functions cannot be read ({answer.reason})", answer.retry_after)


def load_triggers(arm: Arm, site: ResourceId) -> None:
    """Have the platform read the app's triggers again, which starts the host too; the answer does not matter."""
    arm.once("POST", f"{site}/host/default/sync", VERSION, needs=f"Website Contributor on {site}")
