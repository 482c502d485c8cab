import fcntl
import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest
from doubles.clock import FakeClock

from local.addresses import Addresses
from local.errors import LocalError
from local.stack.state_lock import (
    LOCK_NAME,
    locked_state,
    require_free_ports,
    running_port,
    stack_port,
    wait_for_leftovers,
)


def test_a_second_stack_on_the_same_state_is_refused_naming_the_first(tmp_path: Path) -> None:
    with (
        locked_state(tmp_path, 7071),
        pytest.raises(LocalError, match=rf"in use by a running stack \(process {os.getpid()}, port 7071\).*--state"),
        locked_state(tmp_path, 7171),
    ):
        raise AssertionError("the second claim must not succeed")


def test_the_state_is_free_again_after_a_stack_has_ended(tmp_path: Path) -> None:
    with locked_state(tmp_path, 7071):
        pass
    with locked_state(tmp_path, 7071) as unclean:
        assert not unclean


def test_a_stack_that_was_killed_is_noticed_by_the_next_one(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text(json.dumps({"pid": 1, "port": 7071}))
    with locked_state(tmp_path, 7071) as unclean:
        assert unclean


def test_others_are_told_the_port_of_the_stack_that_has_the_state(tmp_path: Path) -> None:
    assert running_port(tmp_path / "not there") is None
    with locked_state(tmp_path, 7171):
        assert running_port(tmp_path) == stack_port(None, tmp_path) == 7171
        assert stack_port(7271, tmp_path) == 7271
    assert running_port(tmp_path) is None


@pytest.mark.parametrize("left", [json.dumps({"pid": os.getpid(), "port": 7071}).encode(), b"", b"{", b"[]", b"\xff"])
def test_what_a_start_left_behind_is_no_running_stack(tmp_path: Path, left: bytes) -> None:
    (tmp_path / LOCK_NAME).write_bytes(left)
    assert running_port(tmp_path) is None
    assert stack_port(7271, tmp_path) == 7271
    with pytest.raises(LocalError, match=rf"no stack .* in {tmp_path}: start one with .python -m local start --state"):
        stack_port(None, tmp_path)
    with locked_state(tmp_path, 7171):
        assert running_port(tmp_path) == 7171


@pytest.mark.parametrize("written", ['{"port": 99999999}', '{"port": "x"}', '{"port": null}', "7071"])
def test_a_lock_that_is_held_without_the_port_of_a_stack_tells_none(tmp_path: Path, written: str) -> None:
    (tmp_path / LOCK_NAME).write_text(written)
    with (tmp_path / LOCK_NAME).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert running_port(tmp_path) is None


def test_a_command_that_looks_for_a_stack_does_not_keep_one_from_starting(tmp_path: Path) -> None:
    with (tmp_path / LOCK_NAME).open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.05, fcntl.flock, [looking, fcntl.LOCK_UN]).start()
        with locked_state(tmp_path, 7071):
            assert running_port(tmp_path) == 7071


def test_a_port_in_use_is_named_with_what_would_listen_there(free_port: int) -> None:
    expected = rf"port {free_port + 1} \(vision\).*--port"
    with socket.create_server(("127.0.0.1", free_port + 1)), pytest.raises(LocalError, match=expected):
        require_free_ports(Addresses(free_port))


def test_ports_that_leftover_parts_still_hold_are_waited_for(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)) as server:
        threading.Timer(0.2, server.close).start()
        require_free_ports(Addresses(free_port), wait_seconds=20)


def test_parts_that_still_finish_what_they_had_begun_are_waited_for_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    for part in ("host", "events"):
        (tmp_path / part).mkdir()
    with (tmp_path / "host/lock").open("w") as host, (tmp_path / "events/lock").open("w") as events:
        for lock in (host, events):
            fcntl.flock(lock, fcntl.LOCK_EX)
        monkeypatch.setattr(time, "sleep", lambda seconds: fcntl.flock(host, fcntl.LOCK_UN))
        # The watcher is not among the parts that are to be started.
        wait_for_leftovers(tmp_path, ("azurite", "vision", "host"), said.append)
    assert said == ["the last start was killed: its host may take 35 s to finish"]


def test_a_part_that_does_not_finish_is_left_to_the_one_that_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(time, "monotonic", clock.now)
    (tmp_path / "host").mkdir()
    with (tmp_path / "host/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wait_for_leftovers(tmp_path, ("host",), lambda line: None)
    assert clock.now() == pytest.approx(35, abs=0.2)


def test_five_free_ports_in_a_row_are_enough(free_port: int) -> None:
    require_free_ports(Addresses(free_port))
