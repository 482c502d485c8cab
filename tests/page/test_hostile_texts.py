"""Names, captions, tags and texts that would be code elsewhere are text on the page, in any length and direction."""

from urllib.parse import quote

import pytest
from doubles.chromium import PHONE, WIDE
from doubles.gallery_world import Arrive
from doubles.hostile_images import ARABIC, FOLDER, HARM, HEBREW, HOSTILE, LONG_NAME, LONG_TEXTS, MARKUP, SCHEME
from doubles.many_images import Made
from doubles.page_checks import overflow
from doubles.page_views import box, card, found, opened
from doubles.platform_sign_in import EDITOR
from playwright.sync_api import Page, expect

SIZES = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])


def check_harmless(page: Page) -> None:
    """No text has run, and none has made the page wider than its window."""
    assert page.title() != HARM
    # What a text would have to become to run.
    made = page.locator(
        "img[src]:not([src^='/api/gallery/']), [onerror], [onload], script:not([src]):not([type=importmap])"
    )
    expect(made).to_have_count(0)
    expect(page.locator("a:not([href^='/'], [href^='#'])")).to_have_count(0)
    assert overflow(page) == 0


@SIZES
def test_the_list_shows_them_as_text(arrive: Arrive, size: tuple[int, int]) -> None:
    page = arrive(EDITOR, f"?q=folder:{FOLDER}", size=size, near=True).page

    expect(found(page)).to_contain_text(f"{len(HOSTILE)} images")
    for made in HOSTILE:
        expect(card(page, made.name)).to_contain_text(made.name.rpartition("/")[2])
        expect(card(page, made.name).get_by_role("img")).to_have_attribute("alt", made.caption)
    check_harmless(page)


@SIZES
@pytest.mark.parametrize("made", HOSTILE, ids=range(len(HOSTILE)))
def test_the_view_of_one_shows_them_as_text(arrive: Arrive, made: Made, size: tuple[int, int]) -> None:
    page = arrive(EDITOR, f"?image={quote(made.name, safe='')}", size=size, near=True).page

    with opened(page, made.name, closes=False) as view:
        expect(view.get_by_role("region", name="About the image")).to_contain_text(made.caption)
        for tag in made.tags:
            expect(view.get_by_role("list", name="Tags")).to_contain_text(tag)
        if made.text is not None:
            expect(view.locator(".lines")).to_contain_text(made.text)
        check_harmless(page)
        assert view.evaluate("(element) => element.scrollWidth - element.clientWidth") <= 0
        page.keyboard.press("Escape")


@pytest.mark.parametrize("made", [HEBREW, ARABIC], ids=["Hebrew", "Arabic"])
def test_names_from_right_to_left_are_ordered_as_they_are_read(arrive: Arrive, made: Made) -> None:
    page = arrive(EDITOR, f"?q=folder:{FOLDER}", near=True).page

    name = card(page, made.name).locator(".file")
    expect(name).to_have_text(made.name.rpartition("/")[2])
    # The first letter stands right of the last letter before the dot, in a bidi isolate of its own.
    first, last = (
        name.evaluate(
            """(element, at) => {
                const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode()
                const range = document.createRange()
                range.setStart(text, at)
                range.setEnd(text, at + 1)
                return range.getBoundingClientRect().x
            }""",
            at,
        )
        for at in (0, 3)
    )
    assert first > last


def test_a_search_for_markup_is_a_search(arrive: Arrive) -> None:
    # The browser tells of each query that is refused.
    page = arrive(EDITOR, near=True, expected=("400",)).page
    expect(found(page)).to_contain_text("images")

    for query in (MARKUP.caption, SCHEME.caption, '"', "(", "tag:<b>", "\u202e", "a" * 2000, "-", "is:<img src=x>"):
        box(page).fill(query)
        expect(page.get_by_role("heading", name="Nothing found").or_(found(page)).first).to_be_visible()
        check_harmless(page)


def test_a_query_in_the_address_is_text(arrive: Arrive) -> None:
    page = arrive(EDITOR, f"?q={quote(MARKUP.caption)}&sort=%3Cscript%3E&image=", near=True).page

    expect(box(page)).to_have_value(MARKUP.caption)
    check_harmless(page)


def test_texts_of_ten_thousand_letters_keep_the_cards_in_their_boxes(arrive: Arrive) -> None:
    page = arrive(EDITOR, f"?q=folder:{FOLDER}", near=True).page

    boxes = [card(page, made.name).bounding_box() for made in (LONG_TEXTS, LONG_NAME, HEBREW)]

    assert len({(each["width"], each["height"]) for each in boxes if each}) == 1, boxes
