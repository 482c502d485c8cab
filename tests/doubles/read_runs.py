"""A job on its way from submit to its end, as OcrOrchestrator takes it, without the platform and without waiting."""

from typing import Any

from doubles.parts import Parts

from shared import names
from shared.answers.tickets import ReadTicket
from shared.durable.read_job import Job, from_image
from shared.images import ImageBytes
from shared.ocr import poll_loop, reading
from shared.records.versions import Source

Json = dict[str, Any]

SIGNED = "https://me:hunter2@example.invalid/a.jpg?sv=2024&sig=S3CRETSIG%2Fabc#S3CRETPART"
# The input of an orchestration that the version before has begun, with the whole address in it.
BEFORE: Json = {
    "kind": "url",
    "subject": "url-58b68ee95bd8d241107e115fff1c428c8527cc0c21d94b1371a9fcc11d38c004",
    "parameters": {"reading_order": "natural", "model_version": "latest"},
    "deadline_seconds": 1800.0,
    "name": "",
    "etag": "",
    "size": 0,
    "url": SIGNED,
    "text_only": False,
}


def upload(app: Parts, data: bytes, name: str = "a.jpg") -> Source:
    """Put an image into its container and return its version."""
    etag = app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    info = app.images.head(names.IMAGES, name)
    assert info is not None
    return Source(name, etag, ImageBytes(data)).found(info)


def job_of(app: Parts, data: bytes, name: str = "a.jpg", *, text_only: bool = False) -> Job:
    """The job of an image that is uploaded now."""
    return from_image(upload(app, data, name), app.services.settings, text_only=text_only)


class ReadRun:
    """
    One job's run.

    Attributes:
        state: of `shared.ocr.poll_loop`.
        steps: what was done so far: `step:outcome`, in order.
        waited_seconds: how long it has waited so far, on the app's clock.
    """

    def __init__(self, app: Parts, job: Job) -> None:
        self.app = app
        self.job = job
        self.state: Any = poll_loop.begin(job.to_json(), app.clock.utc())
        self.steps: list[str] = []
        self.waited_seconds = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return bool(self.state["step"] == poll_loop.END)

    def step(self) -> Any:
        """Wait and do the next activity; returns its outcome."""
        seconds = self.state["pause"] + self.state["wait"]
        self.waited_seconds += seconds
        self.app.clock.advance(seconds)
        work = poll_loop.work_of(self.state)
        outcome = self._act(self.state["step"], work)
        self.job = Job.from_json(outcome.get("job") or self.state["job"])
        self.steps.append(f"{self.state['step']}:{outcome['state']}")
        self.state = poll_loop.advance(self.state, outcome)
        return outcome

    def until(self, step: str) -> "ReadRun":
        """Go on until *step* is next, or the end."""
        while self.state["step"] not in (step, poll_loop.END):
            self.step()
        return self

    def finish(self, most: int = 400) -> Json:
        """Go on to the end; returns the outcome."""
        for _ in range(most):
            if self.is_over:
                outcome: Json = self.state["outcome"]
                return outcome
            self.step()
        raise AssertionError(f"no end after {most} steps: {self.steps[-10:]}")

    def _act(self, step: str, work: Any) -> Any:
        services, failures = self.app.services, work["failures"]
        ticket = ReadTicket.from_json(work["ticket"]) if work["ticket"] else None
        if step == poll_loop.SUBMIT:
            return reading.submit(services, self.job, failures)
        if step == poll_loop.POLL:
            assert ticket is not None
            return reading.poll(services, self.job, ticket, failures, first=not work["polls"], polls=work["polls"])
        return reading.store(services, self.job, failures, ticket=ticket, crash=work["crash"])
