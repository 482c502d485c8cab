"""A binding's connection is a connection string, or addresses and an identity, by the platform's names and order."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from local.host.app import identity
from local.host.app.connections import (
    DEVELOPMENT_STORAGE,
    Connection,
    IdentityConnection,
    StringConnection,
    connection_of,
)
from local.host.app.identity import Identity, credential
from local.host.app.metadata import Binding
from local.host.errors import FunctionLoadError

BLOB, QUEUE = "https://account.blob.core.windows.net", "https://account.queue.core.windows.net"
SIGNED_IN, MANAGED = Identity(), Identity(is_managed=True)


def resolve(environment: Mapping[str, str], kind: str = "blobTrigger", name: str = "Images") -> Connection:
    return connection_of(Binding("b", kind, "in", None, {"connection": name} if name else {}), environment)


@pytest.mark.parametrize(
    ("name", "environment", "text"),
    [
        ("Images", {"Images": "plain", "AzureWebJobsImages": "prefixed"}, "prefixed"),
        ("Images", {"Images": "plain", "AzureWebJobsImages": ""}, "plain"),
        ("Images", {"Images": "plain"}, "plain"),
        ("images", {"IMAGES": "plain"}, "plain"),
        ("", {"AzureWebJobsStorage": "host"}, "host"),
        ("Storage", {"AzureWebJobsStorage": "host"}, "host"),
        ("AzureWebJobsStorage", {"AzureWebJobsStorage": "host"}, "host"),
        ("Images", {"Images": "UseDevelopmentStorage=true;"}, DEVELOPMENT_STORAGE),
        ("Images", {"Images": "plain", "Images__accountName": "account"}, "plain"),
        ("Images", {"AzureWebJobsImages": "prefixed", "AzureWebJobsImages__serviceUri": "nonsense"}, "prefixed"),
    ],
)
def test_connection_string_is_found_by_its_name(name: str, environment: dict[str, str], text: str) -> None:
    assert resolve(environment, name=name) == StringConnection(text)


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        ("blobTrigger", {"accountName": "account"}, IdentityConnection(BLOB, QUEUE, SIGNED_IN)),
        ("blobTrigger", {"blobServiceUri": f"{BLOB}/", "queueServiceUri": QUEUE}, (BLOB, QUEUE, SIGNED_IN)),
        ("blobTrigger", {"serviceUri": BLOB, "queueServiceUri": QUEUE}, (BLOB, QUEUE, SIGNED_IN)),
        ("blob", {"blobServiceUri": BLOB}, (BLOB, "", SIGNED_IN)),
        ("blob", {"serviceUri": BLOB}, (BLOB, "", SIGNED_IN)),
        ("blob", {"serviceUri": "https://other.example", "blobServiceUri": BLOB}, (BLOB, "", SIGNED_IN)),
        ("queueTrigger", {"queueServiceUri": QUEUE}, ("", QUEUE, SIGNED_IN)),
        ("queueTrigger", {"serviceUri": QUEUE}, ("", QUEUE, SIGNED_IN)),
        ("blob", {"accountName": "account", "blobServiceUri": "https://other.example"}, (BLOB, "", SIGNED_IN)),
        ("blob", {"blobServiceUri": "https://127.0.0.1:10000/x"}, ("https://127.0.0.1:10000/x", "", SIGNED_IN)),
        ("blob", {"accountName": "account", "credential": "ManagedIdentity"}, (BLOB, "", MANAGED)),
        ("blob", {"ACCOUNTNAME": "account", "clientID": "me"}, (BLOB, "", Identity(is_managed=False, client_id="me"))),
        (
            "blob",
            {"accountName": "account", "credential": "managedidentity", "clientId": "me"},
            (BLOB, "", Identity(is_managed=True, client_id="me")),
        ),
    ],
)
def test_identity_connection_is_put_together_from_its_members(
    kind: str, members: dict[str, str], expected: IdentityConnection | tuple[str, str, Identity]
) -> None:
    found = resolve({f"Images__{member}": value for member, value in members.items()}, kind)
    assert found == (expected if isinstance(expected, IdentityConnection) else IdentityConnection(*expected))


def test_prefixed_members_win_over_a_plain_connection_string() -> None:
    environment = {"AzureWebJobsImages__accountName": "account", "Images": "plain"}
    assert resolve(environment) == IdentityConnection(BLOB, QUEUE, SIGNED_IN)


def test_host_storage_may_have_an_identity_too() -> None:
    assert resolve({"AzureWebJobsStorage__accountName": "account"}, name="") == resolve(
        {"Images__accountName": "account"}
    )


@pytest.mark.parametrize(
    ("kind", "members", "reason"),
    [
        ("blobTrigger", {"blobServiceUri": BLOB}, "has no address of the queue service, where events go that fail"),
        ("blobTrigger", {"serviceUri": BLOB}, "set Images__queueServiceUri to https://ACCOUNT.queue.core.windows.net"),
        ("blob", {"queueServiceUri": QUEUE}, "set Images__blobServiceUri to .*, or Images__accountName alone"),
        ("queueTrigger", {"credential": "managedidentity"}, "has no address of the queue service: set"),
        ("blob", {"accountName": "Account.blob"}, "Images__accountName must be 3 to 24 lower-case letters and digits"),
        ("blob", {"blobServiceUri": "http://account.example"}, "Images__blobServiceUri must be the address .* https"),
        ("blob", {"blobServiceUri": "account.blob.core.windows.net"}, "must be the address"),
        ("blob", {"blobServiceUri": f"{BLOB}?sig=secret"}, "must be the address"),
        ("blob", {"blobServiceUri": "https://me:secret@account.example"}, "must be the address"),
        ("blob", {"blobServiceUri": "https://account:secret"}, "must be the address"),
        ("blob", {"accountName": "account", "credential": "secret"}, "Images__credential must be managedidentity or"),
        ("blob", {"accountName": "account", "clientSecret": "secret"}, "knows no Images__clientSecret"),
    ],
)
def test_unusable_members_are_told_by_the_setting_and_without_its_value(
    kind: str, members: dict[str, str], reason: str
) -> None:
    with pytest.raises(FunctionLoadError, match=reason) as caught:
        resolve({f"Images__{member}": value for member, value in members.items()}, kind)
    assert "secret" not in str(caught.value).replace("clientSecret", "")


@pytest.mark.parametrize(("name", "shown"), [("", "AzureWebJobsStorage"), ("Images", "Images")])
def test_missing_connection_is_named_as_the_user_knows_it(name: str, shown: str) -> None:
    with pytest.raises(FunctionLoadError, match=f"'{shown}' does not exist.* it is {shown}__accountName"):
        resolve({"Images__": "", "Imagesx__accountName": "account"}, name=name)


def test_connection_string_is_not_shown() -> None:
    assert "secret" not in repr(StringConnection("AccountKey=secret"))


@pytest.mark.parametrize(
    ("asked", "kind", "options"),
    [
        (Identity(is_managed=True), "ManagedIdentityCredential", {"client_id": None}),
        (Identity(is_managed=True, client_id="me"), "ManagedIdentityCredential", {"client_id": "me"}),
        (Identity(), "DefaultAzureCredential", {}),
        (Identity(client_id="me"), "DefaultAzureCredential", {"managed_identity_client_id": "me"}),
    ],
)
def test_each_identity_has_one_credential_of_the_platforms_kind(
    monkeypatch: pytest.MonkeyPatch, asked: Identity, kind: str, options: dict[str, Any]
) -> None:
    made: list[tuple[str, dict[str, Any]]] = []

    def recorder(name: str) -> Any:
        def make(**given: Any) -> object:
            made.append((name, given))
            return object()

        return make

    for name in ("ManagedIdentityCredential", "DefaultAzureCredential"):
        monkeypatch.setattr(f"azure.identity.{name}", recorder(name))
    monkeypatch.setattr(identity, "_credentials", {})
    assert credential(asked) is credential(asked)
    assert credential(Identity(is_managed=True, client_id="another")) is not credential(asked)
    assert made[0] == (kind, {**options, **identity.TIMEOUTS})


def test_connection_string_needs_no_library_of_identities() -> None:
    script = (
        "import sys, local.host.service\n"
        "from local.host.app.connections import DEVELOPMENT_STORAGE, StringConnection\n"
        "connection = StringConnection(DEVELOPMENT_STORAGE)\n"
        "connection.blob_service().close(); connection.queue('work').close()\n"
        "print([name for name in sys.modules if name.startswith(('azure.identity', 'msal'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
