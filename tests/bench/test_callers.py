"""How the answers to many callers are judged, and how what a process holds is counted."""

import http.server
import os
import random
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import callers, process_figures
from bench.caller_requests import NAMES, Ask, any_request, new_picture
from bench.callers import Answered, Plan, Result
from bench.pictures import pictures
from bench.process_figures import Held

PLAN = Plan(callers=2, seconds=30, images=1, rate=10, seed=1)
LIST, READ = Ask("list", "GET", "/api/images"), Ask("read", "POST", "/api/ocr", b"a", statuses=(200, 202))
PROBLEM = {"content-type": "application/problem+json"}
WELL = Result(
    answers=[Answered("list", 200, 0.25), Answered("list", 503, 0.75), Answered("read", 202, 1.0)],
    seconds=3.0,
    before=Held(90 * 2**20, 40),
    most=Held(110 * 2**20, 280),
    after=Held(100 * 2**20, 104),
)


def test_a_run_in_which_every_answer_was_documented_holds_its_goals() -> None:
    assert all(goal.held for goal in WELL.goals())
    assert callers.problems(WELL) == []
    lines = callers.report(PLAN, WELL).splitlines()
    assert "2 callers, 3 s, Computer Vision takes 10 calls a second: 1 answers a second" in lines
    assert "| list | 2 | 1 x 200, 1 x 503 | 0.75 | 0.75 | 0.75 | 0.75 |" in lines
    assert "| at most | 110 | 280 |" in lines


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": [Answered("list", 500, 0.1, "500 internal_error")]},
        {"answers": []},
        {"after": Held(0, 105)},
    ],
)
def test_a_goal_is_missed_where_an_answer_is_not_documented_or_descriptors_are_left(changes: dict[str, object]) -> None:
    changed = WELL._replace(**changes)  # type: ignore[arg-type]
    assert [goal.held for goal in changed.goals()].count(False) == 1


def test_each_kind_of_wrong_answer_is_counted() -> None:
    wrong = Answered("list", 500, 0.1, "500 internal_error")
    assert callers.problems(WELL._replace(answers=[wrong, *WELL.answers, wrong])) == ["2 x list: 500 internal_error"]


@pytest.mark.parametrize(
    ("ask", "status", "headers", "body", "told"),
    [
        (LIST, 200, {}, b"", ""),
        (LIST, 202, {"retry-after": "1"}, b"", "202"),
        (READ, 202, {"retry-after": "1"}, b"", ""),
        (READ, 202, {}, b"", "202 without Retry-After"),
        (LIST, 503, {**PROBLEM, "retry-after": "1"}, b'{"code": "busy"}', ""),
        (LIST, 503, PROBLEM, b'{"code": "busy"}', "503 busy without Retry-After"),
        (LIST, 429, {**PROBLEM, "retry-after": "1"}, b'{"code": "vision_throttled"}', ""),
        (LIST, 429, {**PROBLEM, "retry-after": "1"}, b'{"code": "busy"}', "429 with the code busy"),
        (LIST, 503, {"retry-after": "1"}, b"Service Unavailable", "503 with the code of none"),
        (LIST, 500, PROBLEM, b'{"code": "internal_error"}', "500 internal_error"),
        (LIST, 404, {}, b"", "404"),
    ],
)
def test_an_answer_is_right_if_it_is_expected_or_a_documented_refusal(
    ask: Ask, status: int, headers: Mapping[str, str], body: bytes, told: str
) -> None:
    assert callers.wrong(ask, status, headers, body) == told


def test_the_codes_of_a_status_are_those_of_the_page() -> None:
    assert callers.codes(429) == {"vision_throttled", "vision_quota_exhausted", "quota_exhausted"}
    assert {"busy", "turn_too_late", "identity_unavailable"} <= callers.codes(503)
    assert "internal_error" not in callers.codes(503)


def test_every_kind_is_asked_for_and_the_same_seed_asks_the_same(tmp_path: Path) -> None:
    known = list(pictures(2, tmp_path))
    one, other = (random.Random("1-1") for _ in range(2))
    asked = [any_request(one, known) for _ in range(1000)]
    assert {ask.what for ask in asked} == set(NAMES)
    assert asked == [any_request(other, known) for _ in range(1000)]


def test_no_new_picture_is_like_another() -> None:
    chance = random.Random(1)
    assert len({new_picture(chance) for _ in range(100)}) == 100


class _App(http.server.BaseHTTPRequestHandler):
    """Has everything read for a while: 202 with an address, then the text."""

    protocol_version = "HTTP/1.1"
    asked: list[str]
    stop: threading.Event

    def do_GET(self) -> None:
        # Before the answer, after which the caller may ask again.
        self.stop.set()
        self._answer(200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(202)

    def _answer(self, status: int) -> None:
        self.asked.append(self.path)
        self.send_response(status)
        self.send_header("Location", f"http://{self.headers['Host']}/api/ocr/ocr-1?code=a")
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_a_caller_follows_the_address_of_a_202(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, stop = list[str](), threading.Event()
    monkeypatch.setattr(callers, "any_request", lambda chance, known: READ)
    app = type("App", (_App,), {"asked": asked, "stop": stop})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), app) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        caller = callers._Caller(server.server_port, [], "1")
        caller.ask_on(stop)
        server.shutdown()
        serving.join()
    assert asked == ["/api/ocr", "/api/ocr/ocr-1?code=a"]
    assert [(each.what, each.status, each.wrong) for each in caller.answers] == [
        ("read", 202, ""),
        ("read: followed", 200, ""),
    ]


def test_what_never_ends_is_not_followed() -> None:
    assert callers.follow("list: followed", "/api/images?since=now") is None
    assert callers.follow("read", "/api/operations/op-1?code=a") == Ask(
        "read: followed", "GET", "/api/operations/op-1?code=a", statuses=(200, 202)
    )


def test_who_is_not_answered_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _App) as server:
        port = server.server_port
    caller = callers._Caller(port, [], "1")
    assert caller._ask(LIST) == (0, {})
    [answer] = caller.answers
    assert answer.status == 0
    assert answer.wrong.startswith("no answer: ConnectionRefusedError")


def test_what_the_children_of_a_process_hold_is_counted_with_it() -> None:
    before = process_figures.held(os.getpid())
    code = "import sys; files = [open('/dev/null') for _ in range(50)]; print('open', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        with_child = process_figures.held(os.getpid())
        alone = process_figures.held(child.pid)
        child.communicate()
    assert alone.descriptors >= 53
    assert alone.memory > 2**20
    assert with_child.descriptors >= before.descriptors + alone.descriptors
    assert with_child.memory > alone.memory
    with pytest.raises(OSError, match="No such file"):
        process_figures.held(child.pid)
