"""
The directories of an account in which they are real (a hierarchical namespace, Data Lake Storage Gen2).

There a directory is made with the first blob in it, and stays when the last one goes. In listings and by a HEAD it is
an empty blob with the metadata `hdi_isfolder`. Delete Blob deletes it only if it is empty (learn.microsoft.com, Known
issues with Azure Data Lake Storage). No file and directory can have the same name.
"""

from shared.errors import ConflictError
from shared.storage import image_blobs
from shared.storage.blobs import Blobs


def prune(blobs: Blobs, container: str, name: str) -> None:
    """
    Delete the directories above a blob that was deleted, as far as they are empty, because they tell its name.

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
            except ConflictError:
                return
        above = above.rpartition("/")[0]
