"""What the app costs, counted on a few images, and what the documentation says of it."""

import sys
from pathlib import Path

import pytest

from bench import cost
from bench.cost import CASES, DEFAULT, FORMER, MOST_DOLLARS, ONE_WITH_TEXT_IN, Case, Cost
from shared.settings import described

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def found() -> dict[Case, Cost]:
    return {case: cost.cost(case, ONE_WITH_TEXT_IN) for case in CASES}


def test_an_analysis_and_one_area_of_interest_are_all_that_the_defaults_ask_for_an_image(
    found: dict[Case, Cost],
) -> None:
    features = dict.fromkeys(("Tags", "Description", "Objects"), ONE_WITH_TEXT_IN)
    assert found[DEFAULT].meters == {**features, "areaOfInterest": ONE_WITH_TEXT_IN, "Read": 1}
    assert found[DEFAULT].dollars <= MOST_DOLLARS


def test_the_number_of_sizes_costs_nothing(found: dict[Case, Cost]) -> None:
    (six,) = [case for case in CASES if cost.SIX_SIZES in case.settings]
    assert found[six].meters == found[DEFAULT].meters


def test_the_ledger_of_the_app_counts_every_transaction(found: dict[Case, Cost]) -> None:
    for case, each in found.items():
        assert each.counted == sum(each.meters.values()), case.name


def test_the_former_defaults_are_another_question_than_those_of_today(found: dict[Case, Cost]) -> None:
    defaults = {each["name"]: each["default"] for each in described()}
    assert all(defaults[name] != value for name, value in FORMER)
    assert found[CASES[-1]].dollars > MOST_DOLLARS


def test_the_page_of_costs_says_what_is_counted(found: dict[Case, Cost]) -> None:
    page = (DOCS / "deploying.md").read_text().partition("## What it costs")[2].partition("### Always ready")[0]
    for case, each in found.items():
        assert f"{each.dollars:.2f}" in page, case.name
    default = found[DEFAULT]
    assert f"{default.free_images:,} images a month" in page
    assert f"an image costs {default.transactions:g} at most" in page
    assert f"{cost.PRICE:.2f} for 1,000 transactions, and {cost.DEARER_PRICE:.2f} where they are `Description`" in page


def test_it_prints_the_table_and_ends_with_1_where_the_default_costs_more_than_the_goal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cost, "CASES", (DEFAULT,))
    monkeypatch.setattr(sys, "argv", ["cost", "--images", str(ONE_WITH_TEXT_IN)])
    assert cost.main() == 0
    assert "| default settings, no subject named | 4.80 | 4.2 |" in capsys.readouterr().out
    monkeypatch.setattr(cost, "MOST_DOLLARS", 4.79)
    assert cost.main() == 1
    assert "**no**" in capsys.readouterr().out


def test_images_that_are_not_done_are_no_figure() -> None:
    with pytest.raises(RuntimeError, match=r"analysis is deferred \(calls_stopped\)"):
        cost.cost(Case("stopped", (("VISION_STOP", "true"),)), ONE_WITH_TEXT_IN)
