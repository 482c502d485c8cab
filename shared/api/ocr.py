"""
`/api/ocr`: POST starts a Read, GET reports how far it is and answers with the text, DELETE cancels.

202 with `Location` and `Retry-After` until the end is the pattern that Logic Apps and Power Automate follow by
themselves. The address is our own: the durable management addresses carry a key that opens every instance.
"""

import json
from typing import Any

import azure.functions as func

from shared import names, services
from shared.api import bodies, instances, parameters, responses
from shared.durable import inputs, read_job
from shared.durable.handover import (
    ORCHESTRATOR,
    DurableClient,
    cancel,
    is_under_way,
    job_of,
    runtime_status,
)
from shared.errors import BadRequestError, ConflictError, NotFoundError
from shared.json_types import Json
from shared.ocr import on_request, reading
from shared.services import App
from shared.untrusted import addresses, characters


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


def parameters_of(req: func.HttpRequest) -> dict[str, str]:
    """The parameters of a Read that the query has, by the names of `questions.read`."""
    return {
        ours: parameters.text(req, theirs) or ""
        for theirs, ours in on_request.PARAMETERS.items()
        if theirs in req.params
    }


async def _start(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
    parameters.reject_unknown(req, *on_request.PARAMETERS, "format")
    plain = _wants_plain(req)
    app = services.current()
    given = await services.in_thread(app.threads, lambda: bodies.image_of(req))
    asked = parameters_of(req)
    job, known = await services.in_thread(app.threads, lambda: on_request.prepare(app, given, asked))
    if known:
        return await services.in_thread(app.threads, lambda: _result(app, job.record, job.plain_record, plain))
    await on_request.begin(app, client, job)
    body = {"id": job.instance_id, "state": "running"}
    return responses.accepted(req, _path(job.instance_id, plain=plain), body, 1)


async def _report(req: func.HttpRequest, client: DurableClient, instance_id: str) -> func.HttpResponse:
    parameters.reject_unknown(req, "format")
    plain = _wants_plain(req)
    status = await _status(client, instance_id)
    if is_under_way(status):
        return instances.running(req, _path(instance_id, plain=plain), instance_id, status)
    outcome = on_request.outcome(status, instance_id)
    app = services.current()
    record, plain_record = (outcome[key].partition("/")[2] for key in ("record", "plain"))
    etag = outcome.get("etag", "")
    return await services.in_thread(app.threads, lambda: _result(app, record, plain_record, plain, etag))


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
    status = await instances.find(client, instance_id, read_job.ID, ORCHESTRATOR)
    if not status:
        raise NotFoundError(
            f"There is no Read {characters.shown_segment(instance_id)}.",
            code="ocr_not_found",
            action="Send the document again: if it was read before, the answer comes at once and costs nothing.",
        )
    return status


def _result(app: App, record: str, plain_record: str, plain: bool, etag: str = "") -> func.HttpResponse:
    """The text; with an *etag*, of that version of the image only."""
    name = plain_record if plain else record
    blob = on_request.stored(app, name, etag)
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


def _path(instance_id: str, *, plain: bool) -> str:
    """Where to ask; the format that was asked for goes along, because pollers follow the address as it is."""
    return f"{names.ocr_path(instance_id)}{'?format=txt' if plain else ''}"


def _wants_plain(req: func.HttpRequest) -> bool:
    wanted = parameters.text(req, "format") or "json"
    if wanted not in ("json", "txt"):
        raise BadRequestError(f"format={wanted[:40]!r} is neither json nor txt.", code="bad_parameter")
    return wanted == "txt"
