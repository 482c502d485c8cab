"""
What holds for all tests: no trained models, how random examples are found, answers that keep to the contract, the
terminal summary of the witnesses.
"""

import os
import tracemalloc
from collections.abc import Iterator

import hypothesis
import pytest
from doubles.judged_answers import judge_all
from doubles.witness import COVERAGE

from shared import log

# Every process that a test starts has it from here. Where a test asks for models, it takes this away.
os.environ["MODELS"] = "off"
# The same examples at every run, and no time limit that a busy machine could break.
hypothesis.settings.register_profile("deterministic", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("deterministic")

# Before a test imports a function folder.
judge_all()


@pytest.fixture(autouse=True)
def _memory_is_traced_no_longer() -> Iterator[None]:
    """What one test leaves on would slow all others down, and be found by the next one that measures memory."""
    yield
    left_on = tracemalloc.is_tracing()
    tracemalloc.stop()
    assert not left_on


@pytest.fixture(autouse=True)
def _names_are_in_the_log() -> None:
    """As with the settings of `doubles.parts`, unless a test chooses otherwise."""
    log.configure("plain")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what a test covered once it has passed; what a fixture said before one that failed is dropped too."""
    if report.when == "call" or report.failed:
        COVERAGE.settle(passed=report.passed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each witness covered."""
    lines = COVERAGE.lines()
    if lines:
        terminalreporter.section("witnesses")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the project's own options."""
    parser.addoption(
        "--record-histories",
        action="store_true",
        help="record the histories of tests/fixtures/histories anew before they are replayed",
    )
