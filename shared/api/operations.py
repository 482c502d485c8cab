"""
A question or a thumbnail over HTTP: answered now, or as an operation whose state and answer `/api/operations/{id}` has.

An operation is for callers who prefer that (`Prefer: respond-async`), and for thumbnails of what was sent that another
caller is making. A known answer comes at once either way.
"""

from collections.abc import Callable
from urllib.parse import quote, urlencode

import azure.functions as func

from shared import names, services
from shared.api import bodies, instances, parameters, paths, preferences, responses, thumbnails
from shared.durable import handover, inputs
from shared.durable.handover import DurableClient
from shared.durable.problems import error_of
from shared.errors import BlobsightError, BusyError, GoneError, NotFoundError
from shared.images import Image, ImageBlob, ImageBytes, ImageUrl, Owner
from shared.operations import results, work
from shared.operations.loop import ORCHESTRATOR
from shared.operations.work import Operation
from shared.records.thumbnails import Thumbnail
from shared.services import App
from shared.storage import image_blobs
from shared.storage.blobs import Blob
from shared.thumbnails import on_demand
from shared.untrusted import characters
from shared.vision.models import Answer
from shared.vision.questions import Question

_NONE: frozenset[str] = frozenset()


async def answer(req: func.HttpRequest, starter: str, question: Question) -> func.HttpResponse:
    """
    The answer to a question about the image that the request brings, or 202 if the caller prefers that.

    *starter* is the durable client's binding.
    """
    app = services.current()
    most = app.settings.max_upload_bytes
    if preferences.responds_async(req):
        return await _respond_async(app, req, starter, question, lambda: bodies.image_of(req, most))
    return await services.in_thread(
        app.callers, lambda: responses.answer_json(app.answers.ask(question, bodies.image_of(req, most)).json())
    )


async def thumbnail(req: func.HttpRequest, starter: str, wanted: Thumbnail) -> func.HttpResponse:
    """The same of a thumbnail of the image that the request brings or names; 202 too while another caller makes it."""
    app = services.current()
    posted = req.method == "POST"

    def given() -> Image:
        return bodies.image_of(req, app.settings.max_upload_bytes) if posted else ImageBlob(parameters.name_of(req))

    # HEAD tells what GET would, and a caller of it has nothing to come for.
    if preferences.responds_async(req) and req.method != "HEAD":
        return await _respond_async(app, req, starter, wanted, given)
    known = responses.known_etags(req)
    if not posted:
        # Here, because those who wait for Computer Vision may have every other thread.
        found = await services.in_thread(app.threads, lambda: on_demand.find(app, given(), wanted, known))
        if found:
            return _response(app, found, known)

    def now() -> func.HttpResponse:
        return responses.blob_response(*on_demand.thumbnail(app, given(), wanted, known), known)

    try:
        return await services.in_thread(app.callers, now)
    except BusyError as error:
        body: dict[str, object] = {"state": "pending", "detail": error.message, "action": error.action}
        seconds = error.retry_after_seconds or 1
    if not posted:
        return responses.accepted(req, _own_path(req), body, seconds)
    operation = await services.in_thread(app.threads, lambda: _kept(app, wanted, given()))
    await _begin(app, starter, operation)
    body = {"id": operation.instance_id, **body}
    return responses.accepted(req, paths.operation(operation.instance_id), body, seconds)


