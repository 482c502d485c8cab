"""The doubles of storage without keys, asked by the clients that the app has: azure-storage and azure-identity."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.storage.blob import BlobServiceClient, ContainerClient, generate_container_sas
from azure.storage.queue import QueueClient
from doubles.authority import write_certificate
from doubles.azurite import ACCOUNT_KEY, Azurite, running_azurite
from doubles.identity_endpoint import IdentityEndpoint, running_identity_endpoint
from doubles.storage_gateway import Role, StorageGateway, running_storage_gateway

CLIENT_ID = "8a1f7c52-0000-4000-8000-000000000001"
STORAGE = "https://storage.azure.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def azurite(certificate: tuple[Path, Path]) -> Iterator[Azurite]:
    with running_azurite(accounts=("images", "bookkeeping"), certificate=certificate) as running:
        yield running


@pytest.fixture
def gateway(
    azurite: Azurite, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[StorageGateway]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    with running_storage_gateway(azurite, certificate) as running:
        yield running


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    with running_identity_endpoint(CLIENT_ID, lifetime_seconds=3600) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def credential(endpoint: IdentityEndpoint) -> Iterator[ManagedIdentityCredential]:
    with ManagedIdentityCredential(client_id=CLIENT_ID) as credential:
        yield credential


def blobs(gateway: StorageGateway, account: str, credential: object) -> BlobServiceClient:
    return BlobServiceClient(gateway.url("blob", account), credential=credential, retry_total=0)  # type: ignore[arg-type]  # the SDK's many kinds


def test_blobs_and_messages_pass_with_tokens_as_they_are(
    gateway: StorageGateway, endpoint: IdentityEndpoint, credential: ManagedIdentityCredential
) -> None:
    data = secrets.token_bytes(9_000_000)  # in blocks, and read in ranges
    name = f"{secrets.token_hex(4)} é+%20/a b.bin"
    with blobs(gateway, "images", credential) as service:
        container = service.create_container(f"c{secrets.token_hex(4)}")
        sent = container.upload_blob(name, data, max_concurrency=4, metadata={"Kind": "x"})
        assert sent.url.startswith(f"{gateway.url('blob', 'images')}/{container.container_name}/")
        assert container.download_blob(name, max_concurrency=4).readall() == data
        assert sent.get_blob_properties().size == len(data)
        assert [each.name for each in container.list_blobs(name_starts_with=name)] == [name]
        sent.delete_blob()
        assert not sent.exists()
    with QueueClient(gateway.url("queue", "images"), f"q{secrets.token_hex(4)}", credential=credential) as queue:
        queue.create_queue()
        queue.send_message("a message")
        assert [each.content for each in queue.receive_messages()] == ["a message"]
    assert {each.shown for each in gateway.seen} == {"Bearer"}
    assert endpoint.counts() == {(STORAGE, CLIENT_ID): 1}


@pytest.mark.parametrize("what", ["key", "signature"])
def test_keys_and_signatures_are_refused_as_in_azure(gateway: StorageGateway, azurite: Azurite, what: str) -> None:
    shown = ACCOUNT_KEY if what == "key" else generate_container_sas("images", "c", ACCOUNT_KEY, policy_id="a-policy")
    with blobs(gateway, "images", shown) as service, pytest.raises(HttpResponseError) as refused:
        list(service.get_container_client("c").list_blobs())
    assert refused.value.status_code == 403
    assert refused.value.error_code == "KeyBasedAuthenticationNotPermitted"
    assert [each.shown for each in gateway.seen] == [{"key": "SharedKey", "signature": "SAS"}[what]]
    # Past the gateway the key opens the account, for what a test does itself.
    for account in ("images", "bookkeeping"):
        known = azurite.account(account).connection_string
        with ContainerClient.from_connection_string(known, f"k{secrets.token_hex(4)}") as container:
            container.create_container()
            assert container.account_name == account


def test_a_missing_role_is_missing_in_one_service_of_one_account_until_it_is_given(
    gateway: StorageGateway, credential: ManagedIdentityCredential
) -> None:
    container, queue = f"c{secrets.token_hex(4)}", f"q{secrets.token_hex(4)}"
    gateway.lacking.add(Role("bookkeeping", "blob", writes=True))
    gateway.deny("bookkeeping", "queue")
    with (
        blobs(gateway, "images", credential) as images,
        blobs(gateway, "bookkeeping", credential) as bookkeeping,
        QueueClient(gateway.url("queue", "bookkeeping"), queue, credential=credential) as messages,
    ):
        images.create_container(container)
        assert container not in [each.name for each in bookkeeping.list_containers()]
        for action in (lambda: bookkeeping.create_container(container), messages.create_queue):
            with pytest.raises(HttpResponseError) as refused:
                action()
            assert refused.value.status_code == 403
            assert refused.value.error_code == "AuthorizationPermissionMismatch"
            assert "not authorized to perform this operation using this permission" in str(refused.value)
        gateway.lacking.clear()
        bookkeeping.create_container(container)
        messages.create_queue()


def test_the_endpoint_refuses_a_wrong_header_and_a_stranger(
    endpoint: IdentityEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ManagedIdentityCredential(client_id="stranger") as stranger, pytest.raises(ClientAuthenticationError):
        stranger.get_token(f"{STORAGE}/.default")
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with ManagedIdentityCredential(client_id=CLIENT_ID) as known, pytest.raises(ClientAuthenticationError):
        known.get_token(f"{STORAGE}/.default")
    assert [status for _, status in endpoint.refused] == [400, 401]
    assert endpoint.counts() == {}


def test_a_token_says_for_how_long_it_is_valid_and_azurite_believes_it(
    gateway: StorageGateway, endpoint: IdentityEndpoint, credential: ManagedIdentityCredential
) -> None:
    endpoint.lifetime_seconds = -1
    with blobs(gateway, "images", credential) as service, pytest.raises(HttpResponseError) as refused:
        list(service.list_containers())
    assert refused.value.error_code == "AuthenticationFailed"
    endpoint.grace_seconds = 60
    with blobs(gateway, "images", credential) as service:
        list(service.list_containers())
    endpoint.lifetime_seconds = 60
    with blobs(gateway, "images", credential) as service:
        list(service.list_containers())
    assert [each.expires_on - int(each.asked_at) for each in endpoint.given][-1] == 60
