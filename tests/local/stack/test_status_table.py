import io
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from doubles.fake_app import document_json, image_json, text_json
from rich.console import Console

from local.addresses import Addresses
from local.app import ImageState, parse_image
from local.stack.status_table import StatusDisplay, StatusTable
from local.stack.tryout import curl_lines
from local.wrapping import width

PROBLEM = {"code": "throttled", "message": "the quota is used up", "action": "wait until noon"}
AHEAD = PROBLEM | {"last": "2026-11-26T11:00:00+00:00", "until": "2126-11-26T12:00:00+00:00"}
LONG = "Dear neighbours, on Saturday the 14th of June the street will be closed from 10 a.m."
LOGS = Path("/state/logs")
SHOWN = [
    image_json("a.jpg"),
    image_json("sign.jpg", text=text_json("sign.jpg")),
    image_json("letter.jpg", text=text_json("letter.jpg", LONG)),
    document_json("minutes.pdf"),
    image_json("b.jpg", "deferred", analysis={"state": "deferred", "problem": AHEAD}),
    image_json("[c].jpg", "pending"),
    image_json(f"a{'n' * 60}.jpg", analysis={**image_json("")["analysis"], "tags": ["tag", "other tag"] * 9}),
]
STATES: dict[str, ImageState] = {image["name"]: parse_image(image) for image in SHOWN}
NAMES = [*STATES, "d.jpg"]


@contextmanager
def displayed(*, columns: int = 80, lines: int = 50, **options: bool) -> Iterator[tuple[StatusDisplay, io.StringIO]]:
    output = io.StringIO()
    console = Console(file=output, width=columns, height=lines, highlight=False, **options)
    with StatusDisplay(console, NAMES, LOGS) as display:
        yield display, output


def drawn(columns: int) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=columns).print(StatusTable(NAMES, STATES))
    return [line.rstrip() for line in output.getvalue().splitlines()]


@pytest.mark.parametrize("columns", [70, 80, 120, 200])
def test_an_image_takes_two_lines_at_most_no_name_is_cut_and_no_line_is_too_long(columns: int) -> None:
    lines = drawn(columns)
    starts = [next(at for at, line in enumerate(lines) if line.split("  ")[0] == name) for name in NAMES]
    assert starts == sorted(starts)
    assert all(later - first <= 2 for first, later in zip(starts, [*starts[1:], len(lines)], strict=True))
    assert max(map(width, lines)) <= columns


def test_at_80_columns_what_was_found_stands_below_the_name_and_ends_with_a_word() -> None:
    lines = drawn(80)
    assert lines[:7] == [
        "a.jpg        complete  thumbnails 2/2  a cup of coffee (0.42); cup, coffee",
        'sign.jpg     complete  thumbnails 2/2  text "RIVER PARK OPEN 8 - 20"',
        "             a cup of coffee (0.42); cup, coffee",
        'letter.jpg   complete  thumbnails 2/2  text "Dear neighbours, on Saturday the…"',
        "             a cup of coffee (0.42); cup, coffee",
        'minutes.pdf  complete  text "Minutes of the summer party"',
        "b.jpg        deferred until 2126-11-26 12:00:00 UTC (throttled)  thumbnails 0/2",
    ]
    assert lines[-1] == "d.jpg        pending"


def test_at_120_columns_an_image_has_one_line_where_it_fits() -> None:
    lines = drawn(120)
    assert 'thumbnails 2/2  a cup of coffee (0.42); cup, coffee  text "RIVER PARK OPEN 8 - 20"' in lines[1]
    assert lines[2].startswith("letter.jpg ")


def test_a_terminal_is_drawn_on_only_when_something_has_changed() -> None:
    with displayed(force_terminal=True) as (display, output):
        display.show(STATES)
        before = len(output.getvalue())
        display.show(dict(STATES))
        assert len(output.getvalue()) == before


def test_while_it_changes_it_is_no_higher_than_the_terminal_and_in_the_end_it_is_all_there() -> None:
    with displayed(lines=6, force_terminal=True) as (display, output):
        display.show(STATES)
        assert output.getvalue().split("\r")[-1].count("\n") < 6
    assert "d.jpg" in output.getvalue().split("\r")[-1]


def test_without_a_terminal_each_image_is_one_line_when_its_state_is_known_and_nothing_comes_twice() -> None:
    with displayed(columns=40) as (display, output):
        for _ in range(3):
            display.show(STATES)
    display.tell_result(2.5)
    lines = output.getvalue().splitlines()
    assert lines[0] == "a.jpg: complete; a cup of coffee (0.42); tags: cup, coffee; thumbnails: 2/2"
    assert lines[1].endswith("; thumbnails: 2/2; text: RIVER PARK OPEN 8 - 20")
    assert lines[2].endswith("; text: Dear neighbours, on Saturday the 14th of June the street…")
    assert lines[3] == "minutes.pdf: complete; text: Minutes of the summer party"
    assert lines[4:] == [
        "b.jpg: analysis is deferred until 2126-11-26 12:00:00 UTC: the quota is used up. wait until noon. (throttled)",
        "b.jpg: thumbnails are deferred, being tried now",
        lines[6],
        "[c].jpg: analysis and thumbnails are pending",
        "d.jpg: the app has not heard of it: /state/logs/events.log and /state/logs/host.log say why",
        "8 images: 5 complete, 1 deferred, 2 pending; 2.5 s",
    ]


def test_a_terminal_has_the_reasons_below_the_table_broken_between_words() -> None:
    with displayed(force_terminal=True, no_color=True) as (display, output):
        display.show(STATES)
    shown = len(output.getvalue())
    display.tell_result(2.5)
    assert output.getvalue()[shown:].splitlines()[:2] == [
        "b.jpg: analysis is deferred until 2126-11-26 12:00:00 UTC: the quota is used up.",
        "  wait until noon. (throttled)",
    ]


def test_the_lines_to_paste_are_shell_commands_for_the_routes_with_the_key_where_one_is_needed() -> None:
    sample, letter = Path("/samples/my coffee.jpg"), Path("/state/my letter.png")
    plain = [shlex.split(command) for _, command in curl_lines(Addresses(7071), sample, letter, key=None)]
    keyed = [shlex.split(command) for _, command in curl_lines(Addresses(7071), sample, letter, key="secret")]
    assert [words[-1] for words in plain] == [
        "http://127.0.0.1:7071/api/describe",
        "http://127.0.0.1:7071/api/analyze",
        "http://127.0.0.1:7071/api/thumbnail/my%20coffee.jpg?width=320&height=200",
        "http://127.0.0.1:7071/api/thumbnail/my%20coffee.jpg?width=320&height=200&mode=vision",
        "http://127.0.0.1:7071/api/ocr?format=txt",
        "http://127.0.0.1:7071/api/images/my%20coffee.jpg",
    ]
    assert "@/samples/my coffee.jpg" in plain[0]
    assert '{"name": "my coffee.jpg"}' in plain[1]
    assert "@/state/my letter.png" in plain[4]
    assert all("x-functions-key: secret" in words for words in keyed)
    assert not any("x-functions-key" in word for words in plain for word in words)
