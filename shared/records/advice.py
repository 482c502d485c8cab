"""
What to do about an upload that has failed, with its name: which file takes its place, or how it is tried again.

An error's own action serves callers who sent bytes too, so it can name no upload.
"""

import json

from shared.errors import BlobsightError

_BY_ITSELF = "Nothing: it is tried again by itself."
# Errors whose own action tells a caller to ask again, which an upload has done for it.
_ASK_AGAIN = {
    "busy": _BY_ITSELF,
    "conflict": _BY_ITSELF,
    "turn_too_late": f"{_BY_ITSELF} If it happens often, raise the tier and VISION_RATE.",
    "vision_throttled": f"{_BY_ITSELF} If it happens often, raise the tier or lower VISION_RATE.",
}
# What no new version of the file would mend.
_NO_IMAGE = ("not_an_image", "image_empty")
# What can be mended by a file of another kind, for which the name then has the wrong ending.
_OTHER_KIND = ("format_not_supported", "image_not_supported")
_TIED_TO_FILE = ("read_failed", "read_too_slow", "upload_gave_up")


def for_upload(error: BlobsightError, name: str, *, blames_image: bool) -> str:
    """
    The action of the record that says why a step of an upload is not done.

    Args:
        error: the reason.
        name: the upload.
        blames_image: whether no attempt at the same bytes can do better.
    """
    if error.transient or error.code == "image_copy_failed":
        return _ASK_AGAIN.get(error.code, error.action)
    told = [error.action]
    if error.code in _NO_IMAGE:
        told.append(f"Delete {name!r}, or upload an image under that name.")
    elif blames_image or error.code in _TIED_TO_FILE:
        hint = " (the content counts, not the ending)" if error.code in _OTHER_KIND else ""
        told.append(f"Upload the new file as {name!r} again{hint}, or under another name and delete this one.")
    if not blames_image:
        body = json.dumps({"name": name}, ensure_ascii=False)
        told.append(f"To have the same file tried again, POST /api/unfinished/retry with {body}.")
    return " ".join(told)
