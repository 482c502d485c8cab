"""Have a document read: what the desk's workers do."""

from collections.abc import Callable

from local.vision.reading.reception import compose_analyze_result
from local.vision.reading.store import Json, Task


def read_document(task: Task, document: bytes, go_on: Callable[[], None]) -> Json:
    """Return the analyzeResult of *document*; *go_on* is called before each step and may raise to end the work."""
    # Not before it is needed: its libraries take seconds to load.
    from local.vision.text.reading import read_pages

    return compose_analyze_result(task.model_version, list(read_pages(task, document, go_on)))
