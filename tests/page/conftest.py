"""The browser and the world of 10,000 images, each started once for all tests of the page."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from azure.storage.blob import BlobPrefix
from doubles.chromium import WIDE, Visit, running_chromium, visiting
from doubles.gallery_world import COUNT, Arrive, World, running_world
from doubles.hostile_images import HOSTILE
from doubles.patience import wait_until
from doubles.platform_sign_in import COOKIE, Person
from playwright.sync_api import Browser

# The first test waits for the world of all, on a machine that runs other tests beside.
_WORLD_SECONDS = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of a world the time that it takes to be made."""
    for item in items:
        if "world" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(_WORLD_SECONDS))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with running_chromium() as running:
        yield running


@pytest.fixture(scope="session")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """10,000 images behind the platform's sign-in and a slow line; the browser comes first, as the test needs it."""
    with running_world(tmp_path_factory.mktemp("world"), HOSTILE) as running:
        yield running


@pytest.fixture
def arrive(browser: Browser, world: World) -> Iterator[Arrive]:
    """
    Open the page as a person: `arrive(EDITOR, "?q=dog", size=PHONE)`.

    None is a stranger. `near` leaves out the slow line. At the end of the test the browser must not have complained,
    nor asked another host.
    """
    with ExitStack() as at_end:

        def open_page(
            person: Person | None = None,
            query: str = "",
            *,
            size: tuple[int, int] = WIDE,
            dark: bool = False,
            near: bool = False,
            expected: tuple[str, ...] = (),
        ) -> Visit:
            address = world.near if near else world.address
            cookie = (address, COOKIE, world.sign_in.session_of(person)) if person else None
            visit = at_end.enter_context(visiting(browser, size=size, dark=dark, cookie=cookie, expected=expected))
            visit.page.goto(address + query)
            return visit

        yield open_page


@pytest.fixture
def leaves_nothing(world: World) -> Iterator[None]:
    """At the end of the test, what it has uploaded goes: those images are in no folder, or in `trip`."""
    yield
    with world.stack.storage() as storage:
        images = storage.get_container_client("images")
        for found in [*images.walk_blobs(delimiter="/"), *images.list_blobs(name_starts_with="trip/")]:
            if not isinstance(found, BlobPrefix):
                images.delete_blob(found.name)
    wait_until(lambda: world.ask("/api/search?limit=1")["total"] == COUNT)
