"""What is counted when an upload of many ends before its time: by Ctrl-C, once or twice, or because storage is gone."""

import inspect
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.fake_app import image_json
from doubles.patience import PATIENCE_SECONDS, wait_until

from local.adding.batch import PARALLEL_UPLOADS, Batch, Interrupt, Listener
from local.adding.tally import Tally
from local.app import AppClient, ImageState, parse_image
from local.upload import ImageUploader, Outcome, StorageSilentError

FILES = {f"{number}.jpg": Path(f"/{number}.jpg") for number in range(30)}


class Pending(AppClient):
    """An app that has not begun with any image."""

    def __init__(self) -> None:
        super().__init__(1)

    def image(self, name: str) -> ImageState | None:
        return parse_image(image_json(name, "pending"))


class Run(ImageUploader):
    """
    A batch of `FILES` into a storage that does what a test wants for each name.

    Attributes:
        begun: the images whose upload has begun.
        finishing: set once the batch begins no further upload, and waits for those under way.
        released: set at the end, for uploads that hang.
    """

    def __init__(self, do: Callable[["Run", str], Outcome]) -> None:
        self._do = do
        self.begun: list[str] = []
        self.finishing, self.released = threading.Event(), threading.Event()
        self.interrupt = Interrupt()
        self.tally = Tally(len(FILES))
        self.heard: list[str] = []
        self.batch = Batch(Pending(), self.tally, self.interrupt)
        self.while_finishing: Callable[[], None] = lambda: None

    def upload(self, path: Path, name: str) -> Outcome:
        self.begun.append(name)
        wait_until(lambda: len(self.begun) >= PARALLEL_UPLOADS)
        return self._do(self, name)

    def go(self) -> None:
        listener = Listener(lambda result: self.heard.append(result.item), lambda state: None, self._shown)
        try:
            self.batch.run(self, FILES, listener, patience_seconds=60)
        finally:
            self.released.set()

    def _shown(self) -> None:
        if inspect.stack()[1].function == "_finish_uploads":
            self.finishing.set()
            self.while_finishing()


def ends_after_ctrl_c(run: Run, name: str) -> Outcome:
    run.interrupt.request() if name == "0.jpg" else None
    run.finishing.wait(PATIENCE_SECONDS)
    return Outcome.NEW


def test_uploads_under_way_at_ctrl_c_are_finished_and_counted_and_no_further_one_is_begun() -> None:
    run = Run(ends_after_ctrl_c)
    run.go()
    assert len(run.begun) == len(run.heard) == run.tally.uploaded == PARALLEL_UPLOADS
    assert run.batch.left_under_way == 0
    # The app goes on with them.
    assert set(run.batch.unsettled) == set(run.begun)


def test_ctrl_c_once_more_leaves_uploads_that_hang_and_counts_none_of_them() -> None:
    def hangs(run: Run, name: str) -> Outcome:
        if name == "3.jpg":
            return ends_after_ctrl_c(run, name)
        run.interrupt.request() if name == "0.jpg" else None
        run.released.wait(PATIENCE_SECONDS)
        return Outcome.NEW

    run = Run(hangs)
    run.while_finishing = lambda: run.interrupt.request() if run.heard else None
    run.go()
    assert (run.heard, run.tally.uploaded) == (["3.jpg"], 1)
    assert run.batch.left_under_way == PARALLEL_UPLOADS - 1


def test_a_storage_that_is_gone_ends_it_and_what_was_uploaded_by_then_is_counted() -> None:
    def only_some(run: Run, name: str) -> Outcome:
        if name == "0.jpg":
            raise StorageSilentError("storage gives no answer")
        run.finishing.wait(PATIENCE_SECONDS)
        return Outcome.NEW

    run = Run(only_some)
    run.go()
    assert str(run.batch.storage_error) == "storage gives no answer"
    assert run.tally.uploaded == len(run.batch.unsettled) == len(run.begun) - 1 < len(FILES) - 1
    assert run.tally.not_uploaded.count == 0


def test_ctrl_c_once_is_enough_when_storage_is_gone() -> None:
    def hangs(run: Run, name: str) -> Outcome:
        if name == "0.jpg":
            raise StorageSilentError("storage gives no answer")
        run.released.wait(PATIENCE_SECONDS)
        return Outcome.NEW

    run = Run(hangs)
    run.while_finishing = run.interrupt.request
    run.go()
    assert (run.tally.uploaded, run.batch.left_under_way) == (0, len(run.begun) - 1)


def test_a_mistake_in_an_upload_is_raised_where_it_is_seen() -> None:
    def mistaken(run: Run, name: str) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Run(mistaken).go()
