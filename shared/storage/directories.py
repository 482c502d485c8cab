"""
The directories of an account in which they are real (a hierarchical namespace, Data Lake Storage Gen2).

There a directory is made with the first blob in it, and stays when the last one goes. In listings and by a HEAD it is
an empty blob with the metadata `hdi_isfolder`. Delete Blob deletes it only if it is empty (learn.microsoft.com, Known
issues with Azure Data Lake Storage). No file and directory can have the same name.

Some accounts refuse Delete Blob for every directory, with 400 OperationNotSupportedOnDirectory (azure-sdk-for-net issue
39065, azure-storage-fuse issue 1068). Their empty directories stay.
"""

from shared.errors import ConflictError, StorageNameTakenError
from shared.storage import image_blobs
from shared.storage.blobs import Blobs


def delete(blobs: Blobs, container: str, name: str, etag: str) -> bool:
    """
    Delete exactly the blob that was seen, and the directories above that are empty then.

    Returns:
        Whether it is gone; False if it was written anew since.
    """
    try:
        blobs.delete(container, name, etag=etag)
    except ConflictError:
        return False
    prune(blobs, container, name)
    return True


def prune(blobs: Blobs, container: str, name: str) -> None:
    """
    Delete the directories above a blob that was deleted, because they tell its name.

    Only empty ones go, and only where the account lets them.

    Nothing is asked of an account without directories.

    Raises:
        StorageError: storage did not answer.
    """
    above = name.rpartition("/")[0] if blobs.has_directories else ""
    while above:
        info = blobs.head(container, above)
        if info is not None:
            if not image_blobs.is_folder_marker(info):
                return
            try:
                # Only that very directory: a blob of its name may have been written in its place.
                blobs.delete(container, above, etag=info.etag)
            except (ConflictError, StorageNameTakenError):
                return
        above = above.rpartition("/")[0]
