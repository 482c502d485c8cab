"""
Every container, blob name, route and content type.

Nothing else in the project puts a blob name together. Images keep the names their uploaders gave them. Each record's
name is derived from the image's, so that the app finds a record without a look-up.
"""

import hashlib
import re
from typing import Literal
from urllib.parse import quote

from shared.errors import BadRequestError

# In the images account.
IMAGES = "images"
ANALYSIS = "analysis"
TEXT = "text"
THUMBNAILS = "thumbnails"
UNFINISHED = "unfinished"
CORRECTIONS = "corrections"
SEARCH = "search"
# In the host account: the app's own bookkeeping.
CACHE = "cache"
INPUTS = "inputs"
KEYS = "keys"
QUOTA = "quota"
HEALTH = "health"
OWNERS = "owners"
FORGETTING = "forgetting"
RECONCILIATION = "reconciliation"
INDEX = "index"
KEPT_CORRECTIONS = "kept-corrections"
# Written to see whether the account takes anything, and never read.
HEALTH_BLOB = "written"
# In the container `reconciliation`: when the app first ran, and the last comparison of images and records.
FIRST_START = "first-start.json"
LAST_RECONCILIATION = "last.json"
# In the container `owners`, beside the marks and gone with them: since when no image's mark is missing.
ADOPTED = "adopted.json"
# Azure Storage's own, in an account whose change feed is on or was.
CHANGE_FEED = ("$blobchangefeed", "meta/segments.json")

# Written by the app, hence never to be watched by it: an output that triggered the app would loop for ever.
OUTPUTS = (
    ANALYSIS,
    TEXT,
    THUMBNAILS,
    UNFINISHED,
    CACHE,
    INPUTS,
    KEYS,
    QUOTA,
    HEALTH,
    OWNERS,
    FORGETTING,
    RECONCILIATION,
    CORRECTIONS,
    SEARCH,
    INDEX,
    KEPT_CORRECTIONS,
)

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
JPEG = "image/jpeg"
WEBP = "image/webp"
PROBLEM = "application/problem+json"

# The formats of thumbnails: the content type, with which HTTP answers too, and the ending of the name.
Format = Literal["jpeg", "webp"]
FORMATS: dict[Format, tuple[str, str]] = {"jpeg": (JPEG, "jpg"), "webp": (WEBP, "webp")}

# Blob metadata of every record: the ETag, unquoted, of the source it was made from.
SOURCE_ETAG = "sourceetag"
# Blob metadata of every record: SHA-256 and MD5, both in hex, and length of the source's bytes, as the app read them.
SOURCE_SHA256 = "sourcesha256"
SOURCE_MD5 = "sourcemd5"
SOURCE_BYTES = "sourcebytes"
# Blob metadata of every record: the digest of the request it answers.
REQUEST = "request"
# Blob metadata of a claim: its state; since when its answer or refusal stands, which can be before it was written.
CLAIM_STATE = "state"
SAID_AT = "saidat"
# Blob metadata of the records of a document (PDF, TIFF of several pages): no step but reading its text applies.
TEXT_ONLY = "textonly"
# Blob metadata of an unfinished record of a TIFF of one page: its text is read even if the image is to blame.
TEXT_STILL_DUE = "textstilldue"
# Blob metadata of an analysis record: whether text was due when it was made, and in which TEXT_MODEs it is.
TEXT_DUE = "textdue"
# Blob metadata of an analysis record: the settings named no thumbnails when it was made.
NO_THUMBNAILS = "nothumbnails"
# Blob metadata of the thumbnails of an image that a caller has asked for, of whatever size.
ON_DEMAND = "ondemand"

MAX_BLOB_NAME_CHARACTERS = 1024  # Azure Storage: "Naming and referencing containers, blobs, and metadata"
# Leaves room for the longest suffix a record adds.
MAX_PLAIN_NAME_CHARACTERS = 900
# What the names of records begin with that lie under the digest of their image's name.
LONG = "long/"
# What the names of records begin with that are of no image: of bytes and addresses that came over HTTP.
BY_DIGEST = "by-sha256/"


def check_image_name(name: str) -> str:
    """
    Return *name* if it can be the name of an image in the container `images`.

    Raises:
        BadRequestError: `bad_blob_name`, for an empty or overlong name and for one with a `.` or `..` segment. An HTTP
            client would resolve such a segment to a place outside the container.
    """
    if not name:
        raise BadRequestError("The blob name is empty.", code="bad_blob_name")
    if len(name) > MAX_BLOB_NAME_CHARACTERS:
        raise BadRequestError(
            f"The blob name has {len(name)} characters; at most {MAX_BLOB_NAME_CHARACTERS} are possible.",
            code="bad_blob_name",
        )
    if any(segment in (".", "..") for segment in name.replace("\\", "/").split("/")):
        raise BadRequestError(
            "The blob name has a '.' or '..' segment, which would lead out of the container 'images'.",
            code="bad_blob_name",
            action="Give the name as it stands in the container, without the container.",
        )
    return name


def image_of_event(path: str) -> str | None:
    """The image's name in the blob trigger's `container/name`, or None if it is not under `images/`."""
    container, _, name = path.partition("/")
    return name if container == IMAGES and name else None


def stem(name: str) -> str:
    """What the names of an image's records begin with: itself, unless it is too long or would meet another kind's."""
    if len(name) > MAX_PLAIN_NAME_CHARACTERS or name.startswith((LONG, BY_DIGEST)):
        return LONG + hashlib.sha256(name.encode()).hexdigest()
    return name


