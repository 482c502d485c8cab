"""
One poll of a Read: Computer Vision's answer, or the error with which the Read ends.

A Read that ends without its text gives up its ticket in the claim, so the next try submits the document anew.
"""

from shared.answers.tickets import OPERATION_SECONDS, ReadTicket
from shared.durable.read_job import Job
from shared.errors import (
    BadRequestError,
    BlobsightError,
    ReadFailedError,
    UnexpectedAnswerError,
    VisionNotFoundError,
    VisionUnavailableError,
)
from shared.services import App
from shared.vision.read_models import ReadOperation, ReadResult

# Short, because longer waits are the orchestrator's: they cost no thread.
_POLL_SECONDS = 10.0
# A service that is out answers every poll so, and one that is well answers so about a result that it cannot tell.
_FAILING = (VisionUnavailableError, UnexpectedAnswerError)


def ask(app: App, job: Job, ticket: ReadTicket, elapsed: float) -> ReadResult | None:
    """
    The result of a Read that was submitted *elapsed* seconds ago, done or still running.

    Returns:
        None where the service has the Read no more, as it may, so that the document is submitted anew.

    Raises:
        ReadFailedError: the Read is given up.
        BlobsightError: waiting can help.
    """
    try:
        result = _result(app, job, ticket)
    except BlobsightError as error:
        if _is_forgotten(error, elapsed):
            app.answers.drop(job.subject, job.question, ticket)
            return None
        reason = _reason(app, job, ticket, error, elapsed)
        if reason is None:
            raise
        raise _given_up(app, job, ticket, reason) from error
    if result.status == "failed":
        raise _given_up(app, job, ticket, _refused(ticket))
    if result.status != "succeeded" and elapsed > job.deadline_seconds:
        raise _given_up(app, job, ticket, _late(elapsed))
    return result


def _result(app: App, job: Job, ticket: ReadTicket) -> ReadResult:
    return app.vision.get_read_result(ticket.operation, timeout_seconds=_POLL_SECONDS, background=job.in_background)


def _is_forgotten(error: BlobsightError, elapsed: float) -> bool:
    """Whether the service does not have the result any more, as it may, so that the document is submitted anew."""
    if isinstance(error, VisionNotFoundError):
        return elapsed >= OPERATION_SECONDS
    # VISION_ENDPOINT names another service since. (A refusal of the service itself is no plain BadRequestError.)
    return type(error) is BadRequestError


def _reason(app: App, job: Job, ticket: ReadTicket, error: BlobsightError, elapsed: float) -> ReadFailedError | None:
    """Why the result is not waited for any longer after this error of a poll; None if it is."""
    if isinstance(error, VisionNotFoundError):
        return _lost(error)
    if not error.transient:
        return _untold(ticket, error, elapsed)
    if elapsed >= OPERATION_SECONDS:
        return _outlasted(error)
    late = elapsed > job.deadline_seconds and isinstance(error, _FAILING)
    return _untold(ticket, error, elapsed) if late and _fails_alone(app, job, ticket) else None


def _fails_alone(app: App, job: Job, ticket: ReadTicket) -> bool:
    """Whether the service answers about other Reads, and still not about this one: then it is no outage."""
    background = job.in_background
    if not app.vision.tells_of_reads(ticket.operation, timeout_seconds=_POLL_SECONDS, background=background):
        return False
    try:
        _result(app, job, ticket)
    except BlobsightError as error:
        return isinstance(error, _FAILING)
    return False


def _given_up(app: App, job: Job, ticket: ReadTicket, error: ReadFailedError) -> ReadFailedError:
    """The error, after which the next try gets a new Read instead of this one."""
    app.answers.drop(job.subject, job.question, ticket)
    return error


def _refused(ticket: ReadTicket) -> ReadFailedError:
    operation = ReadOperation(ticket.operation).id
    return ReadFailedError(
        f"Computer Vision accepted the document and then failed to read it, without a reason (operation {operation}).",
        request_id=operation,
    )


def _late(elapsed: float) -> ReadFailedError:
    return ReadFailedError(
        f"Computer Vision was still reading the document after {elapsed:.0f} seconds.",
        code="read_too_slow",
        action="Have it read again, which is a new call; or split the document, or raise TEXT_DEADLINE_SECONDS.",
    )


def _untold(ticket: ReadTicket, error: BlobsightError, elapsed: float) -> ReadFailedError:
    return ReadFailedError(
        "Computer Vision accepted the document and does not tell what it read, "
        f"{elapsed:.0f} seconds after it was submitted ({error.message}).",
        request_id=ReadOperation(ticket.operation).id,
    )


def _lost(error: BlobsightError) -> ReadFailedError:
    return ReadFailedError(
        f"Computer Vision accepted the document and does not know it any more ({error.message}).", code="read_lost"
    )


def _outlasted(error: BlobsightError) -> ReadFailedError:
    return ReadFailedError(
        f"Computer Vision accepted the document, and for {OPERATION_SECONDS / 3600:.0f} hours could not be asked for "
        f"the text, which it keeps for 48 ({error.message}).",
        code="read_lost",
    )
