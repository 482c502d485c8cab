"""Ten thousand images in one list: any place of it at once, few elements, no jumps, the keyboard all the way."""

import re
from urllib.parse import quote

import pytest
from doubles.chromium import PHONE, WIDE
from doubles.gallery_world import COUNT, Arrive
from doubles.page_checks import shifts, watch_shifts
from doubles.page_views import box, exactly, found, opened, suggestions
from doubles.platform_sign_in import EDITOR
from playwright.sync_api import Locator, Page, expect

SIZES = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
# Whether a picture has come of an image behind that place, and in the window.
_PICTURES_FROM = """(place) => [...document.querySelectorAll('#grid [aria-posinset]')].some((item) => {
    const { top, bottom } = item.getBoundingClientRect()
    const isSeen = bottom > 0 && top < innerHeight
    return isSeen && Number(item.getAttribute('aria-posinset')) > place && item.querySelector('img')?.naturalWidth > 0
})"""
# Most cards that are drawn around the window, of a list of any length.
MOST_ITEMS = 200


def items(page: Page) -> Locator:
    return page.get_by_role("list", name="images").get_by_role("listitem")


def focused(page: Page) -> Locator:
    return page.locator("#grid :focus")


def place_of_focus(page: Page) -> Locator:
    """The item of the list that has the focus in it."""
    return items(page).filter(has=page.locator(":focus"))


@SIZES
def test_any_place_of_the_list_is_there_at_once(arrive: Arrive, size: tuple[int, int]) -> None:
    visit = arrive(EDITOR, size=size)
    page = visit.page
    expect(found(page)).to_have_text(exactly(COUNT))
    expect(items(page).first).to_have_attribute("aria-setsize", str(COUNT))

    # The middle, as by the bar at the side of the window.
    page.evaluate("document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight / 2")
    page.wait_for_function(_PICTURES_FROM, arg=COUNT // 4)
    assert items(page).count() <= MOST_ITEMS

    page.evaluate("document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight")
    last = page.locator(f"[aria-posinset='{COUNT}']")
    expect(last.get_by_role("link")).to_be_visible()
    expect(last.get_by_role("link")).to_have_attribute("href", re.compile(r"\?image="))
    assert items(page).count() <= MOST_ITEMS


def test_the_keyboard_goes_to_the_end_and_back(arrive: Arrive) -> None:
    page = arrive(EDITOR).page
    expect(items(page).first.get_by_role("img")).to_be_visible()
    # One stop of the tab key is the list.
    items(page).first.get_by_role("link").focus()

    page.keyboard.press("End")
    expect(place_of_focus(page)).to_have_attribute("aria-posinset", str(COUNT))
    page.keyboard.press("Home")
    expect(place_of_focus(page)).to_have_attribute("aria-posinset", "1")
    page.keyboard.press("ArrowRight")
    expect(place_of_focus(page)).to_have_attribute("aria-posinset", "2")
    name = focused(page).get_attribute("data-name") or ""

    page.keyboard.press("Enter")
    with opened(page, name, closes=False):
        assert f"image={quote(name, safe='')}" in page.url
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("dialog").get_by_role("heading", level=2)).not_to_contain_text(name.rpartition("/")[2])
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_contain_text(name.rpartition("/")[2])
        page.keyboard.press("Escape")
    expect(focused(page)).to_have_attribute("data-name", name)
    assert "image=" not in page.url


def test_the_box_is_a_combobox_for_the_keyboard(arrive: Arrive) -> None:
    page = arrive(EDITOR).page
    expect(found(page)).to_have_text(exactly(COUNT))
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()

    page.keyboard.type("bridg")
    expect(suggestions(page).first).to_be_visible()
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    selected = page.get_by_role("listbox", name="Suggestions").get_by_role("option", selected=True)
    expect(selected).to_have_count(1)
    chosen = box(page).get_attribute("aria-activedescendant")
    assert chosen == selected.get_attribute("id")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("bridge")
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    expect(found(page)).not_to_have_text(exactly(COUNT))
    assert "q=bridge" in page.url


def test_a_view_is_in_the_address_and_in_the_history(arrive: Arrive) -> None:
    page = arrive(EDITOR, "?q=text%3Ainvoice&sort=name").page
    expect(box(page)).to_have_value("text:invoice")
    expect(page.get_by_role("combobox", name="Order")).to_have_value("name")
    link = items(page).first.get_by_role("link")
    expect(link).to_have_attribute("data-name", re.compile("."))
    name = link.get_attribute("data-name") or ""

    link.click()
    with opened(page, name, closes=False):
        page.go_back()
    expect(box(page)).to_have_value("text:invoice")
    page.go_forward()
    with opened(page, name, closes=False):
        page.reload()
        expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_contain_text(name.rpartition("/")[2])
        page.go_back()


@SIZES
def test_nothing_jumps_while_the_page_comes_and_is_scrolled(arrive: Arrive, size: tuple[int, int]) -> None:
    page = arrive(EDITOR, size=size).page
    watch_shifts(page)
    page.reload()
    expect(items(page).first.get_by_role("img")).to_be_visible()
    expect(page.get_by_role("region", name="Failures").get_by_role("link").first).to_be_visible()
    for _ in range(5):
        page.mouse.wheel(0, 900)
        expect(items(page).filter(has=page.get_by_role("img")).first).to_be_visible()
    page.mouse.wheel(0, -9000)
    expect(items(page).first.get_by_role("img")).to_be_visible()

    jumps = shifts(page)

    assert sum(each["value"] for each in jumps) < 0.01, jumps


@SIZES
def test_what_is_above_the_images_keeps_its_height_while_a_query_is_typed(
    arrive: Arrive, size: tuple[int, int]
) -> None:
    page = arrive(EDITOR, size=size, near=True).page
    expect(found(page)).to_have_text(exactly(COUNT))
    banner = page.get_by_role("banner")
    before = banner.bounding_box()

    box(page).press_sequentially("bridge")
    expect(found(page)).not_to_have_text(exactly(COUNT))

    assert banner.bounding_box() == before
