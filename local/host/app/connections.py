"""
Storage connections by name, and settings inside binding properties.

A binding names its connection; the settings of that name are a connection string, or addresses and an identity:

    ImagesStorage                     a connection string; it wins over all that follow
    ImagesStorage__accountName        the account's name, for the blob and the queue service
    ImagesStorage__blobServiceUri     https://ACCOUNT.blob.core.windows.net
    ImagesStorage__queueServiceUri    https://ACCOUNT.queue.core.windows.net
    ImagesStorage__serviceUri         the one service's address, where a binding needs one only
    ImagesStorage__credential         managedidentity; without it, also who is signed in, as with `az login`
    ImagesStorage__clientId           of a user-assigned identity

Sources: https://learn.microsoft.com/azure/azure-functions/functions-reference#connections, the names and their order in
`GetWebJobsConnectionStringSection` and `StorageClientProvider.TryGetServiceUri` of the WebJobs extensions, the
credentials in `ClientFactory.CreateCredential` of Microsoft.Extensions.Azure, all three in Azure/azure-sdk-for-net.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from local.host.app.identity import Identity, credential
from local.host.app.metadata import Binding
from local.host.errors import FunctionLoadError

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueClient

DEFAULT_CONNECTION = "Storage"  # AzureWebJobsStorage
DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    # Published with the emulator and the same on every machine: it protects nothing.
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1"
)
# The services that a binding needs; `serviceUri` is the address of the first.
# A blob trigger puts events that fail again and again into a queue: azure-functions-host #8019.
SERVICES = {"blobtrigger": ("blob", "queue"), "blob": ("blob",), "queuetrigger": ("queue",)}
ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
MANAGED_IDENTITY = "managedidentity"
# Azure would take another identity by them, so to pass over them would be wrong.
OTHER_IDENTITIES = (
    "tenantId",
    "clientSecret",
    "clientCertificate",
    "managedIdentityClientId",
    "managedIdentityObjectId",
    "managedIdentityResourceId",
)
SETTING = re.compile(r"%([^%]+)%")


class Connection(Protocol):
    """A storage account, and how this host shows it who it is. Equal ones are one account with one way to show it."""

    def blob_service(self, **options: Any) -> "BlobServiceClient":
        """Return a new client of the blob service; *options* are the SDK's."""

    def queue(self, name: str, **options: Any) -> "QueueClient":
        """Return a new client of the queue *name*; *options* are the SDK's."""


@dataclass(frozen=True)
class StringConnection:
    """An account by its connection string."""

    text: str = field(repr=False)

    def blob_service(self, **options: Any) -> "BlobServiceClient":  # noqa: D102
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient.from_connection_string(self.text, **options)

    def queue(self, name: str, **options: Any) -> "QueueClient":  # noqa: D102
        from azure.storage.queue import QueueClient

        return QueueClient.from_connection_string(self.text, name, **options)


@dataclass(frozen=True)
class IdentityConnection:
    """An account by the addresses of its services, "" for one that is not needed, and the identity that asks there."""

    blob_url: str
    queue_url: str
    identity: Identity

    def blob_service(self, **options: Any) -> "BlobServiceClient":  # noqa: D102
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(self.blob_url, credential=credential(self.identity), **options)

    def queue(self, name: str, **options: Any) -> "QueueClient":  # noqa: D102
        from azure.storage.queue import QueueClient

        return QueueClient(self.queue_url, name, credential=credential(self.identity), **options)


