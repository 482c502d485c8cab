"""Each view, as wide as a desk and a phone, in light and in dark: no serious finding of axe-core, nothing too wide."""

from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
from doubles.chromium import PHONE, WIDE
from doubles.gallery_world import Arrive
from doubles.many_images import FAILED_EACH, TEXT_EACH, image
from doubles.page_checks import overflow, serious_findings
from doubles.page_views import box, found, opened, search, suggestions
from doubles.platform_sign_in import EDITOR, VIEWER, WITHOUT_ROLE
from playwright.sync_api import Page, expect

SIZES = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
FAILED = image(FAILED_EACH - 1)
WITH_TEXT = image(TEXT_EACH)


@dataclass
class Looks:
    """What was found of the views of one tab, by the name of each."""

    page: Page
    found: dict[str, list[str]] = field(default_factory=dict)

    def look(self, name: str) -> None:
        """Look at the view that is shown now, in both colours."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            findings = serious_findings(self.page)
            if overflow(self.page) > 0:
                findings.append(f"it is {overflow(self.page)} pixels wider than the window")
            if findings:
                self.found[f"{name}, {scheme}"] = findings


@SIZES
def test_the_list(arrive: Arrive, size: tuple[int, int]) -> None:
    # The browser tells of the query that is refused.
    looks = Looks(arrive(EDITOR, size=size, near=True, expected=("400",)).page)
    page = looks.page
    expect(page.get_by_role("region", name="Failures").get_by_role("link").first).to_be_visible()
    expect(page.get_by_role("main").get_by_role("img").first).to_be_visible()
    looks.look("all images, failures first")

    if size == PHONE:
        page.get_by_role("button", name="Filter").click()
        expect(page.get_by_role("heading", name="Narrow down")).to_be_visible()
        looks.look("the facets in front")
        page.get_by_role("button", name="Done").click()

    search(page, "invo")
    expect(suggestions(page).first).to_be_visible()
    looks.look("suggestions")
    search(page, "invoice")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main").locator("svg.marks").first).to_be_visible()
    looks.look("found by a word of a text")

    box(page).fill("zzzyzx nothing")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    looks.look("nothing found")

    box(page).fill("after:nonsense")
    expect(page.get_by_role("main").get_by_text("after:")).to_be_visible()
    looks.look("a query that is refused")

    assert not looks.found, looks.found


@SIZES
def test_one_image(arrive: Arrive, size: tuple[int, int]) -> None:
    looks = Looks(arrive(EDITOR, f"?q=invoice&image={quote(WITH_TEXT.name, safe='')}", size=size, near=True).page)
    page = looks.page
    with opened(page, WITH_TEXT.name) as view:
        expect(view.locator(".lines")).to_contain_text("invoice")
        looks.look("an image with text")
        for title in view.get_by_role("heading", level=3).all():
            if (
                title.locator("xpath=ancestor::summary").count()
                and not title.locator("xpath=ancestor::details[@open]").count()
            ):
                title.click()
        expect(view.locator("details:not([open])")).to_have_count(0)
        looks.look("everything unfolded")
        view.get_by_role("button", name="Correct").click()
        view.get_by_role("button", name="Set on the picture").click()
        looks.look("its corrections with a focal point")
        view.get_by_role("button", name="Cancel").click()
        view.get_by_role("button", name="Delete this image").click()
        expect(page.get_by_role("dialog", name="Delete this image?")).to_be_visible()
        looks.look("the question before it goes")
        page.get_by_role("button", name="Keep it").click()

    page.goto(page.url.partition("?")[0] + f"?image={quote(FAILED.name, safe='')}")
    with opened(page, FAILED.name) as view:
        expect(view.get_by_role("region", name="Missing steps")).to_contain_text("no image")
        looks.look("an image that has failed")

    assert not looks.found, looks.found


@SIZES
def test_the_ways_in(arrive: Arrive, size: tuple[int, int]) -> None:
    all_found: dict[str, list[str]] = {}
    for person, name in ((None, "Sign in to see the images"), (WITHOUT_ROLE, "You have no role here yet")):
        looks = Looks(arrive(person, size=size, near=True).page)
        expect(looks.page.get_by_role("heading", name=name)).to_be_visible()
        looks.look(name)
        all_found |= looks.found
    looks = Looks(arrive(VIEWER, size=size, near=True).page)
    expect(found(looks.page)).to_contain_text("images")
    looks.look("as a viewer")
    all_found |= looks.found

    assert not all_found, all_found