def stem_of_record(container: str, record: str) -> str | None:
    """What the name of a record tells of its image, or None if it is no image's."""
    if container == UNFINISHED:
        record = record.partition("/")[2]
    if container == THUMBNAILS:
        found, slash, _ = record.rpartition("/")
    else:
        found, slash, ending = record.rpartition(".")
        slash = slash if ending in (("json", "txt") if container == TEXT else ("json",)) else ""
    return found if found and slash and not record.startswith(BY_DIGEST) else None


def is_thumbnail_of(record: str, name: str) -> bool:
    """
    Whether a blob below `thumbnails(name)` is a thumbnail of that image.

    Further down lie those of images whose names begin with this one's and a slash.
    """
    return record.rpartition("/")[0] == stem(name)


def owner_of_stem(sha256: str, stem: str) -> str:
    """The blob that says that the image of that stem has those bytes, in the container `owners`."""
    return f"{owners(sha256)}{stem}"


def analysis(name: str) -> str:
    """The analysis record of an image, in the container `analysis`."""
    return f"{stem(name)}.json"


def unfinished(step: str, name: str) -> str:
    """The record that tells why a step of an image is missing, in the container `unfinished`."""
    return f"{step}/{stem(name)}.json"


def correction(name: str) -> str:
    """What people say of an image, in the container `corrections`."""
    return f"{stem(name)}.json"


def thumbnails(name: str) -> str:
    """What the names of an image's thumbnails begin with, in the container `thumbnails`."""
    return f"{stem(name)}/"


def thumbnail(name: str, *, width: int, height: int, smart: bool, form: Format = "jpeg") -> str:
    """A thumbnail of an image, in the container `thumbnails`."""
    return f"{thumbnails(name)}{_thumbnail_file(width, height, smart, form)}"


def thumbnail_of_digest(sha256: str, *, width: int, height: int, smart: bool, form: Format = "jpeg") -> str:
    """A thumbnail of bytes or a URL that came over HTTP, in the container `thumbnails`."""
    return f"{by_digest(sha256)}{_thumbnail_file(width, height, smart, form)}"


def _thumbnail_file(width: int, height: int, smart: bool, form: Format) -> str:
    return f"{width}x{height}-{'smart' if smart else 'plain'}.{FORMATS[form][1]}"


def text(name: str) -> str:
    """The text of an image, with places and confidences, in the container `text`."""
    return f"{stem(name)}.json"


def plain_text(name: str) -> str:
    """The same as plain text, in the container `text`."""
    return f"{stem(name)}.txt"


def by_digest(digest: str) -> str:
    """What the names begin with of all that lies under the digest of bytes, in `text` and `thumbnails`."""
    return f"{BY_DIGEST}{digest}/"


def text_of_digest(subject: str, question_key: str) -> str:
    """The text of bytes or a URL that came over HTTP, in the container `text`."""
    return f"{by_digest(subject)}{question_key}.json"


def plain_text_of_digest(subject: str, question_key: str) -> str:
    """The same as plain text, in the container `text`."""
    return f"{by_digest(subject)}{question_key}.txt"


def former_input(sha256: str) -> str:
    """Bytes that the version before has stored to be read later, in the container `inputs`."""
    return sha256


def request_input(instance_id: str, token: str) -> str:
    """What one request has sent to be read: in the container `inputs`, and its key, if it has one, in `keys`."""
    return f"{instance_id}/{token}"


def claim(subject: str, question_key: str) -> str:
    """The claim on one question about one subject (a digest), in the container `cache`."""
    return f"{subject}/{question_key}.json"


def claims(subject: str) -> str:
    """What the names of the claims about a subject begin with, in the container `cache`."""
    return f"{subject}/"


def subject(name: str) -> str:
    """The digest that the name of a claim or of an owner's mark begins with, or that of a record `by-sha256`."""
    return name.removeprefix(BY_DIGEST).partition("/")[0]


def question_key(claim: str) -> str:
    """The key of the question that a claim's name tells."""
    return claim.rpartition("/")[2].removesuffix(".json")


def owner(sha256: str, name: str) -> str:
    """The blob that says that an image has the bytes of that digest, in the container `owners`."""
    return f"{owners(sha256)}{stem(name)}"


def owners(sha256: str) -> str:
    """What the names of the owners of these bytes begin with, in the container `owners`."""
    return f"{sha256}/"


def owners_image(mark: str) -> str | None:
    """The image that an owner's mark names; None where the name is too long, and the mark's content tells it."""
    stem = mark.partition("/")[2]
    return None if stem.startswith(LONG) else stem


def forgetting(sha256: str) -> str:
    """The blob since whose writing no image is known to have these bytes, in the container `forgetting`."""
    return sha256


def quota(endpoint: str) -> str:
    """The ledger of one Computer Vision resource, in the container `quota`."""
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', endpoint.partition('://')[2])}.json"


def retention(token: str) -> str:
    """A blob that is written and deleted to see whether the account keeps it, in the container `health`."""
    return f"retention/{token}"


def image_path(name: str) -> str:
    """Our own address of an image's state, below the host's address."""
    if name.startswith("/") or "//" in name:
        # No route takes an empty segment at the beginning of a name, and proxies make one slash of two.
        return f"/api/images?name={quote(name, safe='')}"
    return f"/api/images/{quote(name, safe='/')}"


def ocr_path(instance_id: str) -> str:
    """Our own address of a Read's state and result, below the host's address."""
    return f"/api/ocr/{quote(instance_id, safe='')}"
