"""The look at a header in small: what it allocates, which does not depend on the machine. Times are `make bench`'s."""

import pytest

from bench import look


@pytest.mark.parametrize("header", look.HEADERS)
def test_a_header_without_an_end_takes_next_to_no_memory(header: str) -> None:
    _, megabytes = look.measure(look.body(*look.HEADERS[header], 4 * 1024 * 1024))
    assert megabytes <= look.MAX_MEGABYTES


def test_every_kind_of_header_is_in_the_table() -> None:
    found = look.section(megabytes=[1])
    assert all(f"| {header} | 1 |" in found.text for header in look.HEADERS)
    assert [goal.what for goal in found.goals] == ["look at any header, time", "look at any header, memory"]
