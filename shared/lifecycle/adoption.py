"""
Adoption: images of earlier versions get the marks of owners that those versions did not write.

Until it has been done once, an answer without a mark may well be an image's, so nothing is deleted for want of one. A
blob beside the marks says that it is done. So it goes with them if the container is deleted or emptied, and then all
images are adopted anew before anything else is deleted. Marks of another account's images say nothing, so it names the
account too.
"""

import json
from datetime import datetime
from urllib.parse import urlsplit

from shared import names
from shared.services import App


def note(app: App, began: str) -> None:
    """Note that each image that was there when the comparison *began* (ISO 8601) has its mark."""
    content = json.dumps({"images": _images(app), "began": began}).encode()
    app.host.write(names.OWNERS, names.ADOPTED, content, content_type=names.JSON)


def since(app: App) -> datetime | None:
    """Since when every image has its mark; None where this is not known, and an answer may be any image's."""
    blob = app.host.read(names.OWNERS, names.ADOPTED)
    try:
        noted = json.loads(blob.data) if blob else {}
        began = datetime.fromisoformat(noted["began"]) if noted.get("images") == _images(app) else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return began if began and began.tzinfo else None


def _images(app: App) -> str:
    """The container with the images, without the port, which a local account changes."""
    address = urlsplit(app.images.url(names.IMAGES, "-"))
    return f"{address.hostname}{address.path}"
