"""Before anything is made: is what the user wants possible, and what does the template have to know about it?"""

from __future__ import annotations

from deployment import azd, budget, environment, existing, inputs, providers, sign_in
from deployment.arm import Answer, Arm
from deployment.existing import IMAGES_VARIABLE, TOPIC_VARIABLE, VISION_VARIABLE
from deployment.failures import Failed
from deployment.resource_ids import ResourceId
from deployment.waiting import SYSTEM_CLOCK, Clock

STORAGE_VERSION = "2023-05-01"
COGNITIVE_VERSION = "2024-10-01"
TOPIC_VERSION = "2025-02-15"
LOCATION_VARIABLE = "BLOBSIGHT_IMAGES_LOCATION"


def run(clock: Clock = SYSTEM_CLOCK) -> None:
    """
    Check the inputs and the existing accounts, and write what the template needs into the azd environment.

    Raises:
        Failed: if a value or an account does not fit; nothing has been made then.
    """
    inputs.check()
    inputs.tell()
    images, vision = existing.images_account(), existing.vision_account()
    arm = Arm(clock)
    closed = environment.is_on("BLOBSIGHT_CLOSED_NETWORK")
    location, topic = "", ""
    if images is not None:
        _check_subscription(images)
        location = _check_images(arm, images, closed)
        topic = _topic(arm, images)
    if vision is not None:
        _check_vision(arm, vision, closed)
    if images is None and vision is None:
        print("This environment makes a storage account and a Computer Vision account of its own.")
    azd.set_value(LOCATION_VARIABLE, location)
    azd.set_value(TOPIC_VARIABLE, topic)
    if closed:
        providers.register(arm, "Microsoft.App", clock)
    budget.fix_start(arm, clock)
    sign_in.prepare(arm, clock)


def _check_subscription(images: ResourceId) -> None:
    """Refuse an account in another subscription: its topic has to lie in its own, and the template makes none there."""
    own = environment.required("AZURE_SUBSCRIPTION_ID")
    if images.subscription.lower() != own.lower():
        raise Failed(
            f"{IMAGES_VARIABLE} lies in the subscription {images.subscription}, and this environment in {own}. "
            "Event Grid wants an account and its topic in the same one: `azd env set AZURE_SUBSCRIPTION_ID ...`."
        )


def _check_images(arm: Arm, images: ResourceId, closed: bool) -> str:
    """Refuse an account that cannot hold the images; return its region."""
    answer = _read(arm, images, STORAGE_VERSION, IMAGES_VARIABLE)
    kind = answer.document.get("kind")
    if kind != "StorageV2":
        raise Failed(
            f"The storage account {images.name} is of the kind {kind}. The app needs StorageV2 (general purpose v2): "
            "only that has both events and queues. An account of the kind Storage can be upgraded in the portal."
        )
    _check_network(images, answer, closed)
    location = str(answer.document.get("location", "")).replace(" ", "").lower()
    print(f"Images: the existing storage account {images.name} in {location}.")
    _tell_of_versions(arm, images)
    return location


def _check_vision(arm: Arm, vision: ResourceId, closed: bool) -> None:
    """Refuse an account that the app cannot ask without a key."""
    answer = _read(arm, vision, COGNITIVE_VERSION, VISION_VARIABLE)
    kind = answer.document.get("kind")
    if kind not in ("ComputerVision", "CognitiveServices"):
        raise Failed(
            f"The account {vision.name} is of the kind {kind}; it has to be ComputerVision or CognitiveServices."
        )
    if not answer.properties().get("customSubDomainName"):
        raise Failed(
            f"The account {vision.name} has no custom subdomain, without which it takes keys only. "
            "Give it one in the portal (Networking, Generate Custom Domain Name); it cannot be changed afterwards."
        )
    _check_network(vision, answer, closed)
    print(f"Computer Vision: the existing account {vision.name}.")


def _check_network(account: ResourceId, answer: Answer, closed: bool) -> None:
    """Refuse an account whose firewall would keep the app out."""
    found = answer.properties()
    is_shut = found.get("publicNetworkAccess") == "Disabled"
    has_rules = (found.get("networkAcls") or {}).get("defaultAction") == "Deny"
    if (is_shut or has_rules) and not closed:
        raise Failed(
            f"The account {account.name} is closed to the public network, and the app would come from there. "
            "Have the app come through private endpoints: `azd env set BLOBSIGHT_CLOSED_NETWORK true`."
        )


def _tell_of_versions(arm: Arm, images: ResourceId) -> None:
    """Tell of what keeps deleted images, because it does not keep the app from working."""
    service = arm.get(f"{images}/blobServices/default", STORAGE_VERSION, needs=f"Reader on {images}").properties()
    kept = {
        "versioning": service.get("isVersioningEnabled"),
        "soft delete": (service.get("deleteRetentionPolicy") or {}).get("enabled"),
        "the change feed": (service.get("changeFeed") or {}).get("enabled"),
    }
    on = [name for name, is_on in kept.items() if is_on]
    if on:
        print(f"Note: {images.name} has {' and '.join(on)} on; it keeps deleted or replaced images there for a while.")


def _topic(arm: Arm, images: ResourceId) -> str:
    """
    Return the id of the account's system topic if this environment did not make it; else nothing.

    An account has one system topic at most, so that the template must not make a second one.
    """
    listed = f"/subscriptions/{images.subscription}/providers/Microsoft.EventGrid/systemTopics"
    for found in arm.pages(listed, TOPIC_VERSION, needs=f"Reader on the subscription {images.subscription}"):
        if not images.is_named(str((found.get("properties") or {}).get("source", ""))):
            continue
        owner = (found.get("tags") or {}).get("azd-env-name")
        if owner == environment.required("AZURE_ENV_NAME"):
            return ""
        print(f"Events: {images.name} has the system topic {found['name']} already, which is used.")
        if owner:
            print(f"Note: the environment {owner} made it; after `azd down` there, run `azd up` here.")
        return str(found["id"])
    return ""


def _read(arm: Arm, account: ResourceId, version: str, variable: str) -> Answer:
    """Return an account that exists."""
    answer = arm.get(str(account), version, needs=f"Reader on {account}")
    if answer.status == 404:
        raise Failed(f"There is no {account} ({answer.reason}). Check {variable}.")
    if not answer.ok:
        raise Failed(f"{account} could not be read: {answer.reason}")
    return answer
