"""
An image that is gone takes everything with it that was made of it, but for the answers, which others may need.

The answers paid for its bytes are forgotten later (`shared.lifecycle.forgetting`), unless another image has them.
"""

from collections.abc import Collection

from shared.services import App


def forget(app: App, name: str, *, digests: Collection[str] = ()) -> int:
    """
    Delete every record of an image that is gone, and note since when its bytes are no image's.

    Args:
        app: the app.
        name: the image's name in the container `images`.
        digests: SHA-256 of bytes that it is known to have had, beside those that its records tell.

    Returns:
        How many records were deleted.

    Raises:
        SourceChangedError: there is an image of that name (again); nothing was deleted.
    """
    raise NotImplementedError
