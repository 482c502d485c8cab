"""The Functions host of the app: waking it, and the key of its blob trigger's webhook."""

from __future__ import annotations

import http.client
import urllib.request

from deployment.arm import Arm
from deployment.failures import Failed
from deployment.resource_ids import ResourceId
from deployment.waiting import NotYet

VERSION = "2024-04-01"
# The host makes it when it has loaded its first blob trigger that takes events.
KEY_NAME = "blobs_extension"
WAKING_SECONDS = 30.0


def wake(app_url: str) -> None:
    """Ask the app for its health, so that an instance starts; the answer does not matter."""
    if not app_url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise Failed(f"BLOBSIGHT_APP_URL is {app_url!r}; it has to begin with https://. `azd provision` writes it.")
    try:
        with urllib.request.urlopen(f"{app_url}/api/health", timeout=WAKING_SECONDS):
            pass
    except (OSError, http.client.HTTPException):
        return


def webhook_key(arm: Arm, site: ResourceId) -> str | NotYet:
    """Return the key with which events come in, or why there is none yet."""
    needs = f"Website Contributor on {site}"
    answer = arm.once("POST", f"{site}/host/default/listkeys", VERSION, needs=needs)
    if not answer.ok:
        return NotYet(f"the app's host does not hand out its keys ({answer.reason})", answer.retry_after)
    keys = answer.document.get("systemKeys") if isinstance(answer.document, dict) else None
    key = (keys or {}).get(KEY_NAME)
    if not key:
        return NotYet("the app's host has not loaded the blob trigger yet")
    arm.hide(str(key))
    return str(key)


def load_triggers(arm: Arm, site: ResourceId) -> None:
    """Have the platform read the app's triggers again, which starts the host too; the answer does not matter."""
    arm.once("POST", f"{site}/host/default/sync", VERSION, needs=f"Website Contributor on {site}")
