"""The commands' frame: which there are, how they wait, sign in and read their environment, and what they run on."""

import ast
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path
from urllib.request import ProxyHandler

import cloud
import pytest
from deployment import arm, azd, environment, waiting, wire
from deployment.failures import Failed
from doubles.clock import FakeClock
from doubles.fake_azd import FakeAzd

# The hooks run these, on the Python of the one who deploys.
SCRIPTS = sorted(path for path in (Path(__file__).parents[2] / "scripts").rglob("*.py") if path.name != "package.py")


@pytest.mark.parametrize("arguments", [[], ["subscribe", "smok"]])
def test_without_a_known_command_nothing_runs_and_every_command_is_listed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cloud.main(arguments) == 2
    listed = re.findall(r"^  (\S+) +[A-Z].*\.$", capsys.readouterr().err, re.MULTILINE)
    assert listed == [
        "prepare",
        "connect",
        "sign-in",
        "wait-for-roles",
        "subscribe",
        "smoke",
        "disconnect",
        "remove-sign-in",
    ]


def test_the_script_runs_as_a_hook_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AZURE_", "BLOBSIGHT_")):
            monkeypatch.delenv(name)
    command = [sys.executable, "-W", "error", "scripts/cloud.py", "prepare", "wait-for-roles", "subscribe"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SCRIPTS[0].parents[1])
    assert done.returncode == 1
    assert done.stdout == "This environment makes a storage account and a Computer Vision account of its own.\n"
    reason, again = done.stderr.splitlines()
    assert reason.startswith("wait-for-roles failed: BLOBSIGHT_IDENTITY_PRINCIPAL_ID is not set. `azd provision`")
    assert again == "When that is mended, run: azd up"


