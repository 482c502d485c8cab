"""
Every error that is raised on purpose, in one tree.

    BlobsightError
    |-- AppCrashedError               the app made a mistake, at every attempt
    |-- SettingsError                 the app settings are incomplete or wrong
    |-- PythonMismatchError           the app's packages were built for another Python
    |-- BadRequestError               the caller's request cannot be meant
    |   |-- PayloadTooLargeError      more bytes than the service takes
    |   `-- LengthRequiredError       a chunked body, which the Functions host does not hand on
    |-- NotWritableError              callers may neither store nor delete images here
    |-- NotFoundError                 no such image or record
    |   `-- GoneError                 there was one, and it was cancelled or replaced
    |-- SignInError                   the page's data are for people who are signed in, or have its key
    |-- ForbiddenError                a person who is known may not do that, or a page of another site asks for it
    |-- PreconditionFailedError       it is another one than the request's If-Match or If-None-Match says
    |-- ImageRejectedError            these bytes are no image the service takes; the same bytes never will be
    |-- UploadInterruptedError        an upload was begun again and again and never came to an end; tried again later
    |-- UploadGivenUpError            an upload ended its worker, or failed in an unexpected way, again and again
    |-- BusyError                     another caller is making the answer, or comes first, and it takes too long
    |   `-- AnalysisAwaitedError      an upload's analysis, by which its thumbnails are cut, is put off
    |-- QuotaExhaustedError           a call does not fit in the app's own limit of a day or a month
    |-- CallsStoppedError             the operator has stopped all paid calls
    |-- StorageError                  blob storage did not do what it was asked
    |   |-- StorageDeniedError        it does not let the app in (401, 403)
    |   |-- StorageIdentityError      it was not asked: the app's identity got no token
    |   |-- StorageRefusedError       it takes no such name or continuation
    |   |   `-- StorageNameTakenError a directory has the name of a record, or a file that of a directory
    |   |-- ConflictError             the blob is not what the condition said (a concurrent writer was faster)
    |   |   `-- BlobLockedError       a lease or a policy keeps the blob as it is
    |   |-- ImageArchivedError        the blob lies in the archive tier, from which nothing can be read
    |   `-- ImageIncompleteError      the blob is still being copied
    `-- VisionError                   Computer Vision answered with an error, or not at all
        |-- VisionRefusedError        it refused the question itself (a parameter, the URL, a feature)
        |-- VisionUnauthorizedError   it refused the key or the network (401, 403): no image's fault
        |   `-- NoTokenError          it was not asked: the app's identity got no token
        |-- VisionNotFoundError       there is no such API at the endpoint (404, 410)
        |-- ThrottledError            429: come back later
        |-- VisionUnavailableError    unreachable, too slow, or 5xx
        |   `-- NoTimeLeftError       it was not asked: the question's time was over before
        |-- ReadFailedError           it accepted a document and could not read it
        `-- UnexpectedAnswerError     a success that cannot be read
            `-- AnswerTooLargeError   one that is larger than any answer of v3.2, and will be so again

Each class states what the layers above decide with: the HTTP status a caller sees, a stable `code`, whether waiting can
help (`transient`), what a person can do (`action`), and whether it was raised before Computer Vision was asked
(`unsent`), so that it tells nothing of the service. No layer above looks at texts.
"""

from typing import ClassVar


class BlobsightError(Exception):
    """
    The base of all.

    Args:
        message: the fault, in a sentence with the numbers in it.
        code: the stable code, where the class's own is not specific enough.
        action: what to do about it, where the class's own is not specific enough.
        retry_after_seconds: how long to wait before the same can work, if the service or the app knows.
        request_id: Computer Vision's `apim-request-id`, if there was an answer.
    """

    status: int = 500
    code: str = "internal_error"
    action: str = "Look for the correlation id in the app's log."
    transient: ClassVar[bool] = False
    unsent: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        action: str | None = None,
        retry_after_seconds: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.action = action or self.action
        self.retry_after_seconds = retry_after_seconds
        self.request_id = request_id


class AppCrashedError(BlobsightError):
    """The app made a mistake, at every attempt."""

    code = "app_crashed"
    action = "Look for the name of the image in the app's log."


class SettingsError(BlobsightError):
    """The app settings are incomplete or wrong; `problems` holds one sentence each."""

    code = "settings_invalid"
    action = "Correct the app settings; docs/settings.md lists every one with its default."

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class PythonMismatchError(BlobsightError):
    """The app's packages were built for another Python than the one that runs."""

    status = 503
    code = "python_mismatch"
    action = (
        "Deploy again, so that the build takes the Python of functionAppConfig.runtime.version; if it does not, "
        "set that to the one it takes."
    )
    transient = True


