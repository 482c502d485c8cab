import pytest

from local.wrapping import Verbatim, complain, shortened, width, wrapped


def test_a_line_breaks_between_words_and_goes_on_below_its_own_beginning() -> None:
    assert wrapped("  a.jpg: analysis is failed: too small", 24).splitlines() == [
        "  a.jpg: analysis is",
        "    failed: too small",
    ]


@pytest.mark.parametrize("word", ["/a/path/" + "x" * 40, "http://127.0.0.1:7071/" + "x" * 40])
def test_a_long_word_stays_whole(word: str) -> None:
    assert word in wrapped(f"see {word} for more", 20).splitlines()[1]


def test_what_is_copied_is_not_broken_and_nor_is_anything_for_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "  to remove it  python -m local remove a.jpg"
    assert wrapped(Verbatim(line), 20) == line
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    assert wrapped(line) == line


@pytest.mark.parametrize(
    ("text", "columns", "told"),
    [
        ("as it is", 8, "as it is"),
        ("two words", 8, "two…"),
        ("one, two, three", 9, "one, two…"),
        ("unbreakable", 6, "unbre…"),
        ("写真のファイル", 7, "写真の…"),
    ],
)
def test_a_text_is_cut_short_at_a_word_if_there_is_one(text: str, columns: int, told: str) -> None:
    assert shortened(text, columns) == told
    assert width(shortened(text, columns)) <= columns


def test_what_a_terminal_would_obey_is_shown_in_a_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    complain("start", "asked: \x1b[2J\0.\nWait")
    assert capsys.readouterr().err == "start: asked: \\x1b[2J\\x00.\nWait\n"
