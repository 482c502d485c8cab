"""
The settings of a storage account: a connection string, or the account's addresses and the identity that comes to it.

The names and their precedence are the Functions host's own (azure-sdk-for-net, StorageClientProvider.cs and
Microsoft.Extensions.Azure's ClientFactory.cs). It takes `AzureWebJobs<name>` before `<name>`, a connection string
before all other settings, and the account's name before its addresses, each without a word. The app refuses each
setting that the host would pass over. So it never works on another account, or as another identity, than its triggers.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from shared.configuration import connection_strings
from shared.untrusted import base_addresses

MANAGED_IDENTITY = "managedidentity"
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
_NAME_IN_STRING = re.compile(r"(?:^|;)AccountName=([^;]+)", re.IGNORECASE)
_BLOBS_IN_STRING = re.compile(r"(?:^|;)BlobEndpoint=([^;?]+)", re.IGNORECASE)


class Principal(NamedTuple):
    """
    Which identity of Entra ID the app is.

    Attributes:
        managed: one that Azure has given to the app; else one that azure-identity finds, such as `az login`.
        client_id: of a user-assigned identity; None is the system-assigned one.
    """

    managed: bool = False
    client_id: str | None = None


@dataclass(frozen=True)
class Account:
    """
    A storage account and how the app is let in: `connection_string`, or else `blobs` and `principal`.

    Attributes:
        blobs: the address of its blobs, without a slash at its end.
        setting: the name of its setting, for messages; the same account under another setting is equal.
    """

    connection_string: str | None = field(default=None, repr=False)
    blobs: str = ""
    principal: Principal | None = None
    setting: str = field(default="ImagesStorage", compare=False)

    @property
    def name(self) -> str:
        """The account's name, for messages; empty where a connection string hides it."""
        text = self.connection_string or ""
        named = _NAME_IN_STRING.search(text)
        if named:
            return named[1]
        address = _BLOBS_IN_STRING.search(text)
        return _name_of(address[1] if address else self.blobs)


def _name_of(address: str) -> str:
    parts = urlsplit(address)
    # https://ACCOUNT.blob.core.windows.net, or https://127.0.0.1:10000/ACCOUNT.
    return parts.path.strip("/") or parts.netloc.partition(".")[0]


def client_id(text: str) -> str:
    """
    The client id of an identity, in lower case.

    Raises:
        ValueError: it is none; the text completes a sentence that names the setting.
    """
    if not _GUID.fullmatch(text):
        raise ValueError("must be the client id of an identity, such as 01234567-89ab-cdef-0123-456789abcdef")
    return text.lower()


