"""Without models the service answers what it answered before there were any."""

from typing import Any

import pytest
from doubles.recorded_answers import answers_about, pictures, without_models
from doubles.vision_calls import Caller

PICTURES = pictures()


def close_to(recorded: Any) -> Any:
    """Return what equals *recorded*, numbers to a hundredth: another processor adds up in another order."""
    if isinstance(recorded, dict):
        return {key: close_to(value) for key, value in recorded.items()}
    if isinstance(recorded, list):
        return [close_to(value) for value in recorded]
    return pytest.approx(recorded, abs=0.01) if isinstance(recorded, float) else recorded


@pytest.mark.parametrize("name", PICTURES)
def test_every_answer_is_as_recorded(caller: Caller, name: str) -> None:
    assert answers_about(caller, PICTURES[name]) == close_to(without_models()[name])


def test_every_picture_is_recorded() -> None:
    assert without_models().keys() == PICTURES.keys()
