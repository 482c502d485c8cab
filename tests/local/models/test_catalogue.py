"""What the pages say of the trained models is what the catalogue says."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.models.catalogue import CATALOGUE, Model, chosen
from local.models.recipes import RECIPES

PROJECT = Path(__file__).resolve().parents[3]
PAGE = (PROJECT / "docs" / "local-stack.md").read_text()
NOTICE = " ".join((PROJECT / "NOTICE").read_text().split())


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.name)
def test_notice_names_the_source_of_each_model(model: Model) -> None:
    repository, _, folder = model.upstream.removeprefix("https://").partition("/tree/master/")
    assert repository in NOTICE
    assert folder in NOTICE
    assert model.package.split()[1] in NOTICE


def test_the_page_says_which_model_clear_leaves_out_and_what_all_download() -> None:
    (unclear,) = set(CATALOGUE) - set(chosen({"MODELS": "clear"}))
    assert f"all but `{unclear.name}` |" in PAGE
    assert f"{sum(recipe.megabytes for recipe in RECIPES)} MB to download" in PAGE
    assert [recipe.model for recipe in RECIPES] == list(CATALOGUE)


def test_doctor_can_ask_before_any_package_is_there() -> None:
    code = "import local.models.recipes as r; [r.fault(each) for each in r.RECIPES]; import local.doctor"
    # Without site-packages, and in the project's folder.
    answer = subprocess.run([sys.executable, "-S", "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert (answer.returncode, answer.stderr) == (0, "")
