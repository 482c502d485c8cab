"""An editor drops a picture on the page, finds it, corrects it, has it tried again and deletes it, without a reload."""

from pathlib import Path

import pytest
from doubles.chromium import PHONE, WIDE
from doubles.dropped_files import drop
from doubles.gallery_world import COUNT, Arrive, World, paper
from doubles.page_views import box, card, exactly, found, opened, search
from doubles.platform_sign_in import EDITOR
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def stays(page: Page) -> None:
    """Mark the document, so that a reload is noticed."""
    page.evaluate("globalThis.neverReloaded = true")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate("globalThis.neverReloaded === true"))


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_an_image_comes_is_found_corrected_and_goes(
    arrive: Arrive, world: World, tmp_path: Path, size: tuple[int, int]
) -> None:
    word = "ZEPPELIN" if size == WIDE else "QUOKKA"
    name = f"{word.lower()}.png"
    file = tmp_path / name
    file.write_bytes(paper(f"{word}\nharbour"))
    page = arrive(EDITOR, size=size).page
    expect(found(page)).to_have_text(exactly(COUNT))
    stays(page)

    drop(page, [file])

    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_role("listitem").filter(has_text=name)).to_contain_text("complete")
    expect(found(page)).to_have_text(exactly(COUNT + 1))

    search(page, word.lower())
    expect(found(page)).to_have_text(exactly(1))
    expect(card(page, name)).to_contain_text(word)
    marked_where_it_stands(page, name)

    card(page, name).click()
    with opened(page, name) as view:
        view.get_by_role("button", name="Correct").click()
        view.get_by_role("textbox", name="Sentence").fill(f"a balloon called {word}bird")
        view.get_by_role("button", name="Save").click()
        expect(view.get_by_role("region", name="About the image")).to_contain_text(f"a balloon called {word}bird")
    search(page, f"{word}bird")
    expect(found(page)).to_have_text(exactly(1))
    expect(card(page, name)).to_contain_text(f"a balloon called {word}bird")
    expect(card(page, name).get_by_role("img")).to_have_attribute("alt", f"a balloon called {word}bird")

    card(page, name).click()
    with opened(page, name, closes=False) as view:
        view.get_by_role("button", name="Delete this image").click()
        page.get_by_role("dialog", name="Delete this image?").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    expect(card(page, name)).to_have_count(0)
    box(page).fill("")
    expect(found(page)).to_have_text(exactly(COUNT))
    assert world.ask(f"/api/search?q={word.lower()}")["total"] == 0
    assert has_stayed(page)


def marked_where_it_stands(page: Page, name: str) -> None:
    """The frame around the word lies on the picture where the word was drawn: in its upper left part."""
    mark = card(page, name).locator("svg.marks polygon").first
    expect(mark).to_be_visible()
    shown = card(page, name).locator("img")
    expect(shown).to_be_visible()
    frame, whole = mark.bounding_box(), shown.bounding_box()
    assert frame
    assert whole
    left = (frame["x"] - whole["x"]) / whole["width"]
    top = (frame["y"] - whole["y"]) / whole["height"]
    bottom = (frame["y"] + frame["height"] - whole["y"]) / whole["height"]
    # The first of two lines begins 30 of 480 pixels from the left and 25 of 200 from above, with 44 pixels of height.
    assert 0.02 < left < 0.12, (frame, whole)
    assert 0.08 < top < 0.25, (frame, whole)
    assert 0.25 < bottom < 0.5, (frame, whole)


def test_an_image_fails_says_why_and_is_tried_again(arrive: Arrive, world: World, tmp_path: Path) -> None:
    file = tmp_path / "kestrel.png"
    file.write_bytes(paper("KESTREL"))
    page = arrive(EDITOR).page
    expect(found(page)).to_have_text(exactly(COUNT))
    stays(page)
    failures = page.get_by_role("region", name="Failures")
    row = failures.get_by_role("listitem").filter(has_text=file.name)
    try:
        world.stack.set_faults({"read_failed": 1})
        drop(page, [file])
        upload = page.get_by_role("region", name="Uploads").get_by_role("listitem").filter(has_text=file.name)
        expect(upload).to_contain_text("failed")
        # The bar tells of it; the failures stand before all images, with the reason and what to do.
        page.get_by_role("region", name="Work").get_by_role("button", name="failed").click()
        expect(row).to_contain_text("failed to read it")
        expect(row.get_by_role("button", name="Try again")).to_be_visible()
        assert world.ask(f"/api/images?name={file.name}")["text"]["problem"]["code"] == "read_failed"
    finally:
        world.stack.set_faults({})

    row.get_by_role("button", name="Try again").click()

    expect(row).to_contain_text("Complete now")
    search(page, "kestrel")
    expect(found(page)).to_have_text(exactly(1))
    expect(card(page, file.name)).to_contain_text("KESTREL")
    assert has_stayed(page)
    with world.stack.storage() as storage:
        storage.get_blob_client("images", file.name).delete_blob()
    # An image that is deleted past the page goes from it too.
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
