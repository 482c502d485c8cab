"""Folds and runs over all records, in processes that are killed at their operations."""

import signal
import uuid
from collections.abc import Iterator

import pytest
from doubles import index_burst, index_worker
from doubles.azurite import Azurite, running_azurite
from doubles.index_lines import Mirror, append, line, merged, shown
from doubles.killed_at import killed_at

from shared.clock import SystemClock
from shared.index import fold
from shared.index.reader import snapshot
from shared.storage.azure import BlobStore

FOLD = """
from shared.clock import SystemClock
from shared.index import fold

fold.MOST_RECENT = 5

def work(connection_string):
    fold.fold(BlobStore(connection_string), SystemClock())
"""
# Pages of three images, as the durable functions have them done one after the other.
RUN = """
from doubles import index_worker
from shared.lifecycle import index_pages, plans

index_pages._IMAGES = 3

def work(connection_string):
    app = index_worker.build(connection_string)
    plan, continuation = plans.indexing(app, "timer"), None
    while True:
        work = {"plan": plan, "phase": "index", "continuation": continuation, "counts": {}}
        continuation = index_pages.page(app, work).continuation
        if continuation is None:
            return
"""


@pytest.fixture
def account() -> Iterator[Azurite]:
    with running_azurite(accounts=(f"kills{uuid.uuid4().hex[:8]}",)) as running:
        yield running


def test_a_fold_that_is_killed_at_any_operation_loses_no_line(
    account: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "MOST_RECENT", 5)
    host = BlobStore(account.connection_string)
    # Older lines would come too late.
    now = SystemClock().utc().timestamp()
    lines, mirror, killed = [], Mirror(host), 0
    with killed_at(account.connection_string, FOLD) as folded:
        for at in range(20):
            new = [line(f"{at}/{number}.jpg", now + at, image={"bytes": number}) for number in range(4)]
            gone = line(f"{at - 1}/0.jpg", now + at, gone=True)
            append(host, f"w{at}", [*new, gone])
            lines += [*new, gone]
            status = folded(at)
            assert mirror.refresh() == shown(snapshot(host)) == shown(merged(lines))
            if status != -signal.SIGKILL:
                assert status == 0
                break
            killed += 1
    assert killed >= 5
    fold.fold(host, SystemClock())
    assert mirror.refresh() == shown(snapshot(host)) == shown(merged(lines))


def test_a_run_over_all_records_that_is_killed_at_its_operations_makes_the_whole_index_in_the_end(
    account: Azurite,
) -> None:
    app = index_worker.build(account.connection_string)
    images = index_burst.put_images(app, 8)
    # As a version without an index has made them.
    index_burst.burst(account.connection_string, "without", images, processes=1)
    assert index_burst.entries(app) == {}
    killed = 0
    with killed_at(account.connection_string, RUN) as run:
        while (status := run(4 * killed)) == -signal.SIGKILL:
            killed += 1
    assert status == 0
    assert killed >= 10
    assert index_burst.entries(app).keys() == set(images)
    assert index_burst.differing(app) == []
    assert all(len(made) >= 2 for made in index_burst.records(app).values())
