"""What holds for all tests: the terminal summary of the witnesses."""

import pytest
from doubles.witness import COVERAGE


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what a test covered once it has passed."""
    if report.when == "call":
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