# With these the app can do nothing that it is asked to; uploads wait until an operator has mended the deployment.
MISDEPLOYED = (SettingsError, PythonMismatchError)


class BadRequestError(BlobsightError):
    """The caller's request cannot be meant."""

    status = 400
    code = "bad_request"
    action = "Correct the request; docs/http-api.md shows every route with examples."


class PayloadTooLargeError(BadRequestError):
    """The body has more bytes than Computer Vision takes."""

    status = 413
    code = "image_too_large"
    action = "Save it with fewer pixels, or compress it more."


class LengthRequiredError(BadRequestError):
    """A chunked body: the Functions host hands it on as empty (azure-functions-host issue 4926)."""

    status = 411
    code = "length_required"
    action = "Send the body with a Content-Length header, not with Transfer-Encoding: chunked."


class NotWritableError(BlobsightError):
    """Callers may neither store nor delete images here."""

    status = 403
    code = "images_not_writable"
    action = "Set IMAGES_WRITABLE to true, or upload to and delete from the container 'images' itself."


class NotFoundError(BlobsightError):
    """There is no such image or record."""

    status = 404
    code = "not_found"
    action = "Check the name; GET /api/images lists the images there are."


class GoneError(NotFoundError):
    """The result was cancelled, or is about an image that is no longer that one."""

    status = 410
    code = "gone"
    action = "Have it read anew: POST /api/ocr with the document or its name."


class SignInError(BlobsightError):
    """The page's data are for people who are signed in, or have its key; the request shows neither."""

    status = 401
    code = "gallery_sign_in"
    action = "Open /api/gallery in a browser and sign in, or give it the value of GALLERY_KEY."


class ForbiddenError(BlobsightError):
    """The person is known and may not do that, or another site's page sent the request."""

    status = 403
    code = "gallery_forbidden"
    action = "Ask those who run the app for the role viewer or editor of its app registration in Entra ID."


class PreconditionFailedError(BlobsightError):
    """It is another one than the caller has seen, so the request would undo the work of another person."""

    status = 412
    code = "correction_changed"
    action = "GET it, and send the request again with its ETag in If-Match."


class ImageRejectedError(BlobsightError):
    """These bytes are no image the service takes, and the same bytes never will be."""

    status = 400
    code = "image_rejected"
    action = (
        "Use a JPEG, PNG, GIF, BMP, HEIC, AVIF, WebP, TIFF, ICO or JPEG 2000 picture of at least 50x50 pixels. A PDF or"
        " a TIFF of several pages has its text read."
    )


class UploadInterruptedError(BlobsightError):
    """An upload was begun again and again and never came to an end; it is tried again, later and less often."""

    status = 503
    code = "upload_interrupted"
    action = "Nothing: it is tried again by itself. What ended the worker is in the log around those times."
    transient = True


class UploadGivenUpError(BlobsightError):
    """An upload ended its worker, or failed in an unexpected way, each time that it was tried."""

    code = "upload_gave_up"
    action = "Look in the log around those times. A smaller file, or one that was saved anew, may work."


class BusyError(BlobsightError):
    """Another caller is making the answer, or others come first at Computer Vision, and it takes too long."""

    status = 503
    code = "busy"
    action = "Ask again after the time in Retry-After."
    transient = True


class AnalysisAwaitedError(BusyError):
    """The analysis of an upload, which tells where its subject is, is put off; thumbnails are cut after it."""

    code = "backlog"
    action = "Nothing: its turn comes by itself."


class QuotaExhaustedError(BlobsightError):
    """The call would be billed as more transactions than the app's own limit leaves of this day or this month (UTC)."""

    status = 429
    code = "quota_exhausted"
    action = "Wait for the day or month to end (UTC), or raise VISION_DAILY_LIMIT or VISION_MONTHLY_LIMIT."
    transient = True


class CallsStoppedError(BlobsightError):
    """The operator has stopped all paid calls."""

    status = 503
    code = "calls_stopped"
    action = "Set VISION_STOP to false when paid calls may go on."
    transient = True


class StorageError(BlobsightError):
    """Blob storage did not do what it was asked."""

    status = 503
    code = "storage_unavailable"
    action = "Check that the storage account of the settings ImagesStorage and AzureWebJobsStorage answers."
    transient = True


class StorageDeniedError(StorageError):
    """Blob storage does not let the app in (401, 403). A role takes minutes to work, so waiting is right."""

    code = "storage_denied"
    action = "Check the role, the key and the firewall of the storage account."


class StorageIdentityError(StorageError):
    """The app's identity got no token, so blob storage was not asked."""

    code = "identity_unavailable"
    action = "Turn on the app's managed identity, or set ImagesStorage and AzureWebJobsStorage to connection strings."


