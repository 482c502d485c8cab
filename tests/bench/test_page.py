"""The page that `make bench` writes."""

import re
from pathlib import Path

from bench import __main__ as bench
from bench import machine
from bench.section import Goal, Section

PROJECT = Path(__file__).resolve().parents[2]


def test_a_page_has_the_machine_and_every_section_with_its_goals() -> None:
    goals = [Goal.at_most("cost", 0.8, 0.5), Goal.at_least("recovered", 11, 10)]
    page = bench.page(
        [Section("One", "Text one.", goals), Section("Two", "Text two.", [])], {"processor": "P, 2 cores"}
    )
    assert re.findall(r"^#+ .*$", page, re.MULTILINE) == ["# Benchmarks", "## One", "## Two"]
    assert "| processor | P, 2 cores |" in page
    assert "| cost | at most 0.8 | 0.50 | yes |" in page
    assert "| recovered | at least 11 | 10.00 | **no** |" in page


def test_a_limit_itself_is_within_it() -> None:
    assert Goal.at_most("a", 0.8, 0.8).held
    assert Goal.at_least("a", 11, 11).held
    assert not Goal.at_most("a", 0.8, 0.801).held


def test_the_machine_is_described_in_full() -> None:
    described = machine.described()
    assert all(described.values())
    assert re.search(r"\d+ cores", described["processor"])


def test_the_page_that_is_kept_was_written_by_the_benchmarks() -> None:
    page = (PROJECT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert page.startswith(bench.HEAD)
    titles = (
        "Bursts, for real",
        "Bursts, outages and wrong rates, simulated",
        "Clients of Computer Vision",
        "When a Read is polled",
        "The package and its cold start",
    )
    for title in titles:
        assert f"## {title}\n" in page
