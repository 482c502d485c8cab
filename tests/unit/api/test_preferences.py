import time

import pytest
from doubles.fuzz import fuzzed
from doubles.http_requests import request
from hypothesis import given
from hypothesis import strategies as st

from shared.api import preferences


def prefers(header: str) -> bool:
    return preferences.responds_async(request(headers={"Prefer": header}))


@pytest.mark.parametrize(
    "header",
    [
        "respond-async",
        "Respond-Async",
        " respond-async ",
        "respond-async, wait=10",
        "wait=10, respond-async",
        "wait = 10 ,respond-async;x",
        'return=minimal; foo="a, b", respond-async',
        'respond-async=""',
        'respond-async; wait=5; x="y"',
        "respond-async;",
        ",, respond-async",
        "handling=lenient,respond-async,handling=strict",
        "@broken, respond-async",
        'a="\\"", respond-async',
        "respond-async, @broken",
    ],
)
def test_the_preference_is_found_among_others(header: str) -> None:
    assert prefers(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "wait=10",
        "respond-asynchronously",
        "x-respond-async",
        'foo="respond-async"',
        'foo="a, respond-async"',
        'foo="a, \\", respond-async',
        "foo; respond-async",
        "foo=respond-async",
        "respond-async=false",
        "respond-async foo",
        "respond async",
    ],
)
def test_what_only_looks_like_it_is_another_preference(header: str) -> None:
    assert not prefers(header)


def test_without_the_header_nothing_is_preferred() -> None:
    assert not preferences.responds_async(request())


@pytest.mark.parametrize(
    "header",
    ["a" + "; " * 4000 + "@", "a;" * 4000 + "@", 'a="' * 2700, "@," * 4000, "a=" + '"\\' * 4000, "a ;b =" * 1300],
)
def test_any_header_is_read_in_a_moment(header: str) -> None:
    begun = time.process_time()
    prefers(header)
    assert time.process_time() - begun < 1


@fuzzed
@given(st.text(st.sampled_from(' \t,;="\\@ax') | st.characters(codec="latin-1"), max_size=40))
def test_no_header_is_too_odd(text: str) -> None:
    assert isinstance(prefers(text), bool)
    # A whole preference before it counts whatever follows.
    assert prefers(f"respond-async,{text}")
