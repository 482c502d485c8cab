"""`python -m local.models`: fetch and convert the models that MODELS chooses. `local/setup.sh models` runs it."""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence

from local.errors import INTERRUPTED, LocalError
from local.models.catalogue import SETTING, Model, chosen
from local.models.recipes import RECIPES, Recipe, failures, failures_path, fault

REST_SECONDS = 3600


def main(argv: list[str], environment: Mapping[str, str]) -> int:
    """
    Make what is chosen and missing; returns 1 if a model could not be made.

    With `--due`, as a part of set-up, such a failure is told and is none of set-up, except in continuous integration
    (`CI` in the environment). Then a try that failed is not repeated for an hour: of a machine without a network, each
    start would take seconds longer.
    """
    parser = argparse.ArgumentParser(prog="python -m local.models", description=__doc__)
    parser.add_argument("--due", action="store_true", help="not if the last try failed within the hour; no failure")
    is_part_of_setup = parser.parse_args(argv).due and environment.get("CI", "").lower() in ("", "0", "false")
    wanted = [recipe for recipe in RECIPES if recipe.model in chosen(environment)]
    missing = [recipe for recipe in wanted if fault(recipe)]
    if not wanted:
        _tell_left_out([recipe for recipe in RECIPES if fault(recipe)])
        return 0
    if not missing:
        return 0
    if is_part_of_setup and _rests(missing):
        _say(f"{_without(missing)} `make models` fetches them.")
        return 0
    megabytes = sum(recipe.megabytes for recipe in missing)
    _say(f"trained models of the local Computer Vision ({megabytes} MB, about half a minute)")
    # Its libraries are imported where there is something to make.
    from local.models.making import make

    failed = make(missing)
    if not failed:
        return 0
    lacking = [recipe for recipe in missing if recipe.model.name in failed]
    again = "; set-up tries again after an hour" if is_part_of_setup and _rests(lacking) else ""
    _say(f"{_without(lacking)} `make models` fetches them{again}.")
    for name, why in failed.items():
        _say(f"  {name}: {why}")
    return 0 if is_part_of_setup else 1


def _rests(missing: Sequence[Recipe]) -> bool:
    """Whether each of these failed within the hour."""
    if not {recipe.model.name for recipe in missing} <= set(failures()):
        return False
    try:
        return 0 <= time.time() - failures_path().stat().st_mtime < REST_SECONDS
    except FileNotFoundError:  # another set-up has made them meanwhile
        return False


def _tell_left_out(missing: Sequence[Recipe]) -> None:
    if missing:
        _say(f"{SETTING}=off: {_without(missing)} `make models` without this setting fetches them.")


def _without(recipes: Sequence[Recipe]) -> str:
    return (
        f"the trained models for {_listed([recipe.model for recipe in recipes])} are not there. "
        "The local Computer Vision measures pictures and reads text without them."
    )


def _listed(models: Sequence[Model]) -> str:
    *others, last = [model.tells for model in models]
    return f"{', '.join(others)} and {last}" if others else last


def _say(text: str) -> None:
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def run() -> None:
    """End the process as `main` says."""
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except LocalError as error:
        _say(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
