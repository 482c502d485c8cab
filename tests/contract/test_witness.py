"""The terminal summary of the witnesses."""

import subprocess
import sys
from pathlib import Path

from doubles.witness import Coverage

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


def test_the_summary_counts_what_passing_tests_covered_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((PROJECT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(TESTS)
    options = ["-p", "no:cacheprovider", "-o", f"pythonpath={PROJECT / 'tests'}", "--import-mode=importlib"]
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
