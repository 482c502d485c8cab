"""Whether an event can come to the app: its event subscriptions as Azure Resource Manager knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from deployment import environment, event_subscriptions, resource_ids
from deployment.arm import Arm
from deployment.event_subscriptions import Kind
from deployment.resource_ids import ResourceId

_MAKES = "`azd hooks run postdeploy` makes one."
_AGAIN = "`azd hooks run postdeploy` makes it right."
_CHANGING = ("Creating", "Updating")
# What an advanced filter on a number asks, as far as the app's own subscriptions have them.
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "NumberLessThan": lambda number, limit: number < limit,
    "NumberLessThanOrEquals": lambda number, limit: number <= limit,
    "NumberGreaterThan": lambda number, limit: number > limit,
    "NumberGreaterThanOrEquals": lambda number, limit: number >= limit,
}


@dataclass(frozen=True)
class Event:
    """
    An event of the images account, as far as filters look at it.

    Attributes:
        type: such as `Microsoft.Storage.BlobCreated`.
        subject: `/blobServices/default/containers/CONTAINER/blobs/NAME`.
        data: its members, such as `api` and `contentLength`.
    """

    type: str
    subject: str
    data: dict[str, Any] = field(default_factory=dict)


def fault(arm: Arm, event: Event, kind: Kind) -> str | None:
    """
    Return what keeps an event from the app for certain; None where nothing is known to.

    Args:
        arm: asks Azure.
        event: what has to come.
        kind: the subscription that is made for it.
    """
    topic = environment.required("BLOBSIGHT_TOPIC_ID")
    where = _address(kind)
    listed = arm.pages(f"{topic}/eventSubscriptions", event_subscriptions.VERSION)
    entries = [each.get("properties") or {} for each in listed]
    to_the_app = [each for each in entries if _leads_to(each) == where.lower()]
    # Two lead to the same function, and one that is made for other types says nothing about this event.
    meant = [each for each in to_the_app if not kind.suffix or event.type in (_types(each) or [event.type])]
    if not meant:
        others = " Those of the topic lead elsewhere or take other events." if entries else ""
        return f"No event subscription leads from the images to {where}.{others} {_MAKES}"
    faults = [_fault_of(each, event) for each in meant]
    return None if None in faults else faults[0]


def _address(kind: Kind) -> str:
    """Return where the events of a subscription go: the webhook, or the function's id."""
    if kind is event_subscriptions.UPLOADS:
        return event_subscriptions.webhook(environment.required("BLOBSIGHT_APP_URL").rstrip("/"))
    site = ResourceId(
        environment.required("AZURE_SUBSCRIPTION_ID"),
        environment.required("AZURE_RESOURCE_GROUP"),
        resource_ids.SITE,
        environment.required("AZURE_FUNCTION_APP_NAME"),
    )
    return event_subscriptions.function_of(site, kind)


def _leads_to(subscription: dict[str, Any]) -> str:
    destination = (subscription.get("destination") or {}).get("properties") or {}
    # Azure gives an address back without its query, which has the key.
    address = str(destination.get("endpointBaseUrl", "")).partition("?")[0]
    return (address or str(destination.get("resourceId", ""))).lower()


def _types(subscription: dict[str, Any]) -> list[str]:
    """Return the types that it takes; none where it takes each."""
    return (subscription.get("filter") or {}).get("includedEventTypes") or []


def _fault_of(subscription: dict[str, Any], event: Event) -> str | None:
    """Return why this subscription does not deliver the event; None if it does, or will in a moment."""
    state = str(subscription.get("provisioningState") or "Succeeded")
    if state != "Succeeded" and state not in _CHANGING:
        return f"The event subscription is {state}. {_AGAIN}"
    types = _types(subscription)
    if types and event.type not in types:
        return f"The event subscription takes {', '.join(types)} and not {event.type}. {_AGAIN}"
    asked = subscription.get("filter") or {}
    begins, ends = str(asked.get("subjectBeginsWith") or ""), str(asked.get("subjectEndsWith") or "")
    if not (event.subject.lower().startswith(begins.lower()) and event.subject.lower().endswith(ends.lower())):
        return f"The event subscription takes {begins}*{ends}, and the sample is {event.subject}. {_AGAIN}"
    for rule in asked.get("advancedFilters") or []:
        reason = _refused_by(rule, event)
        if reason:
            return f"The event subscription takes {reason}. {_AGAIN}"
    return None


def _refused_by(rule: dict[str, Any], event: Event) -> str:
    """Return what an advanced filter wants instead; empty where it lets the event through, or asks something else."""
    member = str(rule.get("key", "")).partition("data.")[2]
    operator, found = str(rule.get("operatorType", "")), event.data.get(member)
    if operator == "StringIn" and member and found not in rule["values"]:
        return f"events whose {member} is one of {', '.join(rule['values'])}, and the sample's is {found}"
    compared = _COMPARED.get(operator)
    if compared and member and (found is None or not compared(found, rule["value"])):
        return f"events by {operator} {rule['value']:.0f} of {member}, and the sample's is {found}"
    return ""
