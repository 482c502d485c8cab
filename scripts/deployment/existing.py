"""What the company has already and this environment uses: accounts that stay when the environment goes."""

from __future__ import annotations

from deployment import environment, resource_ids
from deployment.resource_ids import ResourceId

IMAGES_VARIABLE = "BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID"
VISION_VARIABLE = "BLOBSIGHT_EXISTING_VISION_ACCOUNT_ID"
TOPIC_VARIABLE = "BLOBSIGHT_EXISTING_TOPIC_ID"


def images_account() -> ResourceId | None:
    """Return the existing storage account of the images; None where the environment makes its own."""
    return _id(IMAGES_VARIABLE, resource_ids.STORAGE_ACCOUNT)


def vision_account() -> ResourceId | None:
    """Return the existing Computer Vision account; None where the environment makes its own."""
    return _id(VISION_VARIABLE, resource_ids.COGNITIVE_ACCOUNT)


def topic() -> ResourceId | None:
    """Return the Event Grid system topic that the existing account had before; None where there was none."""
    return _id(TOPIC_VARIABLE, resource_ids.SYSTEM_TOPIC)


def _id(variable: str, kind: str) -> ResourceId | None:
    text = environment.optional(variable)
    return resource_ids.parse(text, kind, variable) if text else None
