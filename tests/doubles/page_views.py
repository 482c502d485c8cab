"""The parts of the page, found as a reader of screens finds them: by what they are and what they are called."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, expect


def box(page: Page) -> Locator:
    """In which people say what they look for."""
    return page.get_by_role("combobox", name="Search images")


def suggestions(page: Page) -> Locator:
    """What is suggested below the box."""
    return page.get_by_role("listbox", name="Suggestions").get_by_role("option")


def search(page: Page, query: str) -> None:
    """Type a query, letter by letter."""
    box(page).fill("")
    box(page).press_sequentially(query)


def found(page: Page) -> Locator:
    """How many images are found."""
    return page.get_by_role("main").get_by_role("heading", level=1)


def exactly(count: int) -> re.Pattern[str]:
    """What that heading says of so many images."""
    return re.compile(rf"^{count:,} images?\b")


def card(page: Page, name: str) -> Locator:
    """The image of that name in the list."""
    return page.get_by_role("main").locator("#grid").get_by_role("link").and_(page.get_by_title(name, exact=True))


@contextmanager
def opened(page: Page, name: str, *, closes: bool = True) -> Iterator[Locator]:
    """The view of one image, which is open; at the end it is closed by its button, or closes by itself."""
    view = page.locator("#picture")
    expect(view.get_by_role("heading", level=2)).to_contain_text(name.rpartition("/")[2])
    yield view
    if closes:
        view.get_by_role("button", name="Close").click()
    expect(view).to_be_hidden()