class StorageRefusedError(StorageError):
    """Blob storage takes no such name or continuation (400). The same never will be taken."""

    status = 400
    code = "bad_parameter"
    action = "Correct the name or the continuation; a continuation is what the page before said, unchanged."
    transient = False


class StorageNameTakenError(StorageRefusedError):
    """
    A record can have no such name where directories are real (409): the names of two images exclude each other there.

    With images `a` and `a.json/b` the record of the first would be a file, and that of the second lie in a directory
    of the same name.
    """

    status = 409
    code = "name_taken"
    action = (
        "Rename one of the two images: the account of ImagesStorage has a hierarchical namespace, in which no file and"
        " folder can have the same name, and an image's records are named after it."
    )


class ConflictError(StorageError):
    """The blob is not what the condition said: a concurrent writer was faster."""

    status = 409
    code = "conflict"
    action = "Ask again: another writer was faster."


class BlobLockedError(ConflictError):
    """A lease of another program, or a policy of immutability, keeps the blob as it is."""

    code = "image_locked"
    action = (
        "Wait for the program that holds the lease, or break it with `az storage blob lease break --account-name "
        "ACCOUNT --container-name images --blob-name NAME`. A policy of immutability ends by itself."
    )


class ImageArchivedError(StorageError):
    """The blob lies in the archive tier: it can be listed, and its bytes cannot be read for hours."""

    status = 409
    code = "image_archived"
    action = (
        "Set the blob's access tier to Hot or Cool, for instance with "
        "`az storage blob set-tier --account-name ACCOUNT --container-name images --name NAME --tier Hot`. "
        "That takes up to 15 hours. An upload is then processed by itself; send any other request again."
    )


class ImageIncompleteError(StorageError):
    """The blob is still being copied, so that its bytes are not all there."""

    status = 409
    code = "image_incomplete"
    action = "Wait for the copy to end. An upload is then processed by itself; send any other request again."


class VisionError(BlobsightError):
    """Computer Vision answered with an error, or not at all."""

    status = 502
    code = "vision_failed"


class VisionRefusedError(VisionError):
    """Computer Vision refused the question itself: a parameter, the URL, a feature (400, 415)."""

    status = 400
    code = "vision_refused"
    action = "Correct the parameter that the message names; for an upload it comes from the app settings."


class VisionUnauthorizedError(VisionError):
    """Computer Vision refused the key or the network (401, 403). No image's fault, so waiting is right."""

    code = "vision_unauthorized"
    action = "Set VISION_KEY to a key of the very resource that VISION_ENDPOINT names."
    transient = True


class NoTokenError(VisionUnauthorizedError):
    """The app's identity got no token, so Computer Vision was not asked."""

    code = "identity_unavailable"
    action = "Turn on the app's managed identity, or set VISION_AUTH=key and VISION_KEY."
    unsent = True


class VisionNotFoundError(VisionError):
    """There is no such API at the endpoint (404, 410). Mended in the settings, so waiting is right."""

    code = "vision_not_found"
    action = "Check VISION_ENDPOINT: it is the resource's base address, without a path."
    transient = True


class ThrottledError(VisionError):
    """Computer Vision said 429: come back later."""

    status = 429
    code = "vision_throttled"
    action = "Wait as long as Retry-After says; raise the tier or lower VISION_RATE if it happens often."
    transient = True


class VisionUnavailableError(VisionError):
    """Computer Vision could not be reached, was too slow, or answered 408 or 5xx."""

    status = 503
    code = "vision_unavailable"
    action = "Wait; check that VISION_ENDPOINT can be reached from the app if it lasts."
    transient = True


class NoTimeLeftError(VisionUnavailableError):
    """The question's time was over before Computer Vision was asked."""

    code = "vision_too_slow"
    unsent = True


class ReadFailedError(VisionError):
    """Computer Vision accepted a document to read its text, and then failed, took too long or forgot it."""

    status = 422
    code = "read_failed"
    action = "Have it read again, which is a new call. If that fails too, save the document anew or split it."


class UnexpectedAnswerError(VisionError):
    """Computer Vision answered with a success that cannot be read."""

    code = "vision_unexpected_answer"
    action = "Try again; if it lasts, check that VISION_ENDPOINT is a Computer Vision resource and no proxy answers."
    transient = True


class AnswerTooLargeError(UnexpectedAnswerError):
    """Computer Vision answered with more than any answer of v3.2 has. Asking again would be paid again for the same."""

    code = "vision_answer_too_large"
    action = "Check that VISION_ENDPOINT is a Computer Vision resource and no proxy answers."
    transient = False
