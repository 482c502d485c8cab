"""Every HTTP function while storage takes each request and answers none."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import islice

import pytest
from doubles.dripping import dripping
from doubles.http_requests import invocation, parsed, problem_of, request
from doubles.http_routes import ROUTES, Route
from doubles.parts import ENVIRONMENT

import ImagesHttp
from shared import services
from shared.settings import Settings

ACCOUNT = "AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:{port}/a;"
# The promise is 2 s, which a virtual clock checks elsewhere. A busy machine takes longer; no deadline is 30 s.
LATE_SECONDS = 15.0
THREADS = 16
# What needs no storage, or tells of it.
WITHOUT_STORAGE = {("DomainsHttp", "GET"), ("HealthHttp", "GET"), ("OcrHttp", "DELETE"), ("OcrHttp", "GET")}
WITHOUT_STORAGE |= {("OpenApiHttp", "GET"), ("OperationsHttp", "GET")}
NEED_STORAGE = [route for route in ROUTES if (route.folder, route.method) not in WITHOUT_STORAGE]


@contextmanager
def hanging() -> Iterator[None]:
    """The real services on an account that hangs until the end."""
    with dripping() as port:
        account = ACCOUNT.format(port=port)
        storage = {"ImagesStorage": account, "AzureWebJobsStorage": account}
        settings = {**ENVIRONMENT, **storage, "PYTHON_THREADPOOL_THREAD_COUNT": f"{THREADS}"}
        with services.replaced(services.build(Settings.from_env(settings))):
            yield


@pytest.mark.parametrize("route", [each for each in NEED_STORAGE if each.folder != "SkillsHttp"], ids=str)
@pytest.mark.usefixtures("task_hub")
def test_a_caller_is_told_so_in_time(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_WAIT_SECONDS", "0.4")
    with hanging():
        begun = time.monotonic()
        response = route.answer()
        assert time.monotonic() - begun < 0.4 + LATE_SECONDS
    assert problem_of(response, 503, "storage_unavailable")["retryAfterSeconds"] > 0
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("task_hub")
def test_a_batch_is_answered_in_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    route = next(each for each in NEED_STORAGE if each.folder == "SkillsHttp")
    with hanging():
        begun = time.monotonic()
        (record,) = parsed(route.answer(query={"timeoutSeconds": "1"}))["values"]
        assert time.monotonic() - begun < 1 + LATE_SECONDS
    assert "(busy)" in record["errors"][0]["message"]


def test_who_needs_no_storage_finds_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many callers as the worker has threads, and more behind them."""
    monkeypatch.setenv("MAX_WAIT_SECONDS", "59")
    with ThreadPoolExecutor(THREADS) as worker, hanging():
        context = invocation()
        callers = [
            worker.submit(ImagesHttp.main, request("GET", route={"name": "a.jpg"}), context) for _ in range(5 * THREADS)
        ]
        wrong = worker.submit(ImagesHttp.main, request("GET", params={"limit": "none"}), context)
        problem_of(wrong.result(40), 400, "bad_parameter")
        # All but those who have the places, half of the threads; these wait on.
        refused = [each.result() for each in islice(as_completed(callers, 40), len(callers) - THREADS // 2)]
        assert sum(not each.done() for each in callers) == THREADS // 2
    for response in refused:
        assert "too many wait" in problem_of(response, 503, "storage_unavailable")["detail"]
