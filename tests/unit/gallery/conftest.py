from collections.abc import Iterator

import pytest
from doubles.parts import Parts, parts

from shared import services


@pytest.fixture
def app() -> Iterator[Parts]:
    """The services that every route finds, with one thumbnail a picture."""
    app = parts(THUMBNAIL_SIZES="100x50")
    with services.replaced(app.services):
        yield app
