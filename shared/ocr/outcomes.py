"""
The outcomes of OcrOrchestrator's activities, as they lie in its history, and the ends of a Read.

`state` tells them apart. A further state gets a class here, its name in `Outcome` or `End`, and a branch in
`shared.ocr.poll_loop.advance`; mypy finds the branch that is missing.
"""

from typing import Literal, NotRequired, TypedDict

from shared.durable.orchestrators import JobJson, Problem


class _Reported(TypedDict):
    """
    What every outcome can have besides.

    `job` replaces the job: one that the version before has begun carries the whole address no further. `polls` counts
    the polls that the activity has made.
    """

    job: NotRequired[JobJson]
    polls: NotRequired[int]


class Submitted(_Reported):
    """The document is accepted and paid; OcrPoll asks after so many seconds."""

    state: Literal["submitted"]
    ticket: dict[str, object]
    seconds: float


class Running(_Reported):
    """Computer Vision is still reading; OcrPoll asks again after so many seconds."""

    state: Literal["running"]
    seconds: float


class Read(_Reported):
    """The answer lies in the claim."""

    state: Literal["read"]


class Waiting(_Reported):
    """Waiting can help: the same activity runs again after so many seconds."""

    state: Literal["wait"]
    seconds: float
    problem: Problem


class Again(_Reported):
    """The answer cannot be had any more: OcrSubmit submits the document again."""

    state: Literal["again"]


class Crashed(_Reported):
    """The activity raised at every attempt. The loop says so itself, no activity does."""

    state: Literal["crashed"]
    message: str


class Done(_Reported):
    """Both records are written. The ETag is the image's, and empty for a document that is no image."""

    state: Literal["done"]
    record: str
    plain: str
    etag: str


class Superseded(_Reported):
    """The image was overwritten, or deleted."""

    state: Literal["superseded"]
    deleted: bool


class Failed(_Reported):
    """The text cannot be read; of an upload, an unfinished record says so."""

    state: Literal["failed"]
    problem: Problem


End = Done | Superseded | Failed
Outcome = Submitted | Running | Read | Waiting | Again | End
ENDS = ("done", "superseded", "failed")
