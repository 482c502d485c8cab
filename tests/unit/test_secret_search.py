"""The search that proves a secret to be nowhere finds it in every form in which it may be somewhere."""

import base64
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from doubles.secret_search import SecretSearch

WORD = "S1gnatur3QxJvWkZp"
TEXT = f"https://host/a.jpg?sig={WORD}%2F&x"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "abcd"])
@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.upper().encode(),
        lambda text: json.dumps(json.dumps({"url": text})).encode(),
        lambda text: quote(text, safe="").encode(),
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
        lambda text: base64.b64encode(text.encode()),
        lambda text: base64.urlsafe_b64encode(text.encode()),
    ],
)
def test_a_word_is_found_however_it_is_written(before: str, written: Callable[[str], bytes]) -> None:
    search = SecretSearch((WORD,))
    search.look("text", "it", b"\xff\x00" + written(before + TEXT) + b"\xfe")
    assert search.found
    assert search.looked == {"text": search.looked["text"]}
    assert "text: 1" in search.report()


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    search = SecretSearch((WORD,))
    (tmp_path / "a").write_bytes(WORD[:-2].encode() * 100)
    search.look_below("file", tmp_path)
    assert (search.found, search.looked["file"]) == ([], ["a (1502 bytes)"])


def test_a_word_is_found_in_the_log_of_a_database(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "a.sqlite")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE t (x)")
    database.execute("INSERT INTO t VALUES (?)", [TEXT])
    database.commit()
    database.execute("DELETE FROM t")
    database.commit()
    search = SecretSearch((WORD,))
    search.look_below("file", tmp_path)
    database.close()
    assert [each for each in search.found if "a.sqlite-wal" in each]
