"""An error on its way through an outcome of an activity, on which an exception would lose its type."""

from shared.durable.orchestrators import Problem
from shared.errors import BlobsightError


def problem_of(error: BlobsightError) -> Problem:
    """An error as an outcome carries it."""
    return {
        "code": error.code,
        "status": error.status,
        "message": error.message,
        "action": error.action,
        "requestId": error.request_id,
    }


def error_of(problem: Problem) -> BlobsightError:
    """The error that an outcome carries, with the status that it had."""
    error = BlobsightError(
        problem["message"], code=problem["code"], action=problem["action"], request_id=problem["requestId"]
    )
    error.status = problem["status"]
    return error
