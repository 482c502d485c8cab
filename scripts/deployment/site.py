"""The Function App as Azure Resource Manager knows it: its Python, its functions, its key, its settings."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from deployment import environment, waiting
from deployment.arm import Arm, Denied
from deployment.failures import Failed

VERSION = "2024-04-01"
_ROLES_VERSION = "2022-04-01"
_MONITORING_METRICS_PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"
PROJECT = Path(__file__).resolve().parents[2]


class Site:
    """The app of the azd environment."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self.name = environment.required("AZURE_FUNCTION_APP_NAME")
        self.group = (
            f"/subscriptions/{environment.required('AZURE_SUBSCRIPTION_ID')}"
            f"/resourceGroups/{environment.required('AZURE_RESOURCE_GROUP')}"
        )
        self.path = f"{self.group}/providers/Microsoft.Web/sites/{self.name}"

    @cached_property
    def _properties(self) -> dict[str, Any]:
        answer = self._arm.get(self.path, VERSION)
        if answer.status == 404:
            raise Failed(f"There is no app {self.name} in {self.group.rpartition('/')[2]}. Run `azd up`.")
        return answer.properties()

    @property
    def python(self) -> str:
        """The Python that it is set to run on, such as `3.12`; empty where Azure does not say."""
        config = self._properties.get("functionAppConfig") or {}
        return str((config.get("runtime") or {}).get("version") or "")

    @property
    def state(self) -> str:
        """`Running`, `Stopped`, or empty where Azure does not say."""
        return str(self._properties.get("state") or "")

    def key(self) -> str | waiting.NotYet:
        """Return the function key, once the host has made it."""
        answer = self._arm.once("POST", f"{self.path}/host/default/listkeys", VERSION)
        keys = answer.document.get("functionKeys")
        if not answer.ok or not isinstance(keys, dict) or not keys.get("default"):
            reason = answer.reason or "there is none yet"
            return waiting.NotYet(f"the app's host has not given its key ({reason})", answer.retry_after)
        key = str(keys["default"])
        self._arm.hide(key)
        return key

    def missing_functions(self) -> list[str]:
        """Return the functions of this project that Azure does not know in the app."""
        entries = self._arm.pages(f"{self.path}/functions", VERSION)
        there = {str(entry.get("name", "")).rpartition("/")[2] for entry in entries}
        return [name for name in functions() if name not in there]

    def settings(self) -> dict[str, str] | None:
        """Return the app settings; None where they may not be read."""
        try:
            answer = self._arm.post(f"{self.path}/config/appsettings/list", VERSION)
        except Denied:
            return None
        return answer.properties() if answer.ok else None

    def may_send_logs(self) -> bool:
        """Whether the app's identity has the role to send its log anywhere in the resource group."""
        identity = environment.required("BLOBSIGHT_IDENTITY_PRINCIPAL_ID")
        path = f"{self.group}/providers/Microsoft.Authorization/roleAssignments"
        given = self._arm.pages(path, _ROLES_VERSION, query={"$filter": f"principalId eq '{identity}'"})
        roles = [str(each.get("properties", {}).get("roleDefinitionId", "")).lower() for each in given]
        return any(role.endswith(_MONITORING_METRICS_PUBLISHER) for role in roles)


def functions() -> list[str]:
    """Return the functions of this project, by name."""
    return sorted(path.parent.name for path in PROJECT.glob("*/function.json"))
