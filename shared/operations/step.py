"""
OperationStep as the platform calls it: one question asked or one thumbnail made, as the request would have done.

It is called once more at the end, to delete what the request has sent: the history has the end by then, so no other run
of the step needs the image any more.
"""

import logging
from concurrent.futures import ThreadPoolExecutor

from shared import log, services
from shared.durable import appointments, inputs
from shared.durable.problems import problem_of
from shared.errors import MISDEPLOYED, BlobsightError, GoneError, StorageError
from shared.images import Image, ImageBlob, ImageBytes, ImageUrl
from shared.index.writer import READ_LINGER_SECONDS
from shared.operations import results
from shared.operations.loop import Failed, Outcome, Waiting, Work
from shared.operations.work import Operation
from shared.records.versions import SourceChangedError
from shared.services import App

# As many as uploads are worked on at once; each may hold an image.
_executor = ThreadPoolExecutor(8, thread_name_prefix="operations")
_MENDING_SECONDS = 60.0
_logger = logging.getLogger(__name__)


async def step(work: Work) -> Outcome:
    """
    The outcome of the work.

    Args:
        work: the operation, its failures so far, and its end if that is known.
    """
    operation = Operation.from_json(work["job"])
    with log.correlated(operation.instance_id):
        try:
            app = services.current()
        except MISDEPLOYED as error:
            # What was sent stays until the daily purge; an end that is known does not wait for an operator.
            return work["end"] or {"state": "wait", "seconds": _MENDING_SECONDS, "problem": problem_of(error)}
        async with services.recorded(app, _executor) as noted:
            outcome = await services.in_thread(_executor, lambda: _step(app, operation, work))
            try:
                await app.index_writer.store(noted, _executor, READ_LINGER_SECONDS)
            except StorageError as error:
                # What was made is found made.
                return _missed(operation, error, work["failures"])
            return outcome


def _step(app: App, operation: Operation, work: Work) -> Outcome:
    if work["end"]:
        inputs.drop(app.host, operation)
        return work["end"]
    try:
        results.make(app, operation, _image(app, operation))
    except SourceChangedError as change:
        log.event(_logger, "operation.superseded", blob=operation.name or None, instance=operation.instance_id)
        return {"state": "superseded", "deleted": change.deleted}
    except BlobsightError as error:
        return _missed(operation, error, work["failures"])
    log.event(_logger, "operation.done", blob=operation.name or None, instance=operation.instance_id)
    # Without the name of what was sent, which is deleted next.
    return {"state": "done", "job": operation.with_input("").to_json()}


def _missed(operation: Operation, error: BlobsightError, failures: int) -> Waiting | Failed:
    if not error.transient:
        log.event(
            _logger, "operation.failed", blob=operation.name or None, instance=operation.instance_id, code=error.code
        )
        return {"state": "failed", "problem": problem_of(error)}
    seconds = appointments.seconds_for_caller(error, failures)
    log.event(
        _logger,
        "operation.deferred",
        blob=operation.name or None,
        instance=operation.instance_id,
        code=error.code,
        seconds=seconds,
    )
    waiting: Waiting = {"state": "wait", "seconds": seconds, "problem": problem_of(error)}
    return {**waiting, "unstored": True} if isinstance(error, results.UnstoredError) else waiting


def _image(app: App, operation: Operation) -> Image:
    if operation.kind == "image":
        return ImageBlob(operation.name)
    content = inputs.read(app.host, operation)
    if content is None:
        what = "address that was sent is" if operation.kind == "url" else "bytes that were sent are"
        raise GoneError(f"The {what} no longer kept.", code="operation_gone", action=results.SEND_AGAIN)
    return ImageUrl(content.decode()) if operation.kind == "url" else ImageBytes(content)
