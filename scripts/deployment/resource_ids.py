"""Names of Azure resources: `/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/{name}`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from deployment.failures import Failed

STORAGE_ACCOUNT = "Microsoft.Storage/storageAccounts"
COGNITIVE_ACCOUNT = "Microsoft.CognitiveServices/accounts"
SYSTEM_TOPIC = "Microsoft.EventGrid/systemTopics"
SITE = "Microsoft.Web/sites"


@dataclass(frozen=True)
class ResourceId:
    """The parts of one id; Azure compares each of them without regard to case."""

    subscription: str
    group: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/{self.kind}/{self.name}"

    def container(self, name: str) -> ResourceId:
        """Return the id of a blob container of this storage account."""
        return replace(self, name=f"{self.name}/blobServices/default/containers/{name}")

    def is_named(self, text: str) -> bool:
        """Tell whether the text is this id."""
        return text.lower() == str(self).lower()


def parse(text: str, kind: str, source: str) -> ResourceId:
    """
    Read the id of a resource of this kind.

    Args:
        text: the id, as the portal shows it.
        kind: such as `Microsoft.Storage/storageAccounts`.
        source: the variable that has it, for the failure.

    Raises:
        Failed: if it is no such id.
    """
    pattern = r"/subscriptions/([0-9A-Fa-f-]{36})/resourceGroups/([^/\s]+)/providers/" + re.escape(kind) + r"/([\w.-]+)"
    found = re.fullmatch(pattern, text, re.IGNORECASE)
    if found is None:
        shape = f"/subscriptions/.../resourceGroups/.../providers/{kind}/..."
        raise Failed(f"{source} is {text!r}; it has to be the resource id {shape} (portal: Overview, JSON View).")
    return ResourceId(found[1], found[2], kind, found[3])
