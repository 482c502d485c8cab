from collections import Counter

import pytest

from bench import changes
from bench.changes import Change, Plan, Result

PLAN = Plan(names=40, seconds=60, kills=8, seed=1)
ANALYZED = ("5" * 64, "analyze")
WELL = Result(
    seconds=90.0,
    changes=Counter(upload=1),
    images=1,
    found={},
    before={},
    paid=Counter({ANALYZED: 1}),
    in_flight=Counter(),
    unpaid=Counter(),
    reconciliation={},
)


def replay(done: list[Change]) -> dict[str, int]:
    """Which picture is where in the end; each change must be possible when it comes."""
    there: dict[str, int] = {}
    for change in done:
        if change.kind in ("upload", "copy"):
            assert change.name not in there
        else:
            assert change.name in there
        if change.source is not None:
            assert there[change.source] == change.picture
        if change.picture is None:
            del there[change.name]
        else:
            there[change.name] = change.picture
    return there


@pytest.mark.parametrize("seed", range(20))
def test_every_change_is_possible_when_it_comes(seed: int) -> None:
    done = changes.changes(PLAN._replace(seed=seed))
    assert replay(done) == changes.left_after(done)
    assert [change.at for change in done] == sorted(change.at for change in done)


def test_the_same_plan_has_the_same_changes_of_every_kind() -> None:
    done = changes.changes(PLAN)
    assert done == changes.changes(PLAN)
    assert done != changes.changes(PLAN._replace(seed=2))
    counted = Counter(change.kind for change in done)
    assert min(counted[kind] for kind in ("upload", "overwrite", "copy", "delete")) > 20
    assert {change.name for change in done} == set(changes.names(40))


def test_images_are_renamed_with_both_orders_of_their_events() -> None:
    done = changes.changes(PLAN)
    gone = {(change.at, change.name) for change in done if change.kind == "delete"}
    copied_first = [change for change in done if (change.at, change.source) in gone]
    deleted = {at for at, _ in gone}
    deleted_first = [
        change for change in done if change.kind == "upload" and change.at - changes.MOVE_SECONDS in deleted
    ]
    assert len(copied_first) > 10
    assert len(deleted_first) > 10


def test_in_the_end_some_images_have_the_same_bytes_and_some_names_lie_below_others() -> None:
    left = changes.left_after(changes.changes(PLAN))
    assert len(set(left.values())) < len(left)
    assert any(name.startswith(f"{other}/") for name in left for other in changes.names(40))


def test_what_is_off_is_told_and_what_was_in_flight_at_a_kill_may_be_paid_again() -> None:
    assert WELL.problems() == []
    twice = WELL._replace(paid=Counter({ANALYZED: 2}))
    assert twice.problems() == ["paid twice: 1: analyze 55555555"]
    assert twice._replace(in_flight=Counter({ANALYZED: 1})).problems() == []
    assert WELL._replace(unpaid=Counter({ANALYZED: 1})).problems() == ["not paid: 1: analyze 55555555"]
    assert WELL._replace(found={"records missing": ["analysis/a"]}).problems() == ["records missing: 1: analysis/a"]
    # What the reconciliation has mended is only told.
    assert WELL._replace(before={"records missing": ["analysis/a"]}).problems() == []
    assert "| off before the reconciliation | records missing: 1: analysis/a |" in changes.report(
        PLAN, WELL._replace(before={"records missing": ["analysis/a"]})
    )
