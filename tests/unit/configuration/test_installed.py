"""Packages that were built for another Python are told as such, and what was to be done waits."""

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from doubles.http_requests import Hub, invocation, problem_of, request, upload
from doubles.parts import ENVIRONMENT
from doubles.wheels import plant_wheel

import AnalyzeOnUpload
import ImagesHttp
from shared import services
from shared.api import health
from shared.configuration import installed
from shared.durable.read_job import Job
from shared.errors import PythonMismatchError
from shared.ocr import activities
from shared.uploads import retry_step

Plant = Callable[..., None]
RUNS = f"{sys.version_info[0]}.{sys.version_info[1]}"
OWN = f"cp{RUNS.replace('.', '')}"
OTHER = ["cp310-cp310-manylinux_2_17_x86_64", "cp310-cp310-manylinux2014_x86_64"]
WORK = {"name": "a.jpg", "steps": ["analysis"], "key": "k", "attempts": 1, "crash": None}


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(services, "_current", None)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    installed._built_for.cache_clear()
    yield
    installed._built_for.cache_clear()


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Plant:
    """Have the packages say that they are for these tags."""

    def first(*tags: str) -> None:
        monkeypatch.syspath_prepend(str(plant_wheel(tmp_path, *tags)))

    return first


def test_the_packages_that_run_here_are_looked_at_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    installed.check()
    installed._built_for.cache_clear()
    monkeypatch.setattr(installed, "_LIBRARY", "no-such-library")
    assert installed._built_for() == (RUNS,)
    installed.check()


@pytest.mark.parametrize(
    ("suffix", "fits"), [(EXTENSION_SUFFIXES[0], True), (".cpython-310-x86_64-linux-gnu.so", False)]
)
def test_metadata_that_an_older_version_left_behind_is_no_mismatch_where_the_library_is_the_right_one(
    plant: Plant, tmp_path: Path, suffix: str, fits: bool
) -> None:
    plant(*OTHER)
    (tmp_path / f"_cffi_backend{suffix}").touch()
    if fits:
        assert services.current().settings.vision_key
    else:
        with pytest.raises(PythonMismatchError):
            services.current()


def test_both_pythons_are_told_and_only_a_restart_looks_again(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(*OTHER)
    for _ in range(2):
        with pytest.raises(PythonMismatchError) as caught:
            services.current()
    assert re.search(rf"built for Python 3\.10, .* runs on Python {re.escape(RUNS)}", caught.value.message)
    assert "functionAppConfig.runtime.version" in caught.value.action
    monkeypatch.setattr(sys, "path", sys.path[1:])
    with pytest.raises(PythonMismatchError):
        services.current()


@pytest.mark.parametrize(
    "tags",
    [
        [],
        ["cp37-abi3-manylinux_2_17_x86_64"],
        ["py3-none-any"],
        ["pp310-pypy310_pp73-manylinux_2_17_x86_64"],
        [*OTHER, f"{OWN}-{OWN}-linux_x86_64"],
    ],
)
def test_what_tells_nothing_or_fits_is_no_mismatch(plant: Plant, tags: list[str]) -> None:
    plant(*tags)
    assert services.current().settings.vision_key


def test_without_the_metadata_the_app_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "_COMPILED", "no-such-package")
    assert services.current().settings.vision_key


def test_requests_are_refused_and_health_names_the_packages(plant: Plant) -> None:
    plant(*OTHER)
    refused = ImagesHttp.main(request("GET"), invocation())
    assert "3.10" in problem_of(refused, 503, "python_mismatch")["detail"]
    (problem,) = health.Look()().problems
    assert (problem["part"], problem["code"]) == ("packages", "python_mismatch")


def test_nothing_that_was_to_be_done_is_lost(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(*OTHER)
    hub = Hub()
    monkeypatch.setattr("azure.durable_functions.DurableOrchestrationClient", lambda starter: hub)
    asyncio.run(AnalyzeOnUpload.main(upload("images/a.jpg", b"bytes"), "starter", invocation()))
    [(name, _, task)] = hub.started
    assert (name, task["name"], task["seconds"]) == ("RetryOrchestrator", "a.jpg", 60.0)
    retried = asyncio.run(retry_step.retry(WORK, "starter"))
    assert retried == {"state": "deferred", "seconds": 60.0, "attempts": 1}
    job = Job("image", "digest", {}, 60.0, name="a.jpg")
    outcome = asyncio.run(activities.submit({"job": job.to_json(), "failures": 0}))
    assert (outcome["state"], outcome["seconds"], outcome["problem"]["code"]) == ("wait", 60.0, "python_mismatch")
