"""
The conditions of a request that writes or deletes: `If-Match` with the ETags that the caller has seen, and
`If-None-Match: *`, which overwrites nothing.
"""

from collections.abc import Callable

import azure.functions as func

from shared.errors import BadRequestError, PreconditionFailedError
from shared.storage.blobs import BlobInfo, IfEtag
from shared.untrusted.characters import shown


def are_in(req: func.HttpRequest) -> bool:
    """Whether the request has a condition."""
    return any(req.headers.get(name) for name in ("If-Match", "If-None-Match"))


def of(
    req: func.HttpRequest, found: BlobInfo | None, what: str, changed: Callable[[], PreconditionFailedError]
) -> IfEtag | None:
    """
    The condition on which storage is to write or delete; None if the request has none.

    Args:
        req: the request.
        found: the blob that is there now; None if there is none.
        what: what it is, for the message: "the correction".
        changed: makes the error of a condition that does not hold now.

    Raises:
        BadRequestError: `bad_header`, for an `If-None-Match` that has no meaning here.
        PreconditionFailedError: as *changed* makes it.
    """
    only_new, seen = req.headers.get("If-None-Match", "").strip(), req.headers.get("If-Match", "")
    if only_new not in ("", "*") or (only_new and (seen or req.method == "DELETE")):
        raise BadRequestError(
            f"The header If-None-Match is {shown(only_new)}; here it is * with PUT alone, and without If-Match.",
            code="bad_header",
            action=f"Leave it out. If-Match with the ETag of {what} keeps the work of others.",
        )
    if only_new and found:
        raise changed()
    if seen:
        etags = frozenset(part.strip() for part in seen.split(","))
        if found is None or not found.is_one_of(etags):
            raise changed()
        return IfEtag(found.etag)
    return IfEtag(None) if only_new else None
