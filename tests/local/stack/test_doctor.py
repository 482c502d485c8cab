import json
import shutil
import socket
import stat
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from doubles.fake_app import running_app
from doubles.screen import on_a_screen

from local import doctor, node
from local.addresses import Addresses
from local.errors import LocalError
from local.health_key import health_key
from local.models.catalogue import DETECTOR
from local.stack.state_lock import locked_state


@pytest.mark.parametrize(
    ("python", "is_ok"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 13, 9), True), ((3, 14, 0), False)]
)
def test_python_must_be_3_11_to_3_13(python: tuple[int, int, int], is_ok: bool) -> None:
    assert doctor.python(python).is_ok is is_ok


def test_packages_are_compared_with_the_lock_which_may_pin_one_for_several_pythons(tmp_path: Path) -> None:
    lock = tmp_path / "local.txt"
    lock.write_text(f"rich==0.1 ; python_version < '3.0' \\\n    --hash=x\nrich=={version('rich')} \\\n    --hash=y\n")
    assert doctor.packages(lock).is_ok
    lock.write_text("rich==0.1 \\\n    --hash=x\nno-such-package==1.0\n")
    finding = doctor.packages(lock)
    assert not finding.is_ok
    assert finding.found == "not as locked: rich 0.1, no-such-package 1.0"
    assert "make setup" in str(finding)


def test_a_package_of_another_system_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "local.txt"
    lock.write_text("no-such-package==1.0 ; sys_platform == 'win32' \\\n    --hash=x\n")
    monkeypatch.setattr("sys.platform", "linux")
    assert str(doctor.packages(lock)) == "ok     packages     0 as locked"
    monkeypatch.setattr("sys.platform", "win32")
    assert doctor.packages(lock).found == "not as locked: no-such-package 1.0"


def test_azurite_must_be_installed_in_the_pinned_version(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"azurite": "3.35.0"}}))
    assert doctor.azurite(tmp_path).found == "not installed"
    installed = tmp_path / "node_modules" / "azurite" / "package.json"
    installed.parent.mkdir(parents=True)
    for installed_version, is_ok in (("3.30.0", False), ("3.35.0", True)):
        installed.write_text(json.dumps({"version": installed_version}))
        assert doctor.azurite(tmp_path).is_ok is is_ok


def test_models_that_are_missing_are_a_warning_with_the_command_that_fetches_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr(doctor, "fault", lambda recipe: "not there" if recipe.model == DETECTOR else "")
    assert str(doctor.models({"MODELS": "clear"})) == "ok     models       tags, adult score, faces"
    finding = doctor.models({})
    assert (finding.is_ok, finding.is_warning, finding.mend) == (True, True, "make models")
    assert str(finding).startswith("warns  models       those for objects are not there\n")
    monkeypatch.setattr(doctor, "fault", lambda recipe: "damaged" if recipe.model == DETECTOR else "not there")
    told = "those for tags, adult score, faces are not there; those for objects are damaged"
    assert doctor.models({"MODELS": "ALL"}).found == told
    assert str(doctor.models({"MODELS": "off"})) == "ok     models       none, by MODELS=off"
    wrong = doctor.models({"MODELS": "some"})
    assert (wrong.is_ok, wrong.found) == (False, "MODELS is 'some': use all, clear, off")


def test_a_foreign_listener_on_a_port_of_the_stack_is_named(free_port: int) -> None:
    assert doctor.ports(Addresses(free_port)).is_ok
    with socket.create_server(("127.0.0.1", free_port + 2)):
        finding = doctor.ports(Addresses(free_port))
    assert (finding.is_ok, finding.found) == (False, f"in use: {free_port + 2} (blob storage)")


def test_a_running_stack_may_have_its_ports(free_port: int, listeners: list[socket.socket]) -> None:
    with running_app(free_port):
        listeners += [socket.create_server(("127.0.0.1", free_port + offset)) for offset in range(1, 5)]
        assert doctor.ports(Addresses(free_port)).is_ok


def test_the_stack_of_the_state_folder_has_its_ports_though_a_part_is_left_out(
    free_port: int, listeners: list[socket.socket], tmp_path: Path
) -> None:
    listeners += [socket.create_server(("127.0.0.1", free_port + offset)) for offset in range(1, 5)]
    assert not doctor.ports(Addresses(free_port)).is_ok
    with locked_state(tmp_path, free_port):
        finding = next(each for each in doctor.examine(free_port, tmp_path) if each.what == "ports")
    listed = ", ".join(str(free_port + offset) for offset in range(1, 5))
    assert (finding.is_ok, finding.found) == (True, f"a stack is running on {listed}, without {free_port} (host)")


