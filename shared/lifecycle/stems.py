"""
The images that records are of, found by what the names of records begin with (`names.stem`).
"""

from collections.abc import Iterable

from shared import names
from shared.answers import owners
from shared.records import by_step
from shared.records.unfinished_document import parsed
from shared.services import App
from shared.storage.blobs import BlobInfo


def image_of(app: App, stem: str, record: BlobInfo) -> str | None:
    """
    The name of the image that has this record; None where it cannot be found.

    A stem is the name itself, or a digest of a long one. Then the mark of the owner of its bytes tells it, or a
    document, for one to seven requests to storage.
    """
    if not stem.startswith(names.LONG):
        return stem
    sha256 = record.metadata.get(names.SOURCE_SHA256)
    owner = owners.image_of(app.host, names.owner_of_stem(sha256, stem)) if sha256 else None
    if owner:
        return owner
    for container, place in _documents(stem):
        blob = app.images.read(container, place)
        source = parsed(blob.data).get("source") if blob else None
        name = source.get("name") if isinstance(source, dict) else None
        if isinstance(name, str) and names.stem(name) == stem:
            return name
    return None


def _documents(stem: str) -> Iterable[tuple[str, str]]:
    yield names.ANALYSIS, f"{stem}.json"
    yield names.TEXT, f"{stem}.json"
    for step in by_step.STEPS:
        yield names.UNFINISHED, f"{step}/{stem}.json"
    yield names.CORRECTIONS, f"{stem}.json"
