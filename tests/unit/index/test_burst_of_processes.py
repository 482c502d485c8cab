"""Eight processes write at once: no entry is lost, none comes twice, and a `kill -9` heals with the next delivery."""

import uuid
from collections.abc import Iterator

import pytest
from doubles import index_burst, index_worker
from doubles.azurite import Azurite, running_azurite

from shared import names
from shared.services import App

# Of three hundred, `make chaos` does the same.
IMAGES = 96


@pytest.fixture
def account() -> Iterator[Azurite]:
    """One of the test's own, as the containers' names are the app's."""
    with running_azurite(accounts=(f"burst{uuid.uuid4().hex[:8]}",)) as running:
        yield running


def assert_told(app: App, images: list[str], least: int = 2) -> None:
    """Each image's entry tells exactly its records, and there is no other entry."""
    assert index_burst.entries(app).keys() == set(images)
    assert all(len(made) >= least for made in index_burst.records(app).values())
    assert index_burst.differing(app) == []


def test_a_burst_costs_at_most_one_request_an_image_and_loses_none(account: Azurite) -> None:
    app = index_worker.build(account.connection_string)
    images = index_burst.put_images(app, IMAGES)
    done = index_burst.burst(account.connection_string, "index", images)
    print(f"{done.operations / IMAGES:.2f} requests an image, {IMAGES / done.seconds:.0f} images a second")
    assert_told(app, images)
    assert index_burst.twice(app) == []
    assert done.operations <= IMAGES


@pytest.mark.parametrize("is_picture", [True, False], ids=["made", "failed"])
@pytest.mark.parametrize("mode", ["killed before", "killed after"])
def test_a_process_that_is_killed_while_it_stores_lines_is_made_up_for_by_the_next_delivery(
    account: Azurite, mode: str, is_picture: bool
) -> None:
    app = index_worker.build(account.connection_string)
    images = index_burst.put_images(app, 3)
    if not is_picture:
        for name in images:
            app.images.write(names.IMAGES, name, name.encode(), content_type="image/jpeg")
    assert index_burst.killed(account.connection_string, mode, images) == -9
    # Records that no line tells, or that lines tell of which the upload knows nothing.
    assert index_burst.records(app)
    index_burst.burst(account.connection_string, "index", images, processes=1)
    assert_told(app, images, 2 if is_picture else 1)
