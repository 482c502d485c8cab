"""`python -m bench.callers` in small: callers of every route at once, and no answer that is not documented."""

import pytest

from bench import callers

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_many_callers_are_answered_as_documented_and_leave_nothing_open() -> None:
    plan = callers.Plan(callers=30, seconds=5, images=5, rate=20, seed=1)
    result = callers.run(plan)
    print(callers.report(plan, result))
    assert callers.problems(result) == []
    assert all(goal.held for goal in result.goals())
    # There were many, on connections of their own.
    assert result.most.descriptors >= result.before.descriptors + plan.callers
