"""
`/api/ocr`: POST starts a Read, GET reports how far it is and answers with the text, DELETE cancels.

202 with `Location` and `Retry-After` until the end is the pattern that Logic Apps and Power Automate follow by
themselves. The address is our own: the durable management addresses carry a key that opens every instance.
"""

import json
import re
from typing import Any

import azure.functions as func

from shared import names, services
from shared.api import bodies, parameters, responses
from shared.durable import inputs, read_job
from shared.durable.handover import (
    ORCHESTRATOR,
    DurableClient,
    cancel,
    hand_over,
    is_under_way,
    job_of,
    runtime_status,
    status_of,
)
from shared.durable.read_job import Job
from shared.errors import BadRequestError, BlobsightError, ConflictError, GoneError, NotFoundError
from shared.images import ImageBlob, ImageBytes, ImageUrl
from shared.json_types import Json
from shared.ocr import reading
from shared.pictures import inspection
from shared.records import text, versions
from shared.records.versions import Source
from shared.services import App
from shared.storage import image_blobs
from shared.untrusted import addresses

_ID = re.compile(r"ocr-[0-9a-f]{40}")
_PARAMETERS = {
    "language": "language",
    "pages": "pages",
    "readingOrder": "reading_order",
    "model-version": "model_version",
}
_LONGEST_RETRY_SECONDS = 60


