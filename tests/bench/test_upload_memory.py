import pytest

from bench.upload_memory import MEGABYTE, Taken, fitting, report, running_worker

TAKEN = Taken("an upload", 2, 50 * MEGABYTE, 100 * MEGABYTE, {"One": 150 * MEGABYTE, "Other": 250 * MEGABYTE})


def test_the_most_of_all_functions_above_idle_counts_for_all_documents_at_once() -> None:
    assert TAKEN.above_idle == 150 * MEGABYTE
    assert TAKEN.times == 1.5


@pytest.mark.parametrize(("instance", "size", "fit"), [(400, 100, 2), (399, 100, 1), (100, 1, 0), (50, 1, 0)])
def test_as_many_fit_as_the_memory_above_idle_holds(instance: int, size: int, fit: int) -> None:
    assert fitting(TAKEN.idle, TAKEN.times, instance, size) == fit


def test_the_report_tells_what_each_function_took_and_how_many_fit() -> None:
    text = report([TAKEN])
    assert "| an upload | 2 | 50 | 100 | 150 | 1.50 | One 50, Other 150 |" in text
    assert "| 2048 MB | measured here, 1.5 times | 129 | 51 | 21 | 12 |" in text
    assert "| 2048 MB | over gRPC, 3.9 times |" in text


def test_documents_are_read_in_a_worker_process_of_their_own_which_tells_its_memory() -> None:
    with running_worker(2) as worker:
        found = worker.uploads(2, 2 * MEGABYTE)
    assert (found.number, found.size) == (2, 2 * MEGABYTE)
    assert list(found.peaks) == ["AnalyzeOnUpload", "OcrSubmit", "OcrPoll", "OcrStore"]
    assert found.peaks["AnalyzeOnUpload"] - found.idle > 2 * found.size
    assert found.idle > 10 * MEGABYTE
