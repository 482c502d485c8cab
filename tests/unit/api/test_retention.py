"""What the app's own account keeps of what is overwritten, as its answers show it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import responses
from doubles.azure_account import AzureAccount
from doubles.clock import FakeClock
from doubles.parts import ENVIRONMENT

from shared import __version__, names, services
from shared.api import retention
from shared.api.health import Look
from shared.settings import Settings

PICTURES = AzureAccount("http://127.0.0.1:9/pictures")
BOOKS = "http://127.0.0.1:9/books"
SETTINGS = {
    "ImagesStorage": f"AccountName=pictures;AccountKey=c2VjcmV0;BlobEndpoint={PICTURES.address}",
    "AzureWebJobsStorage": f"AccountName=books;AccountKey=c2VjcmV0;BlobEndpoint={BOOKS}",
}


@pytest.fixture
def books(clock: FakeClock) -> Iterator[AzureAccount]:
    """The app's own account; the app is the real one up to the wire."""
    books = AzureAccount(BOOKS)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get("https://vision.invalid/vision/v3.2/models", json={"models": []})
        for account in (books, PICTURES):
            account.answer_in(mock)
        with services.replaced(services.build(Settings.from_env({**ENVIRONMENT, **SETTINGS}), clock=clock)):
            yield books


def looks(books: AzureAccount) -> int:
    """How often the app has looked at what is kept."""
    return len([method for method, container, _ in books.asked if (method, container) == ("list", names.HEALTH)])


@pytest.mark.parametrize(
    ("features", "listed"),
    [
        ({"versioning"}, "versioning"),
        ({"soft_delete"}, "soft delete"),
        ({"change_feed"}, "the change feed"),
        ({"soft_delete", "change_feed"}, "soft delete and the change feed"),
        ({"versioning", "soft_delete", "change_feed"}, "versioning and the change feed"),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else None,
)
def test_what_is_on_is_told_and_keeps_nothing_from_being_up(
    features: set[str], listed: str, books: AzureAccount, clock: FakeClock
) -> None:
    books.versioning, books.soft_delete = "versioning" in features, "soft_delete" in features
    if "change_feed" in features:
        books.follow_changes(until=clock.utc() - timedelta(hours=2))
    report = Look()()
    assert report.up
    (warning,) = report.detailed()["warnings"]
    assert warning == {
        "part": "host",
        "code": "storage_keeps_versions",
        "message": f"The storage account books (AzureWebJobsStorage) has {listed} on: what the app overwrites there,"
        " its books every second, is kept and billed.",
        "action": retention.ACTION,
    }
    assert report.short() == {"status": "up", "version": __version__}


def test_an_account_that_keeps_nothing_is_not_warned_of_and_has_nothing_left(books: AzureAccount) -> None:
    report = Look()()
    assert (report.up, report.warnings) == (True, ())
    assert [name for container, name in books.blobs if container == names.HEALTH] == [names.HEALTH_BLOB]


def test_a_change_feed_that_was_turned_off_is_not_warned_of_though_its_container_stays(
    books: AzureAccount, clock: FakeClock
) -> None:
    books.follow_changes(until=clock.utc() - timedelta(days=1))
    assert Look()().warnings == ()


def test_it_is_looked_at_once_an_hour_and_told_in_between(books: AzureAccount, clock: FakeClock) -> None:
    look = Look()
    books.soft_delete = True
    assert [len(look().warnings) for _ in range(3)] == [1, 1, 1]
    assert looks(books) == 1
    books.soft_delete = False
    clock.advance(3599)
    assert len(look().warnings) == 1
    clock.advance(1)
    # What was deleted before is listed until it expires; it is of another name.
    assert look().warnings == ()
    assert looks(books) == 2


@pytest.mark.parametrize("refused", ["list", "DELETE", "PUT"])
def test_what_cannot_be_found_out_is_no_warning_and_not_tried_again_before_an_hour(
    refused: str, books: AzureAccount, clock: FakeClock
) -> None:
    books.soft_delete, books.refused = True, frozenset([refused])
    look = Look()
    for _ in range(2):
        report = look()
        assert report.warnings == ()
        # Only a write that fails keeps the app from working.
        assert report.up == (refused != "PUT")
    tried = [name for method, _, name in books.asked if method == "PUT" and name.startswith("retention/")]
    assert len(tried) == 1
    books.refused = frozenset()
    clock.advance(3600)
    assert len(look().warnings) == 1
