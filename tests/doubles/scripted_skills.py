"""One scripted pass over the skills of Azure AI Search."""

import base64
import json
from typing import Any

import pytest
from doubles.http_requests import Hub
from doubles.read_runs import ReadRun
from doubles.scripted_pass import FEATURES, Pass

from shared.contract import LANGUAGES
from shared.durable.read_job import Job
from shared.skills import records

TOKEN = "?sv=2024&sig=secret"


def skills(run: Pass) -> None:
    """Each way in which an image arrives, each parameter, bad records, and batches that cannot be read."""
    run.store("a.jpg", process=False)
    inputs: list[dict[str, Any]] = [
        {"image": _base64(run.image())},
        {"image": {"$type": "file", "data": _base64(run.image()), "width": 64, "height": 64}},
        {"image": "https://example.com/a.jpg", "sasToken": TOKEN},
        {"url": "https://example.com/a.jpg", "sasToken": TOKEN},
        {"url": "https://example.com/b.jpg"},
        {"url": "https://example.com/b.jpg", "sasToken": None, "name": None},
        {"name": "a.jpg", "url": None},
        {"name": "none.jpg"},
        {},
    ]
    every = ",".join([*FEATURES, "Description"])
    seen = {"language": "de", "descriptionExclude": "Landmarks", "model_version": "latest", "timeoutSeconds": "20"}
    for language in sorted(LANGUAGES):
        for skill in ("describe", "analyze"):
            _ask(run, skill, {"name": "a.jpg"}, language=language)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: _Reader(run))
        for skill in ("describe", "analyze", "read"):
            _ask(run, skill, *inputs)
            _ask(run, skill, {"name": "a.jpg"}, timeoutSeconds="20")
        _ask(run, "describe", {"name": "a.jpg"}, **seen, maxCandidates="2")
        _ask(run, "analyze", {"name": "a.jpg"}, **seen, visualFeatures=every, details="Celebrities,Landmarks")
        for order in ("basic", "natural"):
            _ask(run, "read", {"name": "a.jpg"}, language="de", pages="1", readingOrder=order, model_version="latest")
    for skill in ("describe", "analyze", "read", "translate"):
        _refused(run, skill)


def _refused(run: Pass, skill: str) -> None:
    where = {"path": {"skill": skill}}
    run.ask("SkillsHttp", body=b"{", **where)
    run.ask("SkillsHttp", body=b"", headers={"Transfer-Encoding": "chunked"}, **where)
    run.ask("SkillsHttp", body={"values": []}, other="1", **where)
    run.ask("SkillsHttp", body={"values": [{"recordId": str(each), "data": {}} for each in range(1001)]}, **where)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(records, "parsed", _mistake)
        run.ask("SkillsHttp", body={"values": []}, **where)


def _mistake(*_: object) -> Any:
    raise RuntimeError("a mistake")


def _ask(run: Pass, skill: str, *inputs: dict[str, Any], **query: str) -> None:
    values = [{"recordId": str(number), "data": each} for number, each in enumerate(inputs)]
    run.ask("SkillsHttp", body={"values": values}, path={"skill": skill}, **query)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class _Reader(Hub):
    """A task hub in which a Read has come to its end as soon as it is asked for."""

    def __init__(self, run: Pass) -> None:
        super().__init__()
        self._run = run

    async def start_new(self, orchestration_function_name: str, instance_id: str, client_input: Any) -> str:
        started = await super().start_new(orchestration_function_name, instance_id, client_input)
        job = Job.from_json(json.loads(self.statuses[instance_id].input_))
        self.set(instance_id, "Completed", output=ReadRun(self._run.app, job).finish())
        return started
