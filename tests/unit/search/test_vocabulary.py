import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.search.vocabulary import Vocabulary, differ_by_one, other_numbers


@pytest.fixture
def vocabulary() -> Iterator[Vocabulary]:
    database = sqlite3.connect(":memory:")
    yield Vocabulary(database)
    database.close()


def one_edit_apart(one: str, other: str) -> bool:
    """The definition, without any thought of speed and of digits."""
    edited = {one[:at] + letter + one[at + 1 :] for at in range(len(one)) for letter in other}
    edited |= {one[:at] + letter + one[at:] for at in range(len(one) + 1) for letter in other}
    edited |= {one[:at] + one[at + 1 :] for at in range(len(one))}
    edited |= {one[:at] + one[at + 1] + one[at] + one[at + 2 :] for at in range(len(one) - 1)}
    return other in edited - {one}


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_words_differ_by_one_letter_as_the_definition_says(one: str, other: str) -> None:
    assert differ_by_one(one, other) == one_edit_apart(one, other) == differ_by_one(other, one)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("img0001", "img0002", False),
        ("img0001", "img00012", False),
        ("img0001", "img0010", False),
        ("90412237", "9o412237", True),
        ("lnvoice", "1nvoice", True),
        ("room1a", "rooma1", True),
    ],
)
def test_another_digit_is_another_number(one: str, other: str, near: bool) -> None:
    assert differ_by_one(one, other) is differ_by_one(other, one) is near


@pytest.mark.parametrize(
    ("one", "many"),
    [("dog", "dogs"), ("bus", "buses"), ("box", "boxes"), ("torch", "torches"), ("dish", "dishes"), ("city", "cities")],
)
def test_english_words_have_two_numbers(one: str, many: str) -> None:
    assert many in other_numbers(one)
    assert one in other_numbers(many)


@pytest.mark.parametrize("word", ["is", "as", "2020s", "собака", "東"])
def test_other_words_have_one(word: str) -> None:
    assert other_numbers(word) == []


@given(st.lists(st.text("abcd", min_size=3, max_size=8), max_size=60), st.text("abcd", min_size=3, max_size=8))
def test_all_near_words_are_found_and_no_others(known: list[str], asked: str) -> None:
    database = sqlite3.connect(":memory:")
    vocabulary = Vocabulary(database)
    vocabulary.add([" ".join(known)])
    wanted = {word for word in known if len(word) >= 4 and one_edit_apart(asked, word)} if len(asked) >= 5 else set()
    assert vocabulary.near(asked) == sorted(wanted)
    database.close()


def test_short_words_are_near_to_none(vocabulary: Vocabulary) -> None:
    vocabulary.add(["cats cart carts"])
    assert vocabulary.near("cart") == []
    assert vocabulary.near("carts") == ["cart", "cats"]


def test_a_spelling_tells_its_words(vocabulary: Vocabulary) -> None:
    vocabulary.add_spellings([("tuer", "tur"), ("tuer", "tur")])
    assert vocabulary.spelled("tuer") == ["tur"]
    assert vocabulary.spelled("tur") == []