def test_ports_are_chosen_in_the_words_that_started_it(
    free_port: int, listeners: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners.append(socket.create_server(("127.0.0.1", free_port)))
    assert "-> python -m local start --port N, with five" in str(doctor.ports(Addresses(free_port)))
    monkeypatch.setenv("BLOBSIGHT_MAKE", "1")
    assert "-> make start PORT=N, with five" in str(doctor.ports(Addresses(free_port)))


def test_a_full_disk_is_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.disk(tmp_path / "not there yet").is_ok
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 1))
    assert not doctor.disk(tmp_path).is_ok


def test_without_any_node_the_command_that_fetches_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(node, "_node_of_wheel", lambda: None)
    with pytest.raises(LocalError, match="there is none on PATH"):
        node.find_node()
    assert "locks/node.txt" in str(doctor.node())


def test_an_old_node_on_path_gives_way_to_the_one_of_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(old))
    monkeypatch.setattr(node, "_node_of_wheel", lambda: Path("/wheel/bin/node"))
    assert (node.node_version(old), node.find_node()) == (18, Path("/wheel/bin/node"))


def test_it_prints_every_finding_and_ends_with_1_when_something_is_lacking(
    free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--port", str(free_port), "--state", str(tmp_path)]
    monkeypatch.setattr(doctor, "packages", lambda lock: doctor.Finding("packages", True, "as locked"))
    assert doctor.main(options) == 0
    monkeypatch.setattr(doctor, "packages", lambda lock: doctor.Finding("packages", False, "none", "make setup"))
    assert doctor.main(options) == 1
    printed = capsys.readouterr().out
    assert [word in printed for word in ("Python", "Node", "Azurite", "ports", "disk", "-> make setup")] == [True] * 6


def entry(code: str) -> dict[str, str]:
    return {"part": "host", "code": code, "message": f"The account has {code}.", "action": "Turn it off."}


def test_a_running_app_says_what_is_wrong_and_what_it_warns_of_to_who_has_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda port, state: iter(()))
    with running_app() as running:
        running.health_key = "let-me-see"
        options = ["--port", str(running.port), "--state", str(tmp_path)]
        url = f"http://127.0.0.1:{running.port}"
        assert doctor.main(options) == 0
        assert capsys.readouterr().out == f"ok     app          up at {url}, and says no more without its HEALTH_KEY\n"
        monkeypatch.setenv("HEALTH_KEY", "let-me-see")
        assert doctor.main(options) == 0
        assert capsys.readouterr().out == f"ok     app          up at {url}\n"
        running.health = 200, {"status": "up", "problems": [], "warnings": [entry("too_much")]}
        assert doctor.main(options) == 0
        warned = "warns  app          host: The account has too_much. (too_much)\n                    -> Turn it off.\n"
        assert capsys.readouterr().out == warned
        running.health = 503, {"status": "down", "problems": [entry("no_way")], "warnings": [entry("too_much")]}
        assert doctor.main(["--port", "1", "--app", f"{url}/"]) == 1
        wrong = "lacks  app          host: The account has no_way. (no_way)\n                    -> Turn it off.\n"
        assert capsys.readouterr().out == wrong + warned


def test_the_key_of_the_stack_opens_its_own_app_alone_whatever_key_the_environment_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda port, state: iter(()))
    monkeypatch.setenv("HEALTH_KEY", "of-an-app-in-azure")
    with running_app() as running:
        running.health_key = health_key(tmp_path, {})
        url = f"http://127.0.0.1:{running.port}"
        assert doctor.main(["--port", str(running.port), "--state", str(tmp_path)]) == 0
        assert capsys.readouterr().out == f"ok     app          up at {url}\n"
        assert doctor.main(["--app", url, "--state", str(tmp_path)]) == 0
        assert "says no more" in capsys.readouterr().out


def test_the_key_of_the_stack_is_made_once_its_owners_alone_and_gives_way_to_the_users_own(tmp_path: Path) -> None:
    made = health_key(tmp_path, {"HEALTH_KEY": " "})
    assert made == health_key(tmp_path, {}) != health_key(tmp_path / "other", {})
    assert stat.S_IMODE((tmp_path / "host" / "health.key").stat().st_mode) == 0o600
    assert health_key(tmp_path, {"HEALTH_KEY": "let-me-see"}) == "let-me-see"


