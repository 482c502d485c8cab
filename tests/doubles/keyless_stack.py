"""
A stack whose host knows no key: an identity gets it tokens for two storage accounts and Computer Vision.

The app has the settings that `infra/` gives it, and no others but what the platform and the test need. Only the app and
the host that runs it are without keys. The events and the test come to Azurite past the gateway.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobLeaseClient, BlobServiceClient, ContainerClient
from doubles.app_settings import from_bicep
from doubles.authority import write_certificate
from doubles.azurite import Azurite, running_azurite
from doubles.identity_endpoint import IdentityEndpoint, running_identity_endpoint
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from doubles.stack_controls import valid_keys
from doubles.storage_gateway import StorageGateway, running_storage_gateway

from local.addresses import Addresses
from local.stack import recipes
from local.stack.containers import make_containers
from local.stack.supervisor import Supervisor
from shared import names
from shared.settings import described

IMAGES, BOOKKEEPING = "photographs", "bookkeeping"
# The deployment's one identity; and two more, with which a test can tell what each token was for.
IDENTITY, FOR_IMAGES, FOR_BOOKKEEPING = (f"{number}a1f7c52-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
STORAGE, VISION = "https://storage.azure.com", "https://cognitiveservices.azure.com"
HEALTH_KEY = "only for those who keep it running"
NO_KEYS = ("ImagesStorage", "AzureWebJobsStorage", "VISION_KEY", "VISION_KEY_2")
# The app's log stays in its file: what would send it is the platform, which is not here.
_INSIGHTS = "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://127.0.0.1:1/"
# A busy machine may send a token late; Azure takes one for five minutes more.
_GRACE_SECONDS = 120
_READY_SECONDS = 110.0


@dataclass(frozen=True)
class Azure:
    """What stands for Azure."""

    certificate: tuple[Path, Path]
    azurite: Azurite
    gateway: StorageGateway
    endpoint: IdentityEndpoint

    def settings(self, vision_url: str, **parameters: str) -> dict[str, str]:
        """Return the app settings of a deployment with these *parameters* of main.bicep; addresses end as in Azure."""
        known = {"identityClientId": IDENTITY, "insights.properties.ConnectionString": _INSIGHTS}
        for prefix, account in (("images", IMAGES), ("host", BOOKKEEPING)):
            known |= {f"{prefix}{service.title()}Url": f"{url}/" for service, url in self.gateway.urls(account).items()}
        return from_bicep({**known, "visionEndpoint": f"{vision_url}/"}, **parameters)

    def platform(self) -> dict[str, str]:
        """Return what the platform tells the app, and what the app needs to believe the certificate."""
        return {**self.endpoint.environment, "REQUESTS_CA_BUNDLE": str(self.certificate[0])}


@contextmanager
def running_azure(folder: Path, *, lifetime_seconds: int) -> Iterator[Azure]:
    """Run it, with tokens that live so long; the certificate lies in *folder*."""
    certificate = write_certificate(folder)
    with (
        running_azurite(accounts=(IMAGES, BOOKKEEPING), certificate=certificate) as azurite,
        running_storage_gateway(azurite, certificate) as gateway,
        running_identity_endpoint(
            IDENTITY, FOR_IMAGES, FOR_BOOKKEEPING, lifetime_seconds=lifetime_seconds, grace_seconds=_GRACE_SECONDS
        ) as endpoint,
    ):
        yield Azure(certificate, azurite, gateway, endpoint)


@dataclass
class KeylessStack(RunningStack):
    """
    A running one.

    Attributes:
        azure: what it runs on.
        environment: all that the host's process was given.
        supervisor: what has started its parts.
    """

    azure: Azure = field(kw_only=True)
    environment: dict[str, str] = field(kw_only=True)
    supervisor: Supervisor = field(kw_only=True)

    def start_events(self) -> None:
        """Have uploads tell the host of themselves from now on."""
        events = recipes.events(self.addresses, self.state)
        known = {
            "ImagesStorage": self.azure.azurite.connection_string,
            "REQUESTS_CA_BUNDLE": str(self.azure.certificate[0]),
        }
        self.supervisor.launch(replace(events, environment={**events.environment, **known}))
        self.supervisor.wait_until_ready("events", timeout_seconds=_READY_SECONDS)

    def storage(self) -> BlobServiceClient:
        """Return a client of the account with the images that comes with its key, past the gateway."""
        return BlobServiceClient.from_connection_string(
            self.azure.azurite.connection_string, connection_verify=str(self.azure.certificate[0])
        )

    def forget_answers(self) -> None:
        """Take away every answer that was paid for."""
        account = self.azure.azurite.account(BOOKKEEPING).connection_string
        with ContainerClient.from_connection_string(
            account, names.CACHE, connection_verify=str(self.azure.certificate[0])
        ) as answers:
            for name in answers.list_blob_names():
                with suppress(HttpResponseError):  # most have no lease
                    BlobLeaseClient(answers.get_blob_client(name)).break_lease(0)
                answers.delete_blob(name)

    def log(self) -> str:
        """What the host has logged."""
        return (self.state / "logs" / "host.log").read_text()


@contextmanager
def running_keyless_stack(
    azure: Azure,
    state: Path,
    *,
    events: bool = True,
    parameters: Mapping[str, str] | None = None,
    others: Mapping[str, str] | None = None,
) -> Iterator[KeylessStack]:
    """
    Run Computer Vision, which takes no key, the host and, unless told otherwise, its events.

    What the doubles have counted before is forgotten.

    Args:
        azure: what it runs on.
        state: a folder of its own.
        events: whether uploads tell the host of themselves from the start.
        parameters: of main.bicep.
        others: settings in the place of the deployment's.
    """
    azure.gateway.seen.clear()
    azure.endpoint.given.clear()
    addresses = Addresses(five_free_ports())
    for account in (IMAGES, BOOKKEEPING):
        make_containers(azure.azurite.account(account).connection_string)
    host = recipes.host(addresses, state, enable_auth=False)
    # Empty, and not only absent: a local.settings.json in the project would fill them in.
    environment = {**host.environment, **dict.fromkeys([setting["name"] for setting in described()], "")}
    environment |= azure.settings(addresses.vision_url, **(parameters or {}))
    environment |= {**azure.platform(), "HEALTH_KEY": HEALTH_KEY, **(others or {})}
    supervisor = Supervisor(lambda line: None)
    stack = KeylessStack(addresses, state, azure=azure, environment=environment, supervisor=supervisor)
    try:
        supervisor.launch(recipes.vision(addresses, state), replace(host, environment=environment))
        if events:
            stack.start_events()
        supervisor.wait_until_ready("vision", "host", timeout_seconds=_READY_SECONDS)
        with valid_keys(stack):
            yield stack
    finally:
        supervisor.stop(recipes.STOP_ORDER)
