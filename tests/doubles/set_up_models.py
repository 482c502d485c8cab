"""The models that set-up makes, for tests that look with them."""

import pytest

from local.models import catalogue
from local.vision.recognition.loading import Models


def set_up_models() -> Models:
    """Return them all; skips the test with the reason where set-up has not made them."""
    missing = [model.name for model in catalogue.CATALOGUE if not model.is_there]
    if missing:
        pytest.skip(f"{catalogue.folder()} has no {', '.join(missing)}: `make setup` makes them")
    return Models({})
