"""What holds for every route template and every path; test_route_template.py has the examples."""

import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from local.host.errors import FunctionLoadError
from local.host.http.route_template import RouteTemplate

# Texts made of what a template's reader looks for, and any other.
PIECES = ["{", "}", "{{", "}}", "/", "//", "*", "**", "?", "=", ".", "~/", "a", "B", "{a}", "{b?}", "{c=1}", "{*rest}"]
PIECES += [":int", ":", ":min(", ":range(1,", ":length(", ":regex(", "(", ")", "[", "]", "^", "+", "x{{1,", "9" * 30]
PIECES += [
    "²",
    "-",
    "}}}",
    "{d:regex(a{{99999999999}})}",
    "{e:min(" + "9" * 5000 + ")}",
    "{f:regex(" + "(" * 5000 + ")}",
]
TEXTS = st.text(max_size=30) | st.lists(st.sampled_from(PIECES), max_size=8).map("".join)

LITERALS = st.text(st.characters(codec="utf-8", exclude_characters="/~"), min_size=1, max_size=12)
PLAIN = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=8)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=12)
# A segment: literal text, a parameter, or a parameter after literal text; with its parameter's value.
SEGMENTS = st.lists(
    st.tuples(LITERALS, st.none()) | st.tuples(st.just(""), VALUES) | st.tuples(LITERALS, VALUES),
    min_size=1,
    max_size=5,
)
CONSTRAINTS = ["int", "long", "decimal", "float", "double", "bool", "datetime", "guid", "alpha", "required"]
CONSTRAINTS += [
    "length(3)",
    "length(1,9)",
    "minlength(2)",
    "maxlength(5)",
    "min(1)",
    "max(9)",
    "range(1,9)",
    "regex(^a+$)",
]
ODD_VALUES = st.sampled_from(
    ["9" * 5000, "-" + "9" * 5000, "1e999999999999999999999", "nan", " 7 ", "٣", "²", "0001-01-01"]
)


def escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")


@settings(max_examples=250)
@given(TEXTS, st.text(max_size=20))
@pytest.mark.filterwarnings("ignore:Possible")  # Python warns of odd regular expressions
def test_any_text_is_a_template_or_refused_and_any_path_matches_it_or_not(text: str, path: str) -> None:
    try:
        template = RouteTemplate.parse(text)
    except FunctionLoadError:
        return
    for tried in (path, f"/{path}", text, f"/{text}"):
        values = template.match(tried)
        assert values is None or all(isinstance(value, str) for value in values.values())


@given(SEGMENTS)
def test_values_come_back_out_of_the_path_they_were_put_in(segments: list[tuple[str, str | None]]) -> None:
    route = "/".join(
        escaped(literal) + (f"{{p{number}}}" if value is not None else "")
        for number, (literal, value) in enumerate(segments)
    )
    path = "/" + "/".join(literal + (value or "") for literal, value in segments)
    values = {f"p{number}": value for number, (_, value) in enumerate(segments) if value is not None}

    assert RouteTemplate.parse(route).match(path) == values
    assert RouteTemplate.parse(f"/{route}/").match(f"{path}/") == values
    assert RouteTemplate.parse(route).match(f"{path}/more") is None


@given(st.lists(PLAIN, min_size=1, max_size=4), st.lists(PLAIN, min_size=1, max_size=4))
def test_literal_routes_match_their_own_path_in_any_case_and_no_other(one: list[str], other: list[str]) -> None:
    template = RouteTemplate.parse("/".join(one))

    assert template.match("/" + "/".join(one).swapcase()) == {}
    is_same = [part.lower() for part in one] == [part.lower() for part in other]
    assert (template.match("/" + "/".join(other)) is not None) == is_same


@given(PLAIN, st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_a_catch_all_takes_the_rest_as_it_is(literal: str, rest: str) -> None:
    assume(not rest.startswith("/"))

    assert RouteTemplate.parse(f"{literal}/{{*rest}}").match(f"/{literal}/{rest}") == {"rest": rest}


@given(st.integers(-(2**70), 2**70), st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40))
def test_whole_numbers_are_held_to_their_constraints(number: int, low: int, high: int) -> None:
    expected = {
        "int": -(2**31) <= number < 2**31,
        "long": -(2**63) <= number < 2**63,
        f"min({low})": number >= low,
        f"max({high})": number <= high,
        f"range({low},{high})": low <= number <= high,
    }

    for constraint, is_taken in expected.items():
        values = RouteTemplate.parse(f"{{n:{constraint}}}").match(f"/{number}")
        assert values == ({"n": str(number)} if is_taken else None), constraint


@settings(max_examples=150)
@given(st.sampled_from(CONSTRAINTS), VALUES | ODD_VALUES)
def test_a_constraint_takes_any_value_or_not(constraint: str, value: str) -> None:
    assert RouteTemplate.parse(f"{{x:{constraint}}}").match(f"/{value}") in (None, {"x": value})