def test_what_keeps_the_running_app_from_all_its_work_is_lacking(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda port, state: iter(()))
    with running_app() as running:
        options = ["--port", str(running.port), "--state", str(tmp_path)]
        running.misdeployed = {
            "code": "settings_invalid",
            "problems": ["A is wrong.", "B is wrong."],
            "action": "Do it.",
        }
        assert doctor.main(options) == 1
        told = capsys.readouterr().out.splitlines()
        assert told[0] == "lacks  app          settings_invalid:"
        assert [line.strip() for line in told[1:3]] == ["A is wrong.", "B is wrong."]
        assert told[3].strip().startswith("-> Do it. ")
        # Without the keys of a host that checks them nothing can be told.
        running.key = "f"
        assert doctor.main(options) == 0
        assert "warns  app          the host checks keys" in capsys.readouterr().out


def test_an_app_that_is_down_or_of_an_earlier_version_or_not_there_is_lacking_or_not_as_it_says(free_port: int) -> None:
    with running_app() as running:
        url = f"http://127.0.0.1:{running.port}"
        running.health, running.health_key = (503, {"status": "down", "problems": []}), "k"
        (finding,) = doctor.app(url, "wrong")
        assert (finding.is_ok, "HEALTH_KEY" in finding.mend) == (False, True)
        running.health = 200, {"status": "up", "problems": []}
        assert [each.is_ok for each in doctor.app(url, "k")] == [True]
        running.health = 302, {"status": "up"}
        assert "answers 302" in doctor.app(url, "k")[0].found
    assert "does not answer" in doctor.app(f"http://127.0.0.1:{free_port}")[0].found


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_of_any_width_shows_it_without_cutting_a_word(
    columns: int, free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "The account of AzureWebJobsStorage keeps a version of each blob that the app overwrites there."
    wrong = {
        "part": "host",
        "code": "storage_keeps_versions",
        "message": sentence,
        "action": f"Turn it off. {sentence}",
    }
    monkeypatch.setenv("HEALTH_KEY", "let-me-see")
    with running_app() as running:
        running.health_key = "let-me-see"
        running.health = 503, {"status": "down", "problems": [wrong], "warnings": [], "version": "0.1.0"}
        url = f"http://127.0.0.1:{running.port}"
        options = ["--port", str(free_port), "--state", str(tmp_path), "--app", url]
        status, lines = on_a_screen(["doctor", *options], columns)
    assert status == 1
    told = " ".join(" ".join(lines).split())
    assert f"lacks app host: {sentence} (storage_keeps_versions) -> Turn it off. {sentence}" in told
    after = lines[next(number for number, line in enumerate(lines) if line.startswith("lacks  app")) :]
    assert max(map(len, after)) <= columns
    assert all(line.startswith(" " * 20) for line in after[1:])


def test_the_version_of_an_app_that_tells_it_is_told() -> None:
    with running_app() as running:
        running.health = 200, {"status": "up", "version": "0.1.0", "problems": [], "warnings": []}
        running.health_key = "k"
        url = f"http://127.0.0.1:{running.port}"
        assert [each.found for each in doctor.app(url, "k")] == [f"up at {url}, version 0.1.0"]


@pytest.mark.parametrize("problems", [[], [entry("no_way")]])
def test_the_spending_of_an_app_that_tells_it_is_told(problems: list[dict[str, str]]) -> None:
    spending = {
        "day": {"date": "2026-11-30", "transactions": 12, "limit": 100},
        "month": {"date": "2026-11", "transactions": 340, "limit": None},
    }
    with running_app() as running:
        running.health = 200, {"status": "up", "problems": problems, "warnings": [], "spending": spending}
        running.health_key = "k"
        findings = doctor.app(f"http://127.0.0.1:{running.port}", "k")
        assert findings[-1] == doctor.Finding(
            "app", True, "billed transactions (UTC): 12 of 100 on 2026-11-30, 340 in 2026-11"
        )
        assert len(findings) == 2
        running.health = 200, {"status": "up", "problems": problems, "warnings": [], "spending": None}
        assert len(doctor.app(f"http://127.0.0.1:{running.port}", "k")) == 1


@pytest.mark.parametrize(
    "url", ["http://app.example.com", "app.example.com", "ftp://127.0.0.1", "https://", "http://[x"]
)
def test_the_key_is_sent_to_no_address_without_tls(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it was asked"))
    assert "is no address of an app" in doctor.app(url, "k")[0].found


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for listener in opened:
        listener.close()
