"""Whether an upload's event can come to the app: the event subscription as Azure Resource Manager knows it."""

from __future__ import annotations

from typing import Any

from deployment import environment, event_subscriptions
from deployment.arm import Arm

_MAKES = "`azd hooks run postdeploy` makes one."
_AGAIN = "`azd hooks run postdeploy` makes it right."
_CREATED = "Microsoft.Storage.BlobCreated"
_CHANGING = ("Creating", "Updating")


def fault(arm: Arm, subject: str, api: str) -> str | None:
    """
    Return what keeps an event from the app for certain; None where nothing is known to.

    Args:
        arm: asks Azure.
        subject: the event's, `/blobServices/default/containers/CONTAINER/blobs/NAME`.
        api: the operation that uploaded the blob, such as `PutBlob`.
    """
    topic = environment.required("BLOBSIGHT_TOPIC_ID")
    webhook = event_subscriptions.webhook(environment.required("BLOBSIGHT_APP_URL").rstrip("/"))
    listed = arm.pages(f"{topic}/eventSubscriptions", event_subscriptions.VERSION)
    entries = [each.get("properties") or {} for each in listed]
    to_the_app = [each for each in entries if _leads_to(each, webhook)]
    if not to_the_app:
        others = " Those of the topic lead elsewhere." if entries else ""
        return f"No event subscription leads from the images to {webhook}.{others} {_MAKES}"
    faults = [_fault_of(each, subject, api) for each in to_the_app]
    return None if None in faults else faults[0]


def _leads_to(subscription: dict[str, Any], webhook: str) -> bool:
    destination = (subscription.get("destination") or {}).get("properties") or {}
    # Azure gives the address back without its query, which has the key.
    return str(destination.get("endpointBaseUrl", "")).lower().partition("?")[0] == webhook.lower()


def _fault_of(subscription: dict[str, Any], subject: str, api: str) -> str | None:
    """Return why this subscription does not deliver the event; None if it does, or will in a moment."""
    state = str(subscription.get("provisioningState") or "Succeeded")
    if state != "Succeeded" and state not in _CHANGING:
        return f"The event subscription is {state}. {_AGAIN}"
    asked = subscription.get("filter") or {}
    types = asked.get("includedEventTypes")
    if types and _CREATED not in types:
        return f"The event subscription takes {', '.join(types)} and not {_CREATED}. {_AGAIN}"
    begins, ends = str(asked.get("subjectBeginsWith") or ""), str(asked.get("subjectEndsWith") or "")
    if not (subject.lower().startswith(begins.lower()) and subject.lower().endswith(ends.lower())):
        return f"The event subscription takes {begins}*{ends}, and the sample is {subject}. {_AGAIN}"
    for each in asked.get("advancedFilters") or []:
        if each.get("key") == "data.api" and each.get("operatorType") == "StringIn" and api not in each["values"]:
            return f"The event subscription takes uploads by {', '.join(each['values'])} and not by {api}. {_AGAIN}"
    return None
