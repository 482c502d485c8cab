"""`python -m bench.hang` in small: Azurite is stopped in the middle of uploads and callers, and goes on."""

import pytest

from bench import hang

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_while_storage_hangs_callers_are_answered_in_time_and_afterwards_nothing_is_lost_or_paid_twice() -> None:
    # A caller who waited for storage would be answered after up to 20 s.
    plan = hang.Plan(uploads=30, seconds=20, max_wait=5, slack=6)
    result = hang.run(plan)
    print(hang.report(plan, result))
    assert result.problems(plan) == []
    # It did hang, and who needs no storage was answered meanwhile.
    assert any(each.status == 503 for each in result.during)
    assert {"health", "refused"} <= {each.what for each in result.during}
