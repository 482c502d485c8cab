"""JSON from outside is read, or refused with one kind of error that says why."""

import json
from pathlib import Path

import pytest
from doubles.fuzz import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from local.json_text import MAX_DEPTH, NotJsonError, read_json

LOCAL = Path(__file__).resolve().parents[3] / "local"
# They read what the local stack itself has written, what is in the project, or what a hash pins.
OWN_TEXTS = {
    "json_text.py",
    "models/graph_model.py",
    "models/recipes.py",
    "app.py",
    "doctor.py",
    "app_settings.py",
    "unfinished/api.py",
    "events/webhook.py",
    "events/outbox.py",
    "stack/state_lock.py",
    "host/blobs/queue.py",
    "host/http/keys.py",
    "host/timers/listener.py",
    "host/durable/orchestrator.py",
    "host/durable/store.py",
}
PIECES = st.sampled_from(
    ['"', "\\ud800", "\\udc00", "[", "]", '{"a":', "}", "1e999", "9" * 5000, ",", "NaN", "\\u0000"]
)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (b'{"a": [1, "\\ud83d\\ude00"]}', {"a": [1, "😀"]}),
        ('"\\\\ud800"', "\\ud800"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        ('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH, None),
        ('"ü"'.encode("utf-16"), "ü"),
    ],
)
def test_json_is_read(text: bytes | str, content: object) -> None:
    read = read_json(text)
    assert content is None or read == content


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "Expecting value"),
        (b"\xff\xd8\xff\xe0", "codec can't decode"),
        (b'"\xed\xa0\x80"', "codec can't decode"),
        ('"\\ud800"', r"half a character, \\ud800"),
        ('{"\\uDC00": 1}', r"half a character, \\udc00"),
        ('[["a\\ude00\\ud83d"]]', r"half a character, \\ude00"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "more than 64 deep"),
        ('{"a":[' * 33 + "]}" * 33, "more than 64 deep"),
        (b"[" * 100_000, "more than 64 deep"),
        ("9" * 5000, "4300 digits"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(text: bytes | str, reason: str) -> None:
    with pytest.raises(NotJsonError, match=reason):
        read_json(text)


@fuzzed
@given(st.binary() | st.text() | st.lists(PIECES, max_size=90).map("".join))
def test_any_text_is_read_or_refused_and_what_is_read_can_be_written(text: bytes | str) -> None:
    try:
        content = read_json(text)
    except NotJsonError:
        return
    json.dumps(content, ensure_ascii=False).encode()


def test_nothing_else_of_host_and_watcher_reads_json_from_outside() -> None:
    files = [path for path in LOCAL.rglob("*.py") if "vision" not in path.parts and "node_modules" not in path.parts]
    readers = {path.relative_to(LOCAL).as_posix() for path in files if "json.loads(" in path.read_text()}
    assert readers - OWN_TEXTS == set()
