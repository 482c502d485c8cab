"""The three skills: how each asks about one image, and what a record gets of the answer."""

import asyncio
import json
from collections.abc import Callable
from typing import Protocol

from shared.durable.handover import DurableClient, is_under_way, status_of
from shared.durable.read_job import Job
from shared.images import Image
from shared.json_types import Json
from shared.ocr import on_request
from shared.services import App
from shared.skills import outputs
from shared.skills.work import Work
from shared.vision import questions
from shared.vision.questions import Question

# Makes the image where it is asked about, so that a batch has as many in memory as it asks about at once.
Load = Callable[[], Image]
# Most documents are read within seconds; each look costs a request to the Functions host.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 2.0


class Skill(Protocol):
    """One skill, as one request asks it."""

    async def ask(self, work: Work, load: Load) -> Json:
        """The answer about one image, with its places in upright pixels of that image; raises BlobsightError."""

    def output(self, answer: Json) -> Json:
        """What a record gets of an answer whose places are where they belong."""


class Seeing:
    """`describe` and `analyze`: one question to Computer Vision."""

    def __init__(self, question: Question) -> None:
        self._question = question

    async def ask(self, work: Work, load: Load) -> Json:  # noqa: D102 (Skill says it)
        def ask() -> Json:
            return work.app.answers.ask(self._question, load(), before_call=work.refuse_if_late).json()

        return await work.in_thread(ask)

    def output(self, answer: Json) -> Json:  # noqa: D102
        if self._question.operation == "describe":
            return outputs.described(answer)
        details = dict(self._question.parameters).get("details", "")
        return outputs.analyzed(answer, questions.features(self._question), details.split(",") if details else ())


class Reading:
    """
    `read`: an orchestration for each document, as `POST /api/ocr` starts one.

    Args:
        parameters: by the names of `questions.read`.
        client: the durable client of the invocation.
    """

    def __init__(self, parameters: dict[str, str], client: DurableClient) -> None:
        self._parameters = parameters
        self._client = client

    async def ask(self, work: Work, load: Load) -> Json:  # noqa: D102
        # Shielded: a document that is kept for an orchestration is not to be left without one.
        job, known = await asyncio.shield(self._begun(work, load))
        record, plain, etag = job.record, job.plain_record, ""
        if not known:
            record, plain, etag = await self._end(job.instance_id)
        return await work.in_thread(lambda: _stored(work.app, record, plain, etag))

    async def _begun(self, work: Work, load: Load) -> tuple[Job, bool]:
        def prepare() -> tuple[Job, bool]:
            work.refuse_if_late()
            return on_request.prepare(work.app, load(), self._parameters)

        job, known = await work.in_thread(prepare)
        if not known:
            await on_request.begin(work.app, self._client, job)
        return job, known

    async def _end(self, instance_id: str) -> tuple[str, str, str]:
        """Wait for the end of a Read: the names of its records, and the ETag of its image."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            status = await status_of(self._client, instance_id)
            if status and not is_under_way(status):
                done = on_request.outcome(status, instance_id)
                record, plain = (str(done[name]).partition("/")[2] for name in ("record", "plain"))
                return record, plain, str(done.get("etag", ""))
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def output(self, answer: Json) -> Json:  # noqa: D102
        return outputs.read(answer)


def _stored(app: App, record: str, plain: str, etag: str) -> Json:
    answer: Json = json.loads(on_request.stored(app, record, etag).data)
    return {**answer, "text": on_request.stored(app, plain, etag).data.decode()}
