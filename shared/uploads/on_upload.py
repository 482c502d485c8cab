"""
AnalyzeOnUpload's work on one image: do its steps, and hand over what these leave for later.

A dequeue count is for crashes. The platform delivers a failed event again at once, and gives up after five times. So an
error that waiting can help becomes an appointment, and is not raised.
"""

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor

from shared import log, services
from shared.durable import appointments, handover
from shared.durable.appointments import Appointment
from shared.durable.read_job import Job
from shared.errors import MISDEPLOYED, BlobsightError
from shared.index.writer import UPLOAD_LINGER_SECONDS
from shared.lifecycle import first_start
from shared.records import by_step
from shared.services import App
from shared.uploads import steps
from shared.uploads.steps import StepOutcome

# As wide as host.json's extensions.blobs.maxDegreeOfParallelism, and apart from the worker's threads: uploads that wait
# for their turn must not take the HTTP functions' threads.
_executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="upload")
_MENDING_SECONDS = 60.0
_logger = logging.getLogger(__name__)


async def process(name: str, data: bytes, starter: str) -> None:
    """
    Do an image's steps.

    Args:
        name: the image's name in the container `images`.
        data: its bytes as the event brought them.
        starter: the durable client's binding.

    Raises:
        StorageError: the rest could not be handed over, or the index not be told, so the event has to come again.
    """
    try:
        app = services.current()
    except MISDEPLOYED as error:
        await handover.hand_over_all(starter, [_once_mended(name, data, error)])
        return
    async with services.recorded(app, _executor) as noted:
        left = await _steps(app, name, data)
        await services.both(
            handover.hand_over_all(starter, left),
            app.index_writer.store(noted, _executor, UPLOAD_LINGER_SECONDS, images=1),
        )


async def _steps(app: App, name: str, data: bytes) -> list[Job | Appointment]:
    """Do the steps that can be done now; returns the tasks that are left for later."""
    try:
        outcomes = await services.in_thread(_executor, lambda: _process(app, name, data))
    except MISDEPLOYED as error:
        return [_once_mended(name, data, error)]
    except BlobsightError as error:
        if not error.transient:
            raise
        # Not even an unfinished record could be written: storage is out.
        seconds = appointments.seconds_until(error, 1)
        log.event(_logger, "upload.deferred", level=logging.WARNING, blob=name, code=error.code, seconds=seconds)
        return [_later(name, data, seconds)]
    left = [outcome.job or outcome.appointment for outcome in outcomes]
    return [task for task in left if task]


def _process(app: App, name: str, data: bytes) -> list[StepOutcome]:
    first_start.note(app)
    return steps.process(app, name, data)


def _once_mended(name: str, data: bytes, error: BlobsightError) -> Appointment:
    log.event(
        _logger,
        "upload.deferred",
        level=logging.ERROR,
        blob=name,
        code=error.code,
        seconds=_MENDING_SECONDS,
        problem=error,
    )
    return _later(name, data, _MENDING_SECONDS)


def _later(name: str, data: bytes, seconds: float) -> Appointment:
    """All steps of an image of which nothing is known but its bytes."""
    return Appointment(name, by_step.STEPS, hashlib.sha256(data).hexdigest(), seconds)
