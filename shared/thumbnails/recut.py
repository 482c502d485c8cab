"""
Stored thumbnails are cut anew when the focal point of their image has changed, with what is known already.
"""

from shared.services import App


def recut(app: App, name: str) -> int:
    """
    Cut every stored thumbnail of an image as its correction says now, of whatever size and format; nothing is paid.

    Returns:
        How many were written.

    Raises:
        BusyError: too many pictures are being decoded, or others write the same thumbnails; try again.
        StorageError: storage does not answer.
    """
    return 0
