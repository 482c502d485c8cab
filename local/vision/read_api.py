"""The two calls of Read, which accept a document and answer how far its operation is, and the work between them."""

from collections.abc import Callable

from local.vision import refusals
from local.vision.calls import Poll
from local.vision.faults import ReadFate
from local.vision.operations import BASE_PATH
from local.vision.reading.documents import SniffedDocument
from local.vision.reading.pages import PageRangesError
from local.vision.reading.question import ReadQuestion
from local.vision.reading.read_queue import ReadQueue
from local.vision.reading.store import Json, Task
from local.vision.replies import Reply, json_reply
from local.vision.scripted import ScriptedAnswers

RESULTS_PATH = f"{BASE_PATH}read/analyzeResults/"
RESULT_VERSION = "3.2.0"


def compose_analyze_result(model_version: str, pages: list[Json]) -> Json:
    """Return the contract's analyzeResult."""
    return {"version": RESULT_VERSION, "modelVersion": model_version, "readResults": pages}


def read_document(task: Task, document: bytes, go_on: Callable[[], None]) -> Json:
    """Return the analyzeResult of *document*; *go_on* is called before each step and may raise to end the work."""
    # Not before it is needed: its libraries take seconds to load.
    from local.vision.text.reading import read_pages

    return compose_analyze_result(task.model_version, list(read_pages(task, document, go_on)))


class ReadApi:
    """Takes the calls of Read to the *queue*."""

    def __init__(self, queue: ReadQueue, scripts: ScriptedAnswers) -> None:
        self._queue, self._scripts = queue, scripts

    def accept(
        self,
        question: ReadQuestion,
        document: SniffedDocument,
        *,
        host: str,
        request_id: str,
        fate: ReadFate,
        go_on: Callable[[], None],
    ) -> tuple[Reply, int]:
        """
        Answer 202 with the address of the operation, whose id is the request's, and return how many pages it reads.

        *go_on* is called while the document is looked at; what it raises ends the look. Raises Refusal when the
        document cannot be opened or lacks the pages asked for, ScriptError.
        """
        from local.vision.text.documents import pages_to_read

        try:
            pages = pages_to_read(document, question.pages, go_on)
        except PageRangesError as error:
            raise refusals.bad_parameter("InvalidPageRange", str(error)) from None
        task = Task(document.kind, pages, question.language, question.reading_order, question.model_version)
        self._queue.accept(request_id, task, document.data, fate, self._scripted(document, task))
        location = f"http://{host}{RESULTS_PATH}{request_id}"
        return Reply(202, content_type=None, headers={"Operation-Location": location}), len(pages)

    def report(self, operation_id: str) -> tuple[Reply, Poll]:
        """Answer how far the operation is, and return what is to be counted of that. Raises Refusal (404)."""
        operation_id = operation_id.lower()
        report = self._queue.report(operation_id)
        if report is None:
            raise refusals.not_found()
        return json_reply(200, report.body), Poll(operation_id, report.late_seconds)

    def _scripted(self, document: SniffedDocument, task: Task) -> Json | None:
        script = self._scripts.find(document.sha256).get("read")
        if script is None:
            return None
        pages = [page for page in script.get("readResults", []) if page.get("page", 1) in task.pages]
        return compose_analyze_result(task.model_version, []) | script | {"readResults": pages}
