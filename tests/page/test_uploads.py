"""Files that an editor adds: names that are taken, folders, files that are none of the app's, and second thoughts."""

from pathlib import Path

import pytest
from doubles.dropped_files import drop
from doubles.gallery_world import Arrive, paper
from doubles.page_views import card, search
from doubles.platform_sign_in import EDITOR
from playwright.sync_api import Locator, Page, Request, Route, expect

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def written(folder: Path, name: str, words: str) -> Path:
    """A picture of these words."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(paper(words))
    return path


def come(arrive: Arrive, *, expected: tuple[str, ...] = ()) -> Page:
    """The page of an editor, which takes files from now on."""
    page = arrive(EDITOR, near=True, expected=expected).page
    expect(page.get_by_role("button", name="Add images")).to_be_visible()
    return page


def tray(page: Page) -> Locator:
    return page.get_by_role("region", name="Uploads")


def row(page: Page, name: str) -> Locator:
    return tray(page).get_by_role("listitem").filter(has=page.get_by_text(name, exact=True))


def test_a_name_that_is_taken_is_asked_about(arrive: Arrive, tmp_path: Path) -> None:
    # The browser tells of each refused request; the page asks the person.
    page = come(arrive, expected=("412",))
    file = written(tmp_path, "taken.png", "FIRST")
    drop(page, [file])
    expect(row(page, "taken.png")).to_contain_text("complete")
    tray(page).get_by_role("button", name="Clear", exact=True).click()
    expect(tray(page)).to_be_hidden()

    written(tmp_path, "taken.png", "SECOND")
    drop(page, [file])
    expect(row(page, "taken.png")).to_contain_text("There is an image of this name.")
    page.get_by_role("button", name="Skip: taken.png").click()
    expect(row(page, "taken.png")).to_contain_text("cancelled")

    drop(page, [file])
    page.get_by_role("button", name="Keep both: taken.png").click()
    expect(row(page, "taken-2.png")).to_contain_text("complete")
    search(page, "second")
    expect(card(page, "taken-2.png")).to_be_visible()

    drop(page, [file])
    page.get_by_role("button", name="Replace it: taken.png").click()
    expect(row(page, "taken.png").last).to_contain_text("complete")
    expect(card(page, "taken.png")).to_be_visible()


def test_a_folder_keeps_its_paths_and_leaves_out_what_systems_add(arrive: Arrive, tmp_path: Path) -> None:
    page = come(arrive)
    written(tmp_path, "trip/day 1/harbour.png", "HARBOUR")
    (tmp_path / "trip" / ".hidden.png").write_bytes(b"none")
    (tmp_path / "trip" / "Thumbs.db").write_bytes(b"none")
    (tmp_path / "trip" / "notes.txt").write_text("not for the app")
    (tmp_path / "trip" / "empty.png").write_bytes(b"")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add images").click()
    chooser.value.set_files(written(tmp_path, "single.png", "SINGLE"))
    with page.expect_file_chooser() as chooser:
        tray(page).get_by_role("button", name="Add a folder").click()
    chooser.value.set_files(tmp_path / "trip")
    expect(row(page, "trip/day 1/harbour.png")).to_contain_text("complete")
    expect(row(page, "trip/notes.txt")).to_contain_text("This is no picture and no PDF.")
    expect(row(page, "trip/empty.png")).to_contain_text("The file is empty.")
    expect(row(page, "single.png")).to_contain_text("complete")
    expect(tray(page).get_by_role("listitem")).to_have_count(4)


def test_uploads_under_way_can_be_cancelled_and_at_most_three_are(arrive: Arrive, tmp_path: Path) -> None:
    page = come(arrive)
    sent: set[str] = set()

    def hold(route: Route) -> None:
        if route.request.method != "PUT":
            route.continue_()

    def note(request: Request) -> None:
        if request.method == "PUT":
            sent.add(request.url)

    page.route("**/data/images?*", hold)
    page.on("request", note)
    drop(page, [written(tmp_path, f"held-{number}.png", f"HELD {number}") for number in range(5)])
    expect(tray(page).get_by_text("% of")).to_have_count(3)
    expect(tray(page).get_by_text("waits")).to_have_count(2)
    page.get_by_role("button", name="Cancel: held-0.png").click()
    expect(row(page, "held-0.png")).to_contain_text("cancelled")
    # Its place goes to the next.
    expect(tray(page).get_by_text("waits")).to_have_count(1)
    tray(page).get_by_role("button", name="Cancel all").click()
    expect(tray(page).get_by_text("cancelled", exact=True)).to_have_count(5)
    tray(page).get_by_role("button", name="Clear", exact=True).click()
    expect(tray(page)).to_be_hidden()
    # The last one has never begun.
    assert not any("held-4" in address for address in sent)