def _service(name: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        example = f"https://ACCOUNT.{name}.core.windows.net"
        if text.lower().startswith("http:"):
            raise ValueError(f"must be an https address such as {example}: a token may travel by TLS only")
        origin, path = base_addresses.checked(text, example, ("https",))
        # An emulator has the account's name in the path.
        if path and not re.fullmatch(r"https://.+:[0-9]+/[A-Za-z0-9-]+", origin + path):
            raise ValueError(f"must be an https address such as {example}, without a container or any other path")
        return origin + path

    return checked


def _account_name(text: str) -> str:
    if not _ACCOUNT_NAME.fullmatch(text):
        raise ValueError("must be the name of a storage account: 3 to 24 digits and lower-case letters")
    return text


def _credential(text: str) -> str:
    if text.lower() != MANAGED_IDENTITY:
        raise ValueError(f"must be {MANAGED_IDENTITY}, or not be set")
    return MANAGED_IDENTITY


class Part(NamedTuple):
    """One of an account's settings for an identity, `<setting>__<name>`; `check` raises ValueError."""

    name: str
    help: str
    check: Callable[[str], str]


_ADDRESSES = (
    Part("blobServiceUri", "Address of the account's blobs, in place of a connection string.", _service("blob")),
    Part("queueServiceUri", "Address of its queues.", _service("queue")),
    Part("tableServiceUri", "Address of its tables.", _service("table")),
)
PARTS = (
    *_ADDRESSES,
    Part("accountName", "Name of an account of public Azure, in place of its addresses.", _account_name),
    Part("credential", "Which identity comes: managedidentity; empty is the app's own.", _credential),
    Part("clientId", "Client id of a user-assigned identity.", client_id),
)


class _Problems(Exception):  # noqa: N818 (not an error of the app: `read` hands out what it holds)
    """The problems of an account's settings, one sentence each."""


def read(
    name: str, environment: Mapping[str, str], needs: Mapping[str, str], own: Principal
) -> tuple[Account | None, list[str]]:
    """
    The account of a setting, and the problems of its settings, one sentence each.

    Args:
        name: of the setting.
        environment: all variables.
        needs: which services the Functions host needs of the account, by the names of their settings, and what for.
        own: the identity that comes where the account's settings name none.
    """
    try:
        return _account(name, environment, needs, own), []
    except _Problems as found:
        return None, list(found.args)


def _account(name: str, environment: Mapping[str, str], needs: Mapping[str, str], own: Principal) -> Account:
    _refuse_what_comes_before(name, environment)
    text, given = environment.get(name, "").strip(), _given(name, environment)
    if text and given:
        raise _Problems(
            f"{name} is set beside {_listed(f'{name}__{part}' for part in given)}: the Functions host takes the"
            " connection string and passes over the rest without a word, so keep one of the two"
        )
    if text:
        try:
            return Account(connection_strings.checked(text), setting=name)
        except ValueError as error:
            raise _Problems(f"{name} {error}") from None
    if not given:
        needed = _listed(f"{name}__{part}" for part in needs)
        raise _Problems(f"{name} is not set: a connection string, or {needed} to which the app's identity comes")
    values, problems = _values(name, given)
    problems += _contradictions(name, given, needs)
    if problems:
        raise _Problems(*problems)
    blobs = values.get("blobServiceUri") or f"https://{values['accountName']}.blob.core.windows.net"
    return Account(blobs=blobs, principal=_principal(values, own), setting=name)


def _principal(values: Mapping[str, str], own: Principal) -> Principal:
    """As the host chooses: a client id without `credential` is one of the identity that it would take by itself."""
    if "credential" in values:
        return Principal(managed=True, client_id=values.get("clientId"))
    return own._replace(client_id=values.get("clientId", own.client_id))


def _refuse_what_comes_before(name: str, environment: Mapping[str, str]) -> None:
    before = f"AzureWebJobs{name}"
    found = sorted(key for key in environment if re.fullmatch(f"{before}(__.*)?", key, re.IGNORECASE))
    if found:
        raise _Problems(
            f"{name} is not what the triggers use, because {found[0]} is set: the Functions host looks for {before}"
            f" first, and the app for {name} only, so rename it"
        )


def _given(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The identity settings that are set, by the names of their parts; the host takes these in any case."""
    prefix, known = f"{name}__".lower(), {part.name.lower(): part.name for part in PARTS}
    given = {key[len(prefix) :]: text.strip() for key, text in environment.items() if key.lower().startswith(prefix)}
    return {known.get(part.lower(), part): text for part, text in given.items() if text}


def _values(name: str, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    checks, values, problems = {part.name: part.check for part in PARTS}, {}, []
    for part, text in given.items():
        if part not in checks:
            problems.append(
                f"{name}__{part} is no setting that the app takes; of an identity there are {_listed(checks)}"
            )
            continue
        try:
            values[part] = checks[part](text)
        except ValueError as error:
            problems.append(f"{name}__{part} {error}")
    return values, problems


def _contradictions(name: str, given: Mapping[str, str], needs: Mapping[str, str]) -> list[str]:
    """The problems between an account's settings, each of which is right by itself."""
    problems = []
    addresses = [f"{name}__{part.name}" for part in _ADDRESSES if part.name in given]
    if "accountName" not in given:
        problems += [f"{name}__{part} is not set: {reason}" for part, reason in needs.items() if part not in given]
    elif addresses:
        problems.append(
            f"{name}__accountName is set beside {_listed(addresses)}: the Functions host takes the name and passes over"
            " the addresses, so keep one of the two"
        )
    return problems


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