async def answer(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    """Answer one request."""
    instance_id = req.route_params.get("id")
    if req.method == "POST":
        if instance_id:
            raise BadRequestError("POST starts a new Read: leave the id out.", code="bad_parameter")
        return await _start(req, client)
    if not instance_id:
        raise BadRequestError(
            "The request names no Read.", code="bad_parameter", action="Put the id that POST gave into the path."
        )
    if req.method == "DELETE":
        parameters.reject_unknown(req)
        return await _cancel(client, instance_id)
    return await _report(req, client, instance_id)


async def _start(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    parameters.reject_unknown(req, *_PARAMETERS, "format")
    plain = _wants_plain(req)
    app = services.current()
    given = bodies.image_of(req)
    asked = {ours: parameters.text(req, theirs) or "" for theirs, ours in _PARAMETERS.items() if theirs in req.params}
    job, known = await services.in_thread(app.threads, lambda: _prepare(app, given, asked))
    if known:
        return await services.in_thread(app.threads, lambda: _result(app, job.record, job.plain_record, plain))
    await _hand_over(app, client, job)
    return _accepted(req, job.instance_id, {"id": job.instance_id, "state": "running"}, 1, plain=plain)


async def _hand_over(app: App, client: DurableClient, job: Job) -> None:
    """Have it read; delete the document that this request has kept unless its own job is the one under way."""
    needed = False
    try:
        needed = await hand_over(client, job)
    finally:
        if not needed:
            await services.in_thread(app.threads, lambda: inputs.drop(app.host, job))


def _prepare(app: App, given: ImageBytes | ImageUrl | ImageBlob, asked: dict[str, str]) -> tuple[Job, bool]:
    """The job, checked and with its document kept, and whether its text is there already."""
    job, content = _job(app, given, asked)
    if reading.is_known(app, job):
        return job, True
    return (job if job.kind == "image" else inputs.keep(app.host, job, content)), False


def _job(app: App, given: ImageBytes | ImageUrl | ImageBlob, asked: dict[str, str]) -> tuple[Job, bytes]:
    """The job and the bytes of its document, or of its address; both are checked."""
    source = None
    if isinstance(given, ImageBlob):
        source = _source(app, given.name)
        given = source.image
    job = read_job.from_request(given, app.settings, asked)
    question = job.question  # checks the parameters
    if isinstance(given, ImageUrl):
        return job, given.url.encode()
    inspection.inspect_for_text(given.data, pages=asked.get("pages", ""))
    # Records of the image in the container `text` answer the settings' question; another one is put to its bytes.
    if source and question.plain == text.question(app.settings):
        job = read_job.from_image(source, app.settings, text_only=inspection.is_document(given.data))
    return job, given.data


def _source(app: App, name: str) -> Source:
    found = versions.identify(app.images, name, None)
    if found is None:
        raise image_blobs.no_such_image(name)
    return versions.require_bytes(found)


async def _report(req: func.HttpRequest, client: DurableClient, instance_id: str) -> func.HttpResponse:
    parameters.reject_unknown(req, "format")
    plain = _wants_plain(req)
    status = await _status(client, instance_id)
    if is_under_way(status):
        said = status.custom_status if isinstance(status.custom_status, dict) else {}
        body = {
            "id": instance_id,
            "state": "running",
            **{key: value for key, value in said.items() if value is not None},
        }
        return _accepted(req, instance_id, body, said.get("waitSeconds", 0), plain=plain)
    outcome = _outcome(status, instance_id)
    app = services.current()
    record, plain_record = (outcome[key].partition("/")[2] for key in ("record", "plain"))
    etag = outcome.get("etag", "")
    return await services.in_thread(app.threads, lambda: _result(app, record, plain_record, plain, etag))


def _outcome(status: Any, instance_id: str) -> Json:
    """The outcome of an instance that was read."""
    ended = runtime_status(status)
    outcome = status.output if isinstance(status.output, dict) else {}
    if ended in ("Terminated", "Canceled"):
        raise GoneError(f"The Read {instance_id} was cancelled.", code="ocr_cancelled")
    if outcome.get("state") == "superseded":
        what = "deleted" if outcome.get("deleted") else "overwritten"
        raise GoneError(f"The image was {what} before its text was read.", code="ocr_superseded")
    if outcome.get("state") == "failed":
        problem = outcome["problem"]
        error = BlobsightError(
            problem["message"], code=problem["code"], action=problem["action"], request_id=problem["requestId"]
        )
        error.status = problem["status"]
        raise error
    if outcome.get("state") != "done":
        raise BlobsightError(f"The Read {instance_id} came to no end: {ended}, {status.output}.")
    return outcome


async def _cancel(client: DurableClient, instance_id: str) -> func.HttpResponse:
    status = await _status(client, instance_id)
    if runtime_status(status) in ("Terminated", "Canceled"):
        # Once more, because the process that cancelled it may have died before.
        await _drop_input(status)
        return responses.answer_json({"id": instance_id, "state": "cancelled"})
    if not is_under_way(status):
        raise ConflictError(
            f"The Read {instance_id} is no longer running.", code="ocr_finished", action="GET it for its result."
        )
    await cancel(client, instance_id)
    await _note_cancelled(status)
    return responses.answer_json({"id": instance_id, "state": "cancelling"}, status=202)


async def _note_cancelled(status: Any) -> None:
    """Note at an upload that its text was cancelled, so that it can be tried again; delete a document that was sent."""
    job, app = job_of(status), services.current()
    if job:
        await services.in_thread(app.threads, lambda: reading.note_cancelled(app, job))


async def _drop_input(status: Any) -> None:
    job, app = job_of(status), services.current()
    if job:
        await services.in_thread(app.threads, lambda: inputs.drop(app.host, job))


async def _status(client: DurableClient, instance_id: str) -> Any:
    status = await status_of(client, instance_id) if _ID.fullmatch(instance_id) else None
    # The hub has instances of other orchestrators, which callers must not see.
    if not status or status.name != ORCHESTRATOR:
        raise NotFoundError(
            f"There is no Read {instance_id[:80]!r}.",
            code="ocr_not_found",
            action="Send the document again: if it was read before, the answer comes at once and costs nothing.",
        )
    return status


def _result(app: App, record: str, plain_record: str, plain: bool, etag: str = "") -> func.HttpResponse:
    """The text; with an *etag*, of that version of the image only."""
    name = plain_record if plain else record
    blob = app.images.read(names.TEXT, name)
    if blob is None:
        raise GoneError("The text was read, and its record is gone.", code="ocr_gone")
    if etag and blob.info.metadata.get(names.SOURCE_ETAG) != etag:
        raise GoneError("The image was overwritten after its text was read.", code="ocr_superseded")
    headers = {"Content-Location": app.images.url(names.TEXT, name)}
    if plain:
        return func.HttpResponse(blob.data, headers=headers, mimetype="text/plain", charset="utf-8")
    stored = json.loads(blob.data)
    spoken = app.images.read(names.TEXT, plain_record)
    return responses.answer_json(
        {
            "state": "done",
            "text": spoken.data.decode() if spoken else "",
            "source": _shown(stored["source"]),
            "request": stored["request"],
            "analyzeResult": stored["analyzeResult"],
            "record": f"{names.TEXT}/{record}",
            **{key: stored[key] for key in ("notice",) if key in stored},
        },
        headers=headers,
    )


def _shown(source: Json) -> Json:
    """The head of a record; one that an earlier version has written may have an address with all its parts."""
    return {**source, "url": addresses.shown(source["url"])} if "url" in source else source


def _accepted(
    req: func.HttpRequest, instance_id: str, body: Json, wait_seconds: float, *, plain: bool
) -> func.HttpResponse:
    """202; the format that was asked for goes along, because pollers follow the address as it is."""
    path = f"{names.ocr_path(instance_id)}{'?format=txt' if plain else ''}"
    return responses.accepted(req, path, body, min(_LONGEST_RETRY_SECONDS, wait_seconds))


def _wants_plain(req: func.HttpRequest) -> bool:
    wanted = parameters.text(req, "format") or "json"
    if wanted not in ("json", "txt"):
        raise BadRequestError(f"format={wanted[:40]!r} is neither json nor txt.", code="bad_parameter")
    return wanted == "txt"
