"""What PDFium does, it does in processes with limits: a PDF beyond them fails alone, and nothing waits or is left."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from doubles.documents import LOCKED, several, text_pdf
from doubles.patience import is_alive, wait_until
from doubles.pdfs import large_pdf, slow_pdf
from doubles.vision_calls import Caller, picture

from local.vision.refusals import Refusal
from local.vision.server import DEFAULT_KEY
from local.vision.text import documents, reading
from local.vision.text.pdf_processes import Limits, PdfError, PdfProcesses

AMPLE = Limits(cpu_seconds=100, answer_seconds=100.0)
SLOW = slow_pdf(200)  # tens of seconds
WAIT_SECONDS = 110.0


class StopError(Exception):
    pass


def nothing() -> None:
    """Go on."""


@pytest.fixture
def processes() -> Iterator[PdfProcesses]:
    own = PdfProcesses()
    yield own
    own.close()


def pids_of(processes: PdfProcesses) -> set[int]:
    """Return the ids of the processes that have nothing to do."""
    return {process.pid for process in processes.idle}


def looked_at(processes: PdfProcesses, data: bytes, limits: Limits = AMPLE, go_on: Callable[[], None] = nothing) -> int:
    """Look at the first page of a PDF; return how many pages it has."""
    with processes.opened(data, limits, go_on) as document:
        document.look(1, 100)
        return document.page_count


@pytest.mark.parametrize("data", [slow_pdf(1), several("PDF", 3), text_pdf("Good")])
def test_a_process_is_used_again_for_the_next_document(processes: PdfProcesses, data: bytes) -> None:
    assert looked_at(processes, text_pdf("Hello")) == 1
    [pid] = pids_of(processes)
    looked_at(processes, data)
    for refused in (text_pdf("secret", trailer=LOCKED), b"%PDF-1.7 cut off"):
        with pytest.raises(Refusal, match="InvalidImageFormat"), processes.opened(refused, AMPLE, nothing):
            pass
    assert pids_of(processes) == {pid}


def test_a_pdf_beyond_its_memory_fails_alone() -> None:
    small = PdfProcesses(memory_bytes=256 * 1024 * 1024)
    with pytest.raises(PdfError, match=r"PDFium ended with SIG\w+, .* needs more memory than it gets"):
        looked_at(small, large_pdf(400))
    assert looked_at(small, several("PDF", 3)) == 3
    small.close()


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(cpu_seconds=1, answer_seconds=100.0), "more time of the processor than a PDF gets"),
        (Limits(cpu_seconds=100, answer_seconds=0.3), "more than 0.3 seconds for one answer"),
    ],
)
def test_a_pdf_beyond_its_time_fails_alone(processes: PdfProcesses, limits: Limits, reason: str) -> None:
    with processes.opened(text_pdf("Good"), AMPLE, nothing) as other:
        with pytest.raises(PdfError, match=reason):
            looked_at(processes, SLOW, limits)
        assert pids_of(processes) == set()
        assert other.look(1, 100)[0]["lines"]
    assert len(pids_of(processes)) == 1


def test_what_cannot_be_done_is_told_and_the_process_goes_on(processes: PdfProcesses) -> None:
    with processes.opened(text_pdf("Good"), AMPLE, nothing) as document:
        with pytest.raises(PdfError, match="Failed to load page"):
            document.look(2, 100)
        assert document.look(1, 100)[0]["lines"]


def test_who_stops_ends_the_process_at_work(processes: PdfProcesses) -> None:
    looked_at(processes, text_pdf("Hello"))
    [pid] = pids_of(processes)

    def stop() -> None:
        raise StopError

    with pytest.raises(StopError):
        looked_at(processes, SLOW, go_on=stop)
    assert not is_alive(pid)
    assert pids_of(processes) == set()


def test_a_process_that_died_unasked_is_not_used_again(processes: PdfProcesses) -> None:
    looked_at(processes, text_pdf("Hello"))
    [process] = processes.idle
    os.kill(process.pid, 9)
    wait_until(lambda: not process.is_alive)
    assert looked_at(processes, text_pdf("Hello")) == 1


class Blocked:
    """Stands in for PDFium: opens nothing until it is told to."""

    def __init__(self) -> None:
        self.waiting, self.release = threading.Semaphore(0), threading.Event()

    @contextmanager
    def opened(self, data: bytes, limits: Limits, go_on: Callable[[], None]) -> Iterator[SimpleNamespace]:
        self.waiting.release()
        assert self.release.wait(WAIT_SECONDS)
        yield SimpleNamespace(page_count=1)


def test_while_pdfs_take_their_time_no_picture_waits(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = Blocked()
    monkeypatch.setattr(documents, "PDFIUM", blocked)
    many = max(2, os.cpu_count() or 1) + 2  # more than pictures are looked at at once
    with ThreadPoolExecutor(many) as pool:
        answers = [pool.submit(post, caller.url, text_pdf("Hello")) for _ in range(many)]
        try:
            for _ in range(2):
                assert blocked.waiting.acquire(timeout=WAIT_SECONDS)
            assert caller.post("tag", picture()).status_code == 200
        finally:
            blocked.release.set()
    assert [answer.result() for answer in answers] == [202] * many


def test_a_pdf_that_waits_too_long_for_others_can_be_sent_again(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = Blocked()
    monkeypatch.setattr(documents, "PDFIUM", blocked)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(post, caller.url, text_pdf("Slow")) for _ in range(2)]
        try:
            for _ in range(2):
                assert blocked.waiting.acquire(timeout=WAIT_SECONDS)
            monkeypatch.setattr(documents, "COUNTING", Limits(cpu_seconds=1, answer_seconds=0.01))
            assert caller.post("read/analyze", text_pdf("Hello")).status_code == 503
        finally:
            blocked.release.set()
    assert [answer.result() for answer in answers] == [202, 202]


def test_a_pdf_whose_pages_cannot_be_counted_within_the_limits_is_refused_unpaid(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def opened(*_: object) -> object:
        raise PdfError("PDFium took more than 15 seconds for one answer.")

    monkeypatch.setattr(documents, "PDFIUM", SimpleNamespace(opened=opened))
    answer = caller.post("read/analyze", text_pdf("Hello"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidImageFormat")
    assert "takes too much time or memory" in answer.json()["error"]["message"]
    assert "PDFium took more than 15 seconds" in capfd.readouterr().err
    assert caller.control("GET", "stats").json()["operations"]["read"]["paid"] == 0


def test_a_read_beyond_the_limits_fails_and_the_next_does_not(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    small = PdfProcesses(memory_bytes=256 * 1024 * 1024)
    monkeypatch.setattr(reading, "PDFIUM", small)
    ends = []
    for data in (large_pdf(400), text_pdf("Hello")):
        accepted = caller.post("read/analyze", data)
        path = accepted.headers["Operation-Location"].partition("/vision/v3.2/")[2]
        wait_until(lambda path=path: caller.get(path).json()["status"] in ("succeeded", "failed"))
        ends.append(caller.get(path).json()["status"])
    small.close()

    assert ends == ["failed", "succeeded"]
    assert "needs more memory than it gets" in capfd.readouterr().err


def post(url: str, data: bytes) -> int:
    """Post a document in a connection of its own; return the status."""
    with Caller(url, DEFAULT_KEY) as client:
        return client.post("read/analyze", data).status_code
