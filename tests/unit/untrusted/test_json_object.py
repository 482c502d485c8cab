"""JSON of callers: how deep it may be; tests/functions/test_texts_from_outside.py has the rest, on every route."""

import json
from typing import Any

import pytest
from doubles.fuzz import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequestError
from shared.untrusted import json_object
from shared.untrusted.json_object import MAX_DEPTH


def levels(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(levels, inside), default=0)


def is_refused(body: bytes) -> bool:
    try:
        json_object.parsed(body, "expected an object")
    except BadRequestError as error:
        return "nested more than 16 levels deep; expected an object" in str(error)
    return False


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[1,{"b":2,"a":', b"},3]")])
def test_an_object_has_at_most_16_levels(opening: bytes, closing: bytes) -> None:
    levels_each = 2 if opening.startswith(b"[1") else 1
    for more in (0, 1):
        count = (MAX_DEPTH - 1 + more * levels_each) // levels_each
        body = b'{"x":' + opening * count + b"0" + closing * count + b"}"
        assert is_refused(body) is (levels(json.loads(body)) > MAX_DEPTH) is bool(more)


@pytest.mark.parametrize("count", [17, 300, 900, 5000, 30_000, 60_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_far_too_deep_is_refused_and_costs_no_recursion(opening: bytes, count: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    count = min(count, 60_000 // len(opening + closing))
    assert is_refused(b'{"x":' + opening * count + b"0" + closing * count + b"}")


VALUES = st.recursive(st.integers(0, 9) | st.text(max_size=3), lambda each: st.lists(each, max_size=2), max_leaves=5)


@fuzzed
@given(VALUES, st.integers(0, 20))
def test_a_body_is_refused_for_its_depth_where_it_has_more_than_16_levels(value: Any, wraps: int) -> None:
    for place in range(wraps):
        value = [value] if place % 2 else {"a": value}
    body = {"x": value}
    assert is_refused(json.dumps(body).encode()) is (levels(body) > MAX_DEPTH)
