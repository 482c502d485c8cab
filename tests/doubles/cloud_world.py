"""A deployment in a world of its own: an azd, an Azure Resource Manager, a clock, and the environment of a hook."""

import json
from pathlib import Path
from typing import Any

import cloud
import pytest
from doubles.arm import FakeArm
from doubles.clock import FakeClock
from doubles.fake_azd import FakeAzd

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test"
COMPANY = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Company"
HOST = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/sthost"
OWN_TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/evgt-own"
PHOTOS = f"{COMPANY}/providers/Microsoft.Storage/storageAccounts/Photos"
EYES = f"{COMPANY}/providers/Microsoft.CognitiveServices/accounts/eyes"
PHOTOS_TOPIC = f"{COMPANY}/providers/Microsoft.EventGrid/systemTopics/Photos-events"
SITE = f"{GROUP}/providers/Microsoft.Web/sites/func-test"

_AS_AZD_SETS_IT = {
    "AZURE_ENV_NAME": "test",
    "AZURE_LOCATION": "westeurope",
    "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    "AZURE_RESOURCE_GROUP": "rg-test",
    "AZURE_FUNCTION_APP_NAME": "func-test",
    "BLOBSIGHT_IDENTITY_PRINCIPAL_ID": "the-app",
    "BLOBSIGHT_DEPLOYER_ID": "the-person",
    "BLOBSIGHT_TOPIC_ID": OWN_TOPIC,
    "BLOBSIGHT_HOST_ACCOUNT_ID": HOST,
}
_NOT_SET = (
    "AZURE_TENANT_ID",
    "BLOBSIGHT_ALERT_EMAIL",
    "BLOBSIGHT_ALWAYS_READY",
    "BLOBSIGHT_BUDGET_START",
    "BLOBSIGHT_CLOSED_NETWORK",
    "BLOBSIGHT_DEPLOYER_TYPE",
    "BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID",
    "BLOBSIGHT_EXISTING_TOPIC_ID",
    "BLOBSIGHT_EXISTING_VISION_ACCOUNT_ID",
    "BLOBSIGHT_FEATURES",
    "BLOBSIGHT_GALLERY_CLIENT_ID",
    "BLOBSIGHT_GALLERY_SIGN_IN",
    "BLOBSIGHT_IMAGES_LOCATION",
    "BLOBSIGHT_IMAGES_WRITABLE",
    "BLOBSIGHT_MONTHLY_BUDGET",
    "BLOBSIGHT_PYTHON",
    "BLOBSIGHT_THUMBNAIL_SIZES",
    "BLOBSIGHT_VISION_MONTHLY_LIMIT",
    "BLOBSIGHT_VISION_RATE",
    "BLOBSIGHT_VISION_TIER",
)


class CloudWorld:
    """
    What the commands meet.

    Attributes:
        arm, azd, clock: the doubles.
        said: what the commands have printed so far, on both streams.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.clock = FakeClock()
        self.azd = FakeAzd(folder, monkeypatch)
        self.arm = FakeArm(self.clock)
        self.said = ""
        # Empty rather than absent, so that what a command writes into them ends with the test.
        self.sets(**dict.fromkeys(_NOT_SET, ""), **_AS_AZD_SETS_IT)
        self.sets(ARM_ENDPOINT=self.arm.url, BLOBSIGHT_APP_URL=self.arm.url, no_proxy="127.0.0.1")
        self.add(OWN_TOPIC, identity={"type": "SystemAssigned", "principalId": "own-topic"})

    def sets(self, **variables: str) -> None:
        """Set variables as azd does."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def add(self, resource_id: str, properties: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
        """Put a resource into Azure."""
        name = resource_id.rpartition("/")[2]
        document = {"id": resource_id, "name": name, "properties": properties or {}, **members}
        self.arm.resources[resource_id.lower()] = document
        return document

    def has_accounts(self, with_topic: bool = True) -> None:
        """Have the company own both accounts already, and have the environment use them."""
        self.add(PHOTOS, {}, kind="StorageV2", location="westeurope")
        self.add(EYES, {"customSubDomainName": "eyes"}, kind="ComputerVision", location="westeurope")
        self.add(f"{PHOTOS}/blobServices/default")
        self.sets(BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID=PHOTOS, BLOBSIGHT_EXISTING_VISION_ACCOUNT_ID=EYES)
        if with_topic:
            self.add(PHOTOS_TOPIC, {"source": PHOTOS.lower()})

    def gives(self, principal: str, role: str, scope: str, *, name: str = "other", **members: Any) -> None:
        """Give a role beforehand."""
        definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        created = self.clock.utc().strftime("%Y-%m-%dT%H:%M:%S.1234567Z")
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}".lower()
        given = {"principalId": principal, "roleDefinitionId": definition, "scope": scope, "createdOn": created}
        self.arm.roles[path] = {"name": name, "properties": {**given, **members}}

    def runs(self, *commands: str) -> int:
        """Run commands as a hook does; return the exit status."""
        status = cloud.main(list(commands), clock=self.clock)
        captured = self._capsys.readouterr()
        self.said += captured.out + captured.err
        return status

    def changes(self) -> list[str]:
        """Return what has been written so far, in Azure and in azd's environment."""
        return [*self.arm.journal, *self.azd.calls("env set")]

    def state(self) -> str:
        """Return all that Azure keeps, to compare it."""
        arm = self.arm
        return json.dumps([arm.resources, arm.roles, arm.subscriptions, arm.containers], sort_keys=True)
