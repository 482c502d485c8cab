"""Who may see the page, in a real browser: people who are signed in, those who have the key, and strangers."""

from doubles.gallery_world import COUNT, GALLERY_KEY, Arrive, World
from doubles.page_views import exactly, found
from doubles.platform_sign_in import EDITOR, VIEWER, WITHOUT_ROLE
from playwright.sync_api import Page, expect

ENTRY = "Sign in to see the images"


def check_nothing_is_shown(page: Page) -> None:
    """Nothing but the way in: no image, no count, no name."""
    expect(page.get_by_role("main").get_by_role("listitem")).to_have_count(0)
    expect(page.get_by_role("main").locator("img[src]")).to_have_count(0)
    expect(page.get_by_role("button", name="Add images")).to_have_count(0)
    assert ".jpg" not in page.content()


def test_a_stranger_signs_in_looks_and_signs_out(arrive: Arrive) -> None:
    # Pictures that are on their way when the person signs out are refused.
    page = arrive(None, "?q=tag%3Adog", expected=("401",)).page
    expect(page.get_by_role("heading", name=ENTRY)).to_be_visible()
    check_nothing_is_shown(page)

    page.get_by_role("link", name="Sign in", exact=True).click()
    page.get_by_role("link", name=VIEWER.name).click()

    # Back where the person was.
    expect(page.get_by_role("combobox", name="Search images")).to_have_value("tag:dog")
    expect(page.get_by_role("banner")).to_contain_text(VIEWER.name)
    expect(page.get_by_role("main").get_by_role("listitem").first).to_be_visible()

    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_role("heading", name=ENTRY)).to_be_visible()
    check_nothing_is_shown(page)


def test_a_person_without_a_role_is_told_whom_to_ask(arrive: Arrive) -> None:
    page = arrive(WITHOUT_ROLE).page

    expect(page.get_by_role("heading", name="You have no role here yet")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(WITHOUT_ROLE.name)
    expect(page.get_by_role("main")).to_contain_text("Ask those who run the app")
    check_nothing_is_shown(page)


def test_the_key_opens_looking_for_the_tab_alone(arrive: Arrive, world: World) -> None:
    page = arrive(None).page
    key = page.get_by_label("key of this page")
    key.fill("another-key-of-many-letters")
    page.get_by_role("button", name="Use the key").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not the key of this page")
    check_nothing_is_shown(page)

    key.fill(GALLERY_KEY)
    page.get_by_role("button", name="Use the key").click()

    expect(found(page)).to_have_text(exactly(COUNT))
    expect(page.get_by_role("main").get_by_role("img").first).to_be_visible()
    expect(page.get_by_role("button", name="Add images")).to_have_count(0)
    assert GALLERY_KEY not in page.url
    assert page.evaluate("JSON.stringify(localStorage) + document.cookie").count(GALLERY_KEY) == 0

    # Another tab of the same profile does not have it; this one has it after a reload.
    other = page.context.new_page()
    other.goto(world.address)
    expect(other.get_by_role("heading", name=ENTRY)).to_be_visible()
    check_nothing_is_shown(other)
    page.reload()
    expect(found(page)).to_have_text(exactly(COUNT))
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_role("heading", name=ENTRY)).to_be_visible()


def test_a_sign_in_that_ends_is_told_in_front_of_what_was_there(arrive: Arrive) -> None:
    page = arrive(EDITOR, expected=("401",)).page
    expect(found(page)).to_have_text(exactly(COUNT))

    page.context.clear_cookies()

    expect(page.get_by_role("alert")).to_contain_text("does not know you any more")
    expect(page.get_by_role("link", name="Sign in again")).to_be_visible()