def connection_of(binding: Binding, environment: Mapping[str, str]) -> Connection:
    """
    Return what the `connection` of a blob or queue *binding* stands for.

    It is the setting `AzureWebJobs<name>` or those that begin with `AzureWebJobs<name>__`, else the same without
    `AzureWebJobs`; no name means AzureWebJobsStorage. Names are compared without case, and an empty setting is none.
    Raises FunctionLoadError.
    """
    name = binding.text("connection") or DEFAULT_CONNECTION
    # .NET's configuration knows no case: https://learn.microsoft.com/dotnet/core/extensions/configuration-providers.
    settings = {setting.lower(): value for setting, value in environment.items() if value}
    for section in (f"AzureWebJobs{name}", name):
        if text := settings.get(section.lower()):
            return StringConnection(DEVELOPMENT_STORAGE if _is_development_storage(text) else text)
        prefix = f"{section.lower()}__"
        members = {key.removeprefix(prefix): value for key, value in settings.items() if key.startswith(prefix)}
        if members:
            return _Section(section, members).connection(SERVICES[binding.type.lower()])
    shown = "AzureWebJobsStorage" if name == DEFAULT_CONNECTION else name
    raise FunctionLoadError(
        f"Storage account connection string '{shown}' does not exist. Make sure that it is a defined app setting: "
        f"in the environment, or in the Values of local.settings.json. With an identity it is {shown}__accountName."
    )


def _is_development_storage(text: str) -> bool:
    return text.strip(" ;").lower() == "usedevelopmentstorage=true"


@dataclass(frozen=True)
class _Section:
    """The settings `<name>__<member>`, by member in lower case."""

    name: str
    members: Mapping[str, str]

    def connection(self, services: tuple[str, ...]) -> IdentityConnection:
        urls = {service: self._url(service, services) for service in services}
        return IdentityConnection(urls.get("blob", ""), urls.get("queue", ""), self._identity())

    def _url(self, service: str, services: tuple[str, ...]) -> str:
        """Return the address of *service*; the account's name wins over addresses, as in Azure."""
        if account := self._member("accountName"):
            if not ACCOUNT_NAME.fullmatch(account):
                raise FunctionLoadError(f"{self.name}__accountName must be 3 to 24 lower-case letters and digits")
            return f"https://{account}.{service}.core.windows.net"
        names = [f"{service}ServiceUri", *(["serviceUri"] if service == services[0] else [])]
        for name in names:
            if url := self._member(name):
                return self._checked(name, url)
        reason = ", where events go that fail again and again" if service != services[0] else ""
        raise FunctionLoadError(
            f"the identity connection {self.name} has no address of the {service} service{reason}:"
            f" set {self.name}__{service}ServiceUri to https://ACCOUNT.{service}.core.windows.net,"
            f" or {self.name}__accountName alone"
        )

    def _checked(self, name: str, url: str) -> str:
        try:
            parts = urlsplit(url.strip())
            is_address = parts.scheme == "https" and parts.hostname and parts.port != 0
        except ValueError:
            is_address = False
        # What a query or a user would hold is a secret, and an identity needs none.
        if not is_address or parts.query or parts.fragment or parts.username is not None:
            raise FunctionLoadError(
                f"{self.name}__{name} must be the address of a service and no more, with https: an identity's token is"
                " never sent without TLS"
            )
        return url.strip().rstrip("/")

    def _identity(self) -> Identity:
        for name in OTHER_IDENTITIES:
            if self._member(name):
                raise FunctionLoadError(
                    f"this local host knows no {self.name}__{name}: set {self.name}__credential to {MANAGED_IDENTITY},"
                    f" with {self.name}__clientId for a user-assigned identity, or neither to be who is signed in"
                )
        kind = self._member("credential").lower()
        if kind not in ("", MANAGED_IDENTITY):
            raise FunctionLoadError(f"{self.name}__credential must be {MANAGED_IDENTITY} or not be set")
        return Identity(kind == MANAGED_IDENTITY, self._member("clientId"))

    def _member(self, name: str) -> str:
        return self.members.get(name.lower(), "")


def fill_settings(text: str, environment: Mapping[str, str]) -> str:
    """Replace each `%NAME%` in *text* by that setting; raises FunctionLoadError for one that is not set."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in environment:
            raise FunctionLoadError(f"'%{found[1]}%' does not resolve to a value: set {found[1]}.")
        return environment[found[1]]

    return SETTING.sub(value, text)