async def report(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    """
    How far an operation is, 202; then what the request would have answered.

    Raises:
        NotFoundError: `operation_not_found`.
        GoneError: `operation_gone`.
        BlobsightError: what the request would have been refused with.
    """
    parameters.reject_unknown(req)
    instance_id = req.route_params.get("id") or ""
    status = await instances.find(client, instance_id, work.ID, ORCHESTRATOR)
    if not status:
        raise NotFoundError(
            f"There is no operation {characters.shown_segment(instance_id)}.",
            code="operation_not_found",
            action=results.SEND_AGAIN,
        )
    if handover.is_under_way(status):
        return instances.running(req, paths.operation(instance_id), instance_id, status)
    outcome = status.output if isinstance(status.output, dict) else {}
    if outcome.get("state") == "superseded":
        what = "deleted" if outcome.get("deleted") else "overwritten"
        raise _gone(f"The image was {what} before the answer was made.")
    if outcome.get("state") == "failed":
        raise error_of(outcome["problem"])
    if outcome.get("state") == "done":
        app, operation = services.current(), Operation.from_json(outcome["job"])
        return await services.in_thread(app.threads, lambda: _response(app, results.found(app, operation), _NONE))
    ended = handover.runtime_status(status)
    if ended in ("Terminated", "Canceled"):
        raise _gone(f"The operation {instance_id} was ended from outside.")
    raise BlobsightError(f"The operation {instance_id} came to no end: {ended}, {status.output}.")


def _gone(message: str) -> GoneError:
    return GoneError(message, code="operation_gone", action=results.SEND_AGAIN)


async def _respond_async(
    app: App, req: func.HttpRequest, starter: str, asked: Question | Thumbnail, given: Callable[[], Image]
) -> func.HttpResponse:
    known = responses.known_etags(req)
    # Not among those who wait for Computer Vision: it is not asked here.
    prepared = await services.in_thread(app.threads, lambda: _prepare(app, asked, given(), known))
    if isinstance(prepared, func.HttpResponse):
        return prepared
    await _begin(app, starter, prepared)
    body = {"id": prepared.instance_id, "state": "running"}
    response = responses.accepted(req, paths.operation(prepared.instance_id), body, 1)
    response.headers.update(preferences.APPLIED)
    return response


def _prepare(
    app: App, asked: Question | Thumbnail, given: Image, etags: frozenset[str]
) -> func.HttpResponse | Operation:
    """The answer, if it is known; else the operation, checked and with its image kept."""
    if isinstance(asked, Thumbnail):
        blob = on_demand.find(app, given, asked, etags)
        return _response(app, blob, etags) if blob else _kept(app, asked, given)
    image = _read(app, given)
    found = app.answers.find(asked, image)
    return _response(app, found, etags) if found else _kept(app, asked, image)


def _kept(app: App, asked: Question | Thumbnail, given: Image) -> Operation:
    """The operation with its image kept, unless the image lies in the container."""
    image = _read(app, given)
    if isinstance(image, ImageUrl):
        return inputs.keep(app.host, work.of_address(image, asked), image.url.encode())
    app.answers.check(image)
    if isinstance(asked, Question):
        asked = app.answers.fitted(asked, image)
    operation = work.of_bytes(image, asked)
    return operation if image.owner else inputs.keep(app.host, operation, image.data)


def _read(app: App, given: Image) -> ImageBytes | ImageUrl:
    if not isinstance(given, ImageBlob):
        return given
    blob = image_blobs.read(app.images, given.name, most=app.settings.max_upload_bytes)
    return ImageBytes(blob.data, Owner(given.name, blob.info.etag))


async def _begin(app: App, starter: str, operation: Operation) -> None:
    # Imported here: its import costs more than all others together, and few requests hand something over.
    from azure.durable_functions import DurableOrchestrationClient

    client = DurableOrchestrationClient(starter)
    await inputs.dropped_unless_needed(app, operation, handover.hand_over_kept(client, ORCHESTRATOR, operation))


def _response(app: App, found: Answer | Blob, etags: frozenset[str]) -> func.HttpResponse:
    """What the request would have answered."""
    if isinstance(found, Answer):
        return responses.answer_json(found.json())
    return responses.blob_response(found, app.images.url(names.THUMBNAILS, found.info.name), etags)


def _own_path(req: func.HttpRequest) -> str:
    """The address of a thumbnail's request itself, below the host's and without its key."""
    query = {name: value for name, value in req.params.items() if name in thumbnails.PARAMETERS}
    path, more = paths.thumbnail(parameters.name_of(req))
    return f"{path}?{urlencode({**more, **query}, quote_via=quote)}"