def test_scripts_import_the_standard_library_alone_and_name_no_other_tool_than_azd() -> None:
    for script in SCRIPTS:
        for node in ast.walk(ast.parse(script.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.partition(".")[0] in {"deployment", *sys.stdlib_module_names}, f"{script} imports {name}"
        assert not re.search(r"\baz ", script.read_text()), f"{script} calls az"


def test_scripts_are_understood_by_the_oldest_python_that_they_promise() -> None:
    for script in SCRIPTS:
        tree = ast.parse(script.read_text(), feature_version=cloud.OLDEST_PYTHON)
        assert script.name == "__init__.py" or "from __future__ import annotations" in ast.unparse(tree)


def test_what_works_at_last_is_returned_and_each_reason_is_told_once_a_minute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock, attempts = FakeClock(), iter([*["busy"] * 8, "asleep"])

    def attempt() -> int | waiting.NotYet:
        reason = next(attempts, None)
        return waiting.NotYet(reason) if reason else 7

    assert waiting.until("the key", attempt, 900, clock) == 7
    assert capsys.readouterr().out.splitlines() == [
        "the key: busy (0 of 900 s)",
        "the key: busy (60 of 900 s)",
        "the key: asleep (80 of 900 s)",
    ]


def test_what_never_works_ends_within_its_patience_with_the_last_reason() -> None:
    clock = FakeClock()
    with pytest.raises(waiting.GaveUp, match=r"the key: gave up after 50 s\. The last reason: busy at 50$"):
        waiting.until("the key", lambda: waiting.NotYet(f"busy at {clock.now():.0f}"), 55, clock)
    assert clock.now() <= 55


def test_a_missing_variable_names_what_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_RESOURCE_GROUP", " ")
    with pytest.raises(environment.Missing, match=r"^AZURE_RESOURCE_GROUP is not set\. `azd provision` writes it"):
        environment.required("AZURE_RESOURCE_GROUP")


def test_a_switch_that_is_neither_true_nor_false_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOBSIGHT_CLOSED_NETWORK", "yes")
    with pytest.raises(Failed, match=r"'yes'; it has to be true or false"):
        environment.is_on("BLOBSIGHT_CLOSED_NETWORK")


def test_a_token_is_asked_for_once_for_each_scope_until_shortly_before_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_TENANT_ID", raising=False)
    clock, fake = FakeClock(), FakeAzd(tmp_path, monkeypatch)
    tokens = azd.Tokens(clock)
    assert {tokens.token(), tokens.token(), tokens.token("other")} == {"t0ken"}
    clock.advance(3600 - 299)
    assert tokens.token() == "t0ken"
    asked = [call.removeprefix("auth token --output json --scope ") for call in fake.calls()]
    assert asked == ["https://management.azure.com/.default", "other", "https://management.azure.com/.default"]


def test_a_token_that_cannot_be_renewed_is_used_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, fake = FakeClock(), FakeAzd(tmp_path, monkeypatch)
    tokens = azd.Tokens(clock)
    tokens.token()
    fake.fails("no network")
    clock.advance(3600 - 61)
    assert tokens.token() == "t0ken"
    clock.advance(1)
    with pytest.raises(Failed, match="no network"):
        tokens.token()


@pytest.mark.parametrize("answer", ["s3cret", '{"token": "s3cret"}', '{"token": "s3cret", "expiresOn": "soon"}'])
def test_an_answer_of_azd_that_is_no_token_is_not_told(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeAzd(tmp_path, monkeypatch).answers(answer)
    with pytest.raises(Failed, match="no token") as caught:
        azd.Tokens(FakeClock()).token()
    assert "s3cret" not in str(caught.value)


def test_a_value_is_written_into_the_azd_environment_only_where_it_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeAzd(tmp_path, monkeypatch)
    monkeypatch.setenv("BLOBSIGHT_IMAGES_LOCATION", "westeurope")
    assert not azd.set_value("BLOBSIGHT_IMAGES_LOCATION", "westeurope")
    assert azd.set_value("BLOBSIGHT_IMAGES_LOCATION", "northeurope")
    assert fake.calls() == ["env set BLOBSIGHT_IMAGES_LOCATION northeurope"]


def test_a_sign_in_that_fails_says_what_azd_said_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeAzd(tmp_path, monkeypatch).fails("not logged in")
    with pytest.raises(Failed, match=r"`azd auth token` failed: not logged in\. Try `azd auth login`\."):
        azd.Tokens(FakeClock()).token()


def test_a_token_is_found_behind_a_line_of_azd_and_its_end_is_read_in_any_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = b'WARNING: {"out": "of date"} \x9d {\n'
    clock, fake = FakeClock(), FakeAzd(tmp_path, monkeypatch)
    (tmp_path / "answer").write_bytes(line + b'{"token": "t0ken", "expiresOn": "2026-01-01T02:00:00.1234567+02:00"}\n')
    tokens = azd.Tokens(clock)
    assert [tokens.token(), tokens.token()] == ["t0ken"] * 2
    assert len(fake.calls()) == 2, "it ends at midnight, UTC, which is now"


def test_a_key_or_token_that_no_header_takes_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in ("s3cret\n", "s3cret\u201d"):
        with pytest.raises(Failed, match="has characters that no request takes") as caught:
            wire.send("GET", "http://127.0.0.1:9/", {"Authorization": f"Bearer {secret}"})
        assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("given", "is_inside"),
    [
        ("https://MANAGEMENT.azure.com:443/a?b=c+d", True),  # as Event Grid and lists write it
        ("https://management.azure.com/a?b=c+d", True),
        ("http://management.azure.com:443/a?b=c+d", False),
        ("https://management.azure.com.example/a?b=c+d", False),
        ("https://management.azure.com@example.com/a?b=c+d", False),
        ("https://management.azure.com:x/a?b=c+d", False),
        ("//management.azure.com/a?b=c+d", False),
    ],
)
def test_an_address_that_azure_gives_is_followed_to_the_endpoint_alone(
    given: str, is_inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARM_ENDPOINT", raising=False)
    service = arm.Arm(FakeClock())
    if is_inside:
        assert service.inside(given) == "/a?b=c+d"
    else:
        with pytest.raises(Failed, match=r"which is not https://management\.azure\.com\.$"):
            service.inside(given)


def test_a_list_whose_pages_lead_in_a_circle_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    service = arm.Arm(FakeClock())
    page = arm.Answer(200, {"value": [{}], "nextLink": "https://management.azure.com/list?page=2"})
    monkeypatch.setattr(service, "_patient", lambda *_: page)
    with pytest.raises(Failed, match="its pages lead in a circle"):
        service.pages("/list", "1")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 1.0), ("7", 7.0), ("86400", 60.0), ("9" * 400, 60.0), ("-5", None), ("Fri, 31 Dec 1999 23:59:59 GMT", None)],
)
def test_a_wish_to_be_asked_later_is_followed_within_reason(text: str, seconds: float | None) -> None:
    assert arm.Answer(429, headers={"retry-after": text}).retry_after == seconds


def test_no_proxy_sees_a_request_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.2:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.2:9")
    wire._opener.cache_clear()
    here, away = wire.opener("http://localhost:1"), wire.opener("https://example.com")
    wire._opener.cache_clear()
    proxied = [[each for each in one.handlers if isinstance(each, ProxyHandler)] for one in (here, away)]
    assert [bool(one) for one in proxied] == [False, True]


def test_letters_that_the_console_does_not_have_end_no_command_and_a_failure_comes_last(tmp_path: Path) -> None:
    (tmp_path / "deployment").mkdir()
    (tmp_path / "cloud.py").write_bytes(Path(cloud.__file__).read_bytes())
    modules = {
        "__init__": "",
        "failures": "class Failed(Exception):\n    pass\n",
        "smoke": "import deployment.failures as f\ndef run():\n    print('text  \\u5149')\n    raise f.Failed('No.')",
    }
    for name, text in modules.items():
        (tmp_path / "deployment" / f"{name}.py").write_text(text)
    command = [sys.executable, "-W", "error", str(tmp_path / "cloud.py"), "smoke"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environment)
    assert done.stdout.splitlines()[:2] == [b"text  ?", b"smoke failed: No."]
    assert done.returncode == 1
