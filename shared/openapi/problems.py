"""
The codes of the errors that an HTTP caller can get, with their statuses, in groups by what raises them.

docs/errors.md says what each means.
"""

from collections.abc import Iterable

# Python's own words differ by its version, and the document is the same on all.
PHRASES = {
    400: "The request is wrong",
    403: "It is not allowed here",
    404: "There is no such thing",
    409: "It is not in the state for that",
    410: "It is gone",
    411: "The body has no length",
    412: "It was changed meanwhile",
    413: "The body or the image is too large",
    422: "The document could not be read",
    429: "There were too many calls",
    500: "The app or its settings are wrong",
    502: "Computer Vision did not do what it was asked",
    503: "It cannot be done now",
}
# What can come with the time after which it works: storage that is out always does, of the others some.
TIMED = frozenset(
    {
        "busy",
        "calls_stopped",
        "identity_unavailable",
        "image_archived",
        "quota_exhausted",
        "storage_denied",
        "storage_unavailable",
        "turn_too_late",
        "vision_api_retired",
        "vision_forbidden",
        "vision_not_found",
        "vision_quota_exhausted",
        "vision_throttled",
        "vision_unauthorized",
        "vision_unavailable",
    }
)
# By code, the statuses with which it can come.
Codes = dict[str, tuple[int, ...]]


def of(status: int, *codes: str) -> Codes:
    """These codes, which come with one status."""
    return dict.fromkeys(codes, (status,))


# Of every function: its query and headers, and a mistake of its own.
EVERY = of(400, "bad_parameter", "bad_header") | of(500, "internal_error")
# Of each that works with the settings.
DEPLOYED = of(500, "settings_invalid") | of(503, "python_mismatch")
STORAGE = of(503, "storage_unavailable", "storage_denied", "identity_unavailable")
JSON_BODY = of(400, "bad_json") | of(411, "length_required")
NO_BODY = of(400, "body_not_expected") | of(411, "length_required")
QUERY = of(400, "bad_query")
NAME = of(400, "bad_blob_name") | of(404, "image_not_found")
# Of an uploaded image whose bytes have to be read.
UPLOADED = of(409, "image_archived", "image_incomplete") | of(400, "image_copy_failed")
BROUGHT = (
    JSON_BODY
    | NAME
    | UPLOADED
    | of(400, "bad_url", "url_not_allowed", "image_missing", "body_not_an_image")
    | of(413, "image_too_large")
)
PICTURE = of(
    400,
    "image_empty",
    "not_an_image",
    "format_not_supported",
    "image_unreadable",
    "image_too_small",
    "image_too_many_pixels",
)
# What Computer Vision says of a question and its image, and where it was not asked.
REFUSED = of(400, "vision_refused", "image_url_refused", "image_size_refused", "image_not_supported")
APPROVAL = of(400, "vision_approval_missing")
UNASKED = of(429, "quota_exhausted") | of(503, "turn_too_late", "calls_stopped", "busy")
OUTAGE = (
    of(429, "vision_throttled", "vision_quota_exhausted")
    | of(
        502,
        "vision_unauthorized",
        "vision_forbidden",
        "vision_not_found",
        "vision_api_retired",
        "vision_answer_too_large",
        "vision_unexpected_answer",
    )
    | of(503, "vision_unavailable", "vision_too_slow")
    | {"identity_unavailable": (502, 503)}
)
VISION = REFUSED | UNASKED | OUTAGE
RECORD = of(409, "name_taken", "conflict")
READ_FAILED = of(422, "read_failed", "read_too_slow", "read_lost", "input_gone") | of(502, "operation_elsewhere")
READ_UNKNOWN = of(404, "ocr_not_found")
READ_GONE = of(410, "ocr_cancelled", "ocr_superseded", "ocr_gone")
READ_FINISHED = of(409, "ocr_finished")
NOTHING = of(404, "not_found")
CORRECTION = of(404, "correction_not_found") | of(412, "correction_changed")
WRITING = of(403, "images_not_writable") | of(409, "image_locked", "conflict") | of(412, "image_changed")
OPERATION = of(404, "operation_not_found") | of(410, "operation_gone")
# `skill_not_found` is not among them: the contract has no operation of another skill.
BATCH = of(400, "bad_json") | of(411, "length_required") | of(413, "batch_too_large")

ALL = (
    EVERY,
    DEPLOYED,
    STORAGE,
    NO_BODY,
    QUERY,
    BROUGHT,
    PICTURE,
    VISION,
    APPROVAL,
    RECORD,
    READ_FAILED,
    READ_UNKNOWN,
    READ_GONE,
    READ_FINISHED,
    NOTHING,
    CORRECTION,
    WRITING,
    OPERATION,
    BATCH,
)


def together(*groups: Codes) -> Codes:
    """The codes of several groups; one that is in two of them has the statuses of both."""
    found: Codes = {}
    for group in groups:
        for code, statuses_of in group.items():
            found[code] = tuple(sorted({*found.get(code, ()), *statuses_of}))
    return found


def by_status(groups: Iterable[Codes]) -> dict[int, list[str]]:
    """The codes of each status, in the order of statuses and codes."""
    found: dict[int, list[str]] = {}
    for code, statuses_of in together(*groups).items():
        for status in statuses_of:
            found.setdefault(status, []).append(code)
    return {status: sorted(found[status]) for status in sorted(found)}


def codes() -> list[str]:
    """All of them, sorted."""
    return sorted(together(*ALL))


def statuses() -> list[int]:
    """The statuses of all of them, sorted."""
    return sorted({status for each in together(*ALL).values() for status in each})
