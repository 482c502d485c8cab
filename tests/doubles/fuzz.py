"""
How many examples a property test of texts and bytes from outside tries.

`make test` tries 150 for each property, `make fuzz` 2,000; both the same ones at every run, because the examples follow
from the test alone. `FUZZ_EXAMPLES` in the environment is another number.
"""

import os
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))


def fuzzed(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a property test (over `hypothesis.given`) as one of those that `make fuzz` runs, with its examples."""
    return pytest.mark.fuzz(
        hypothesis.settings(
            max_examples=EXAMPLES,
            suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
        )(test)
    )
