"""The terminal summary of the witnesses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from doubles.vision_services import RESOURCE
from doubles.witness import Coverage

from local.vision.server import running_vision

PROJECT = Path(__file__).parents[2]
TESTS = """
import pytest
from doubles.witness import covered

@pytest.mark.parametrize("number", [1, 2])
def test_that_passes(number):
    covered("somebody", "cases")
    covered("somebody", "operations", "tag")

def test_that_fails():
    covered("somebody", "operations", "describe")
    covered("nobody", "cases")
    assert False
"""


def test_the_same_thing_counts_once() -> None:
    coverage = Coverage()
    for which in ("tag", "tag", "describe"):
        coverage.add("SDK", "operations", which)
    coverage.settle(passed=True)

    assert coverage.lines() == ["SDK: 2 operations"]


def test_a_witness_that_was_not_asked_has_a_line_with_the_reason() -> None:
    coverage = Coverage()
    for _ in range(2):
        coverage.leave_out("Azure", "no key")

    assert coverage.lines() == ["Azure: not asked, no key"]


def test_the_summary_counts_what_passing_tests_covered_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((PROJECT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(TESTS)
    options = ["-p", "no:cacheprovider", "-o", f"pythonpath={PROJECT / 'tests'} {PROJECT}", "--import-mode=importlib"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 1, run.stdout + run.stderr
    assert "= witnesses =" in run.stdout
    assert "somebody: 2 cases, 1 operations\n" in run.stdout
    assert "nobody" not in run.stdout.partition("= witnesses =")[2]


def contract_run(**resource: str) -> subprocess.CompletedProcess[str]:
    """Run one contract case, for Azure only, where the environment names this resource."""
    others = {name: value for name, value in os.environ.items() if name not in RESOURCE}
    case = "tests/contract/test_service_contract.py::test_the_models_are_celebrities_and_landmarks"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "real", case],
        cwd=PROJECT,
        env=others | resource,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_azure_has_to_keep_the_contract_where_the_environment_names_a_resource() -> None:
    with running_vision() as stand_in:
        run = contract_run(VISION_ENDPOINT=f"{stand_in.url}/", VISION_KEY=stand_in.key)
        asked = stand_in.stats()["models"]["status"]

    assert run.returncode == 0, run.stdout + run.stderr
    assert "contract of v3.2, Azure: 1 cases\n" in run.stdout
    assert "not asked" not in run.stdout
    assert asked == {"200": 1}


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ({}, "VISION_ENDPOINT and VISION_KEY are not set"),
        ({"VISION_ENDPOINT": "http://127.0.0.1:9", "VISION_KEY": " "}, "VISION_KEY is not set"),
    ],
)
def test_where_it_names_none_no_case_is_skipped_and_the_summary_says_why(resource: dict[str, str], reason: str) -> None:
    run = contract_run(**resource)

    assert run.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, run.stdout + run.stderr
    assert f"contract of v3.2, Azure: not asked, {reason}\n" in run.stdout
    assert "skipped" not in run.stdout
