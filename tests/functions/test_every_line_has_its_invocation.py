"""
Azure keeps every line that the app logs, whatever thread it comes from.

The worker's and the host's rules are those of `doubles.worker_logs`; the paths are every function on disk in every
weather of `doubles.worker_world`. So that it is no accident that a thread logs nothing on them, no function of the app
may even begin in a thread that works for no invocation.
"""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from doubles.handovers import HAND_OVERS, Site, Watch, public_functions, sites, sources, threads_of_their_own
from doubles.wire import Wire, running_wire
from doubles.worker_logs import Outcome, Worker, functions
from doubles.worker_world import GOOD, Run, all_runs, run, ways

# The SDK recommends types that functions of the v1 model cannot give.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called without expected_type")
# What `shared.threads` has beside its hand-overs.
OTHERS = {"invocation_id", "leave_with", "tell"}


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with running_wire() as wire:
        yield wire


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker().running() as worker:
        yield worker


@pytest.fixture(scope="module")
def watch(worker: Worker) -> Iterator[Watch]:
    with Watch(worker).installed() as watch:
        yield watch


@pytest.fixture(scope="module")
def runs(worker: Worker, watch: Watch, wire: Wire) -> list[Run]:
    return list(all_runs(worker, watch, wire))


def test_every_function_on_disk_has_a_path() -> None:
    assert functions()
    assert [name for name, function in functions().items() if not ways(function)] == []


def test_every_function_but_the_orchestrators_is_told_its_invocation() -> None:
    assert {name for name, each in functions().items() if not each.wants_context} == {
        name for name, each in functions().items() if each.is_orchestrator
    }


def test_where_all_is_well_every_function_does_its_work(runs: list[Run]) -> None:
    """So that the paths do not all end where they begin."""
    good = [each for each in runs if each.weather is GOOD]
    assert {each.way.function for each in good} == set(functions())
    assert {str(each): each.outcome for each in good if not _is_well(each.outcome)} == {}


def _is_well(outcome: Outcome) -> bool:
    return outcome.error is None and getattr(outcome.value, "status_code", 200) < 500


def test_no_line_is_lost(runs: list[Run]) -> None:
    assert {str(each): each.lost for each in runs if each.lost} == {}


def test_every_event_becomes_a_line(runs: list[Run]) -> None:
    """That of a thread which outlives its invocation too: the next invocation writes it."""
    assert {str(each): each.missing for each in runs if each.missing} == {}


def test_every_function_logs_on_some_path(runs: list[Run]) -> None:
    """Otherwise it would say nothing that none of its lines is lost."""
    logged: dict[str, int] = defaultdict(int)
    for each in runs:
        logged[each.way.function] += len(each.lines)
    silent = {name for name, count in logged.items() if not count}
    # What Housekeeping begins tells its own beginning.
    assert silent == {name for name, each in functions().items() if each.is_orchestrator} | {"Housekeeping"}


def test_the_paths_have_the_lines_of_threads_that_are_rarely_begun(runs: list[Run]) -> None:
    assert {"claim.lost", "claim.not_stored", "gate.held_off"} <= {each for run in runs for each in run.asked}


def test_whatever_begins_in_a_thread_works_for_the_invocation_that_has_begun_it(runs: list[Run]) -> None:
    assert {stray for each in runs for stray in each.strays} == set()


def test_what_hands_work_to_threads_is_known() -> None:
    assert public_functions() == {*HAND_OVERS, *OTHERS}
    assert len(set(sites())) == len(sites()), "two on one line cannot be told apart"


@pytest.mark.parametrize("site", sites(), ids=str)
def test_without_any_one_hand_over_it_would_be_noticed(
    site: Site, runs: list[Run], worker: Worker, watch: Watch, wire: Wire
) -> None:
    reaching = [each for each in runs if site in each.reached]
    assert reaching, "no path comes by it: add one to doubles.worker_world"
    # An invocation is noticed by what it hands over.
    shortest = min(reaching, key=lambda each: (not _hands_over(each), len(each.operations)))
    watch.off = site
    try:
        found = run(worker, watch, wire, shortest.way, shortest.weather)
    finally:
        watch.off = None
    assert found.strays or found.lost


def _hands_over(run: Run) -> bool:
    return any(site.function != "invocation" for site in run.reached)


def test_nothing_begins_a_thread_but_by_the_one_module() -> None:
    assert threads_of_their_own(sources()) == []
