"""What the stack's Azurite does as Azure does, and Azurite alone does not."""

import uuid
from collections.abc import Iterator

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient
from doubles.supervised_storage import Storage

from shared.storage.azure import BlobStore

# Between and around the ones that XML cannot carry, and one that looks like a marker of such a name.
FOLDER = ["b\x01/1.png", "b\x01/2.png", "b\x01/\ufffe/3.png"]
NAMES = ["Encoded:%", "a.png", *FOLDER, "c\x1b[31m.png", "d.png", "e\uffff.png"]


@pytest.fixture
def container(storage: Storage) -> Iterator[ContainerClient]:
    """A container with a blob of each name."""
    with BlobServiceClient.from_connection_string(storage.addresses.connection_string, retry_total=0) as service:
        container = service.create_container(f"c{uuid.uuid4().hex}")
        for name in NAMES:
            container.upload_blob(name, b"1")
        yield container
        container.delete_container()


@pytest.mark.parametrize("page_blobs", [1, 2, 3, 100])
def test_names_that_xml_cannot_carry_are_listed_like_others_on_pages_of_any_size(
    container: ContainerClient, page_blobs: int
) -> None:
    pages = container.list_blobs(results_per_page=page_blobs).by_page()
    assert [blob.name for page in pages for blob in page] == NAMES


@pytest.mark.parametrize("page_blobs", [1, 100])
def test_a_prefix_that_xml_cannot_carry_bounds_all_pages(container: ContainerClient, page_blobs: int) -> None:
    found = container.list_blobs("b\x01/", results_per_page=page_blobs)
    assert [blob.name for blob in found] == FOLDER


@pytest.mark.parametrize("page_blobs", [1, 100])
def test_folders_whose_names_xml_cannot_carry_are_listed_as_folders(
    container: ContainerClient, page_blobs: int
) -> None:
    found = {blob.name for blob in container.walk_blobs("b\x01/", results_per_page=page_blobs)}
    assert found == {"b\x01/1.png", "b\x01/2.png", "b\x01/\ufffe/"}


def test_the_app_lists_such_names_page_by_page(storage: Storage, container: ContainerClient) -> None:
    store = BlobStore(storage.addresses.connection_string)
    found: list[str] = []
    continuation: str | None = None
    while continuation or not found:
        page = store.page(container.container_name, limit=3, continuation=continuation)
        found += [info.name for info in page.items]
        continuation = page.continuation
    assert found == NAMES
