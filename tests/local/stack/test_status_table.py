import io
import shlex
from pathlib import Path

from doubles.fake_app import document_json, image_json, text_json
from rich.console import Console

from local.addresses import Addresses
from local.app import ImageState, parse_image
from local.stack.status_table import missing_records, status_table, table
from local.stack.tryout import curl_lines

PROBLEM = {"code": "throttled", "message": "the quota is used up", "action": "wait until noon"}
UNTIL = {"last": "2026-11-26T11:00:00+00:00", "until": "2026-11-26T12:00:00+00:00"}
LONG = "Dear neighbours, on Saturday the 14th of June the street will be closed from 10 a.m."
STATES: dict[str, ImageState] = {
    "a.jpg": parse_image(image_json("a.jpg")),
    "sign.jpg": parse_image(image_json("sign.jpg", text=text_json("sign.jpg"))),
    "letter.jpg": parse_image(image_json("letter.jpg", text=text_json("letter.jpg", LONG))),
    "minutes.pdf": parse_image(document_json("minutes.pdf")),
    "b.jpg": parse_image(image_json("b.jpg", "deferred", analysis={"state": "deferred", "problem": PROBLEM})),
    "[c].jpg": parse_image(image_json("[c].jpg", "pending")),
}
NAMES = [*STATES, "d.jpg"]


def test_the_table_has_a_row_for_every_image_heard_of_or_not() -> None:
    output = io.StringIO()
    Console(file=output, width=200).print(table(NAMES, STATES))
    lines = [line for line in output.getvalue().splitlines() if line.startswith("│")]
    rows = {line.split("│")[1].strip(): line for line in lines}
    assert list(rows) == NAMES
    assert [part in rows["a.jpg"] for part in ("a cup of coffee (0.42)", "cup, coffee", "2/2", "complete")] == [
        True
    ] * 4
    assert [part in rows["b.jpg"] for part in ("0/2", "deferred")] == [True] * 2
    assert "waiting" in rows["d.jpg"]
    assert [cell.strip() for cell in rows["minutes.pdf"].split("│")[2:-1]] == [
        "",
        "",
        "",
        "Minutes of the summer party",
        "complete",
    ]
    assert " Dear neighbours, on Saturday the 14th of June the street... " in rows["letter.jpg"]


def test_without_a_terminal_each_image_is_one_line_when_its_state_is_known() -> None:
    output = io.StringIO()
    with status_table(Console(file=output, width=40), NAMES) as show:
        for _ in range(3):
            show(STATES)
    lines = output.getvalue().splitlines()
    assert lines[0] == "a.jpg: complete; a cup of coffee (0.42); tags: cup, coffee; thumbnails: 2/2"
    assert lines[1].endswith("; thumbnails: 2/2; text: RIVER PARK OPEN 8 - 20")
    assert lines[3] == "minutes.pdf: complete; text: Minutes of the summer party"
    assert [line.split(":")[0] for line in lines] == ["a.jpg", "sign.jpg", "letter.jpg", "minutes.pdf", "b.jpg"]


def test_what_is_deferred_says_until_when_and_why_in_the_table_in_its_line_and_below() -> None:
    late = parse_image(image_json("g.jpg", "deferred", analysis={"state": "deferred", "problem": PROBLEM | UNTIL}))
    output = io.StringIO()
    Console(file=output, width=200).print(table(["g.jpg"], {"g.jpg": late}))
    words = "deferred until 2026-11-26 12:00:00 UTC (throttled)"
    assert words in output.getvalue()
    with status_table(Console(file=output, width=40), ["g.jpg"]) as show:
        show({"g.jpg": late})
    assert f"g.jpg: {words}" in output.getvalue()
    below = missing_records(["g.jpg"], {"g.jpg": late})[0]
    assert below.endswith("wait until noon. (throttled) Tried again by itself at 2026-11-26 12:00:00 UTC.")


def test_every_missing_record_is_named_with_its_reason() -> None:
    lines = missing_records(NAMES, STATES)
    assert "b.jpg: analysis is deferred: the quota is used up. wait until noon. (throttled)" in lines
    assert "[c].jpg: thumbnail 200x150 is pending: no record thumbnails/[c].jpg/200x150-smart.jpg yet" in lines
    assert any(line.startswith("d.jpg: the app has not heard of it") for line in lines)
    assert [line.split(":")[0] for line in lines] == ["b.jpg"] * 3 + ["[c].jpg"] * 3 + ["d.jpg"]


def test_a_text_that_is_not_there_is_a_missing_record() -> None:
    unread = {
        "e.jpg": parse_image(image_json("e.jpg", "pending") | {"text": {"state": "pending"}}),
        "f.pdf": parse_image(
            document_json("f.pdf") | {"state": "failed", "text": {"state": "failed", "problem": PROBLEM}}
        ),
    }
    lines = missing_records(list(unread), unread)
    assert "e.jpg: text is pending: no record of it yet" in lines
    assert "f.pdf: text is failed: the quota is used up. wait until noon. (throttled)" in lines


def test_the_lines_to_paste_are_shell_commands_for_the_routes_with_the_key_where_one_is_needed() -> None:
    sample, letter = Path("/samples/my coffee.jpg"), Path("/state/my letter.png")
    plain = [shlex.split(command) for _, command in curl_lines(Addresses(7071), sample, letter, key=None)]
    keyed = [shlex.split(command) for _, command in curl_lines(Addresses(7071), sample, letter, key="secret")]
    assert [words[-1] for words in plain] == [
        "http://127.0.0.1:7071/api/describe",
        "http://127.0.0.1:7071/api/analyze",
        "http://127.0.0.1:7071/api/thumbnail/my%20coffee.jpg?width=320&height=200&smartCropping=true",
        "http://127.0.0.1:7071/api/ocr?format=txt",
        "http://127.0.0.1:7071/api/images/my%20coffee.jpg",
    ]
    assert "@/samples/my coffee.jpg" in plain[0]
    assert '{"name": "my coffee.jpg"}' in plain[1]
    assert "@/state/my letter.png" in plain[3]
    assert all("x-functions-key: secret" in words for words in keyed)
    assert not any("x-functions-key" in word for words in plain for word in words)
