"""
An image that was edited: its ETag is another one, and its bytes are the same, so that its records hold.

Azure Storage sends no event for that. The properties tell it, unless the blob has no MD5 or the records are the version
before's. Then the bytes are read, once: the records that are of them tell the image's present ETag from then on.
"""

from contextlib import suppress

from shared import records, steps
from shared.errors import StorageError
from shared.records import LookedAt, SourceChangedError
from shared.services import Services
from shared.storage import BlobInfo


def recognize(services: Services, image: BlobInfo) -> bool:
    """Find by an image's bytes the records that are of it, where its properties do not tell; whether there are any."""
    looked_at = LookedAt(image)
    places = steps.places(services, image.name)
    seen = [(container, services.images.head(container, name)) for container, name in places]
    doubtful = [(container, record) for container, record in seen if record and looked_at.may_have_made(record)]
    if not doubtful:
        return False
    # What cannot be read now, or changes meanwhile, is shown as its properties tell.
    with suppress(StorageError, SourceChangedError):
        version = records.digested(services.images, image)
        if version is None:
            return False
        found = [each for each in doubtful if version.made(services.images, each[1])]
        for container, record in found:
            records.renew(services.images, version, container, record)
        return bool(found)
    return False
