"""
A stack whose host knows no key: identities get it tokens for two storage accounts and Computer Vision.

Only the app and the host that runs it are without keys. The events and the test come to Azurite past the gateway.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from azure.storage.blob import BlobServiceClient
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

IMAGES, BOOKKEEPING = "photographs", "bookkeeping"
# One identity for each resource, so that it can be told what each token was for.
FOR_IMAGES, FOR_BOOKKEEPING, FOR_VISION = (
    f"{number}a1f7c52-0000-4000-8000-00000000000{number}" for number in (1, 2, 3)
)
STORAGE, VISION = "https://storage.azure.com", "https://cognitiveservices.azure.com"
HEALTH_KEY = "only for those who keep it running"
# Empty, and not only absent: a local.settings.json in the project would fill them in.
NO_SETTINGS = ("ImagesStorage", "AzureWebJobsStorage", "VISION_KEY", "VISION_KEY_2")
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

    def settings(self) -> dict[str, str]:
        """What the app and its host are told about storage and their identities."""
        accounts = {"ImagesStorage": (IMAGES, FOR_IMAGES), "AzureWebJobsStorage": (BOOKKEEPING, FOR_BOOKKEEPING)}
        settings = {"REQUESTS_CA_BUNDLE": str(self.certificate[0]), **self.endpoint.environment}
        for name, (account, client_id) in accounts.items():
            addresses = {f"{name}__{service}ServiceUri": url for service, url in self.gateway.urls(account).items()}
            settings |= {**addresses, f"{name}__credential": "managedidentity", f"{name}__clientId": client_id}
        return settings


@contextmanager
def running_azure(folder: Path, *, lifetime_seconds: int) -> Iterator[Azure]:
    """Run it, with tokens that live so long; the certificate lies in *folder*."""
    certificate = write_certificate(folder)
    with (
        running_azurite(accounts=(IMAGES, BOOKKEEPING), certificate=certificate) as azurite,
        running_storage_gateway(azurite, certificate) as gateway,
        running_identity_endpoint(
            FOR_IMAGES, FOR_BOOKKEEPING, FOR_VISION, lifetime_seconds=lifetime_seconds, grace_seconds=_GRACE_SECONDS
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

    def log(self) -> str:
        """What the host has logged."""
        return (self.state / "logs" / "host.log").read_text()


@contextmanager
def running_keyless_stack(azure: Azure, state: Path, *, events: bool = True, **settings: str) -> Iterator[KeylessStack]:
    """
    Run Computer Vision, which takes no key, the host and, unless told otherwise, its events, with *settings* besides.

    What the doubles have counted before is forgotten.
    """
    azure.gateway.seen.clear()
    azure.endpoint.given.clear()
    addresses = Addresses(five_free_ports())
    for account in (IMAGES, BOOKKEEPING):
        make_containers(azure.azurite.account(account).connection_string)
    host = recipes.host(addresses, state, enable_auth=False)
    environment = {**host.environment, **dict.fromkeys(NO_SETTINGS, "")}
    environment |= {"VISION_AUTH": "identity", "AZURE_CLIENT_ID": FOR_VISION, "HEALTH_KEY": HEALTH_KEY}
    environment |= {**azure.settings(), **settings}
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
