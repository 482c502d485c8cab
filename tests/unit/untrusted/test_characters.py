import pytest

from shared.untrusted.characters import MAX_CHARACTERS, fault, listed, shown


@pytest.mark.parametrize(
    "text", ["", "a.jpg", "2026/\xe4 b#c.jpg", "\U0001f600", "\ue000", "\xa0\u3000", "\u2028", "x" * 8192]
)
def test_any_text_is_possible(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\ud83d.jpg", "U+D83D, which is half of a surrogate pair, as character 2"),
        ("\udfff", "U+DFFF, which is half"),
        ("a\nb", "U+000A, which is a control character"),
        ("\x9f", "U+009F, which is a control character"),
        ("\uffff", "U+FFFF, which is no character"),
        ("x" * 8193, f"has 8193 characters; at most {MAX_CHARACTERS}"),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_what_is_no_text_is_told_with_its_place(text: str, told: str) -> None:
    assert told in (fault(text) or "")


def test_a_text_may_have_a_shorter_limit() -> None:
    assert fault("abc", 3) is None
    assert fault("abcd", 3) == "has 4 characters; at most 3 are possible"


def test_what_is_shown_is_ascii_and_short() -> None:
    assert shown("a'b") == '"a\'b"'
    assert shown("\ud83d\n\xe4") == r"'\ud83d\n\xe4'"
    assert shown("x" * 41) == f"'{'x' * 40}'..."


def test_names_are_listed_in_order_and_not_all_of_them() -> None:
    assert listed({"b", "a-c", "\xe4"}) == r"a-c, b, '\xe4'"
    assert listed(map(str, range(9))) == "0, 1, 2, 3, 4 and others"


@pytest.mark.parametrize(
    "text",
    [
        "ftp://me:hunter2@example.com/a.jpg",
        "https://example.com/a?sig=hunter2",
        "me:hunter2@example.com:99999",
        "blob:https://me:hunter2@example.com/#hunter2",
        "https://example.com/#hunter2",
    ],
)
def test_an_address_in_any_place_is_shown_without_what_can_be_a_key(text: str) -> None:
    assert "example.com" in shown(text)
    assert "hunter2" not in shown(text)
    assert "hunter2" not in listed([text])
