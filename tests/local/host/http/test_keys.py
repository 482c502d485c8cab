"""Keys are made once, kept privately, and checked on request."""

import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from doubles.hosting import Host, http_return, http_trigger, running_host, write_function, write_host_json

from local.host.errors import StartError
from local.host.http.keys import read_keys

LEVELS = ("anonymous", "function", "system", "admin")
HELLO = "import azure.functions as func\ndef main(req):\n    return func.HttpResponse('hello')\n"


def write_app(root: Path) -> None:
    write_host_json(root)
    for level in LEVELS:
        write_function(root, f"For{level}", [http_trigger(authLevel=level), http_return()], HELLO)
    write_function(root, "ByDefault", [http_trigger(), http_return()], HELLO)
    write_function(root, "Off", [http_trigger(), http_return()], HELLO, disabled=True)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Mapping[str, str]]]:
    root = tmp_path_factory.mktemp("keys")
    write_app(root)
    with running_host(root, root / "state", "--enable-auth") as host:
        content = json.loads((root / "state" / "host" / "keys.json").read_text())
        yield (
            host,
            {
                "none": "",
                "wrong": "x" * 43,
                "function": content["functionKeys"]["default"],
                "blobs": content["systemKeys"]["blobs_extension"],
                "durable": content["systemKeys"]["durabletask_extension"],
                "master": content["master"],
            },
        )


@pytest.mark.parametrize(
    ("target", "keys_that_open"),
    [
        ("/api/foranonymous", {"none", "wrong", "function", "blobs", "durable", "master"}),
        ("/api/forfunction", {"function", "master"}),
        ("/api/bydefault", {"function", "master"}),
        ("/api/forsystem", {"blobs", "durable", "master"}),
        ("/api/foradmin", {"master"}),
        ("/admin/functions", {"master"}),
        ("/admin/host/status", {"master"}),
        ("/admin/host/ping", {"none", "wrong", "function", "blobs", "durable", "master"}),
    ],
)
@pytest.mark.parametrize("place", ["header", "query"])
def test_key_opens_what_its_level_allows(
    guarded: tuple[Host, Mapping[str, str]], target: str, keys_that_open: set[str], place: str
) -> None:
    host, keys = guarded
    opened = set()
    for name, key in keys.items():
        if place == "header":
            answer = host.request("GET", target, headers={"x-functions-key": key} if key else {})
        else:
            answer = host.request("GET", f"{target}?code={key}")
        assert answer.status in (200, 401)
        if answer.status == 401:
            assert answer.body == b""
        else:
            opened.add(name)
    assert opened == keys_that_open


@pytest.mark.parametrize(
    ("key", "status"), [("blobs", 200), ("master", 200), ("durable", 401), ("function", 401), ("none", 401)]
)
def test_webhook_needs_the_key_of_its_extension(guarded: tuple[Host, Mapping[str, str]], key: str, status: int) -> None:
    host, keys = guarded
    answer = host.request(
        "OPTIONS",
        f"/runtime/webhooks/blobs?functionName=x&code={keys[key]}",
        headers={"WebHook-Request-Origin": "eventgrid.azure.net"},
    )
    assert answer.status == status


def test_disabled_function_answers_only_to_the_master_key(guarded: tuple[Host, Mapping[str, str]]) -> None:
    host, keys = guarded
    assert host.request("GET", "/api/off", headers={"x-functions-key": keys["function"]}).status == 404
    assert host.request("GET", "/api/off", headers={"x-functions-key": keys["master"]}).status == 200


def test_without_the_option_every_request_is_allowed(tmp_path: Path) -> None:
    write_app(tmp_path)
    with running_host(tmp_path, tmp_path / "state") as host:
        statuses = {host.request("GET", f"/api/for{level}").status for level in LEVELS}
        assert statuses == {200}
        assert host.request("GET", "/admin/functions").status == 200


def test_keys_are_private_and_stay_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first, again = (read_keys(path, enabled=True) for _ in range(2))
    assert first == again
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content: dict[str, Any] = json.loads(path.read_text())
    assert set(content) == {"master", "functionKeys", "systemKeys"}
    assert set(content["systemKeys"]) == {"blobs_extension", "eventgrid_extension", "durabletask_extension"}
    every = [content["master"], *content["functionKeys"].values(), *content["systemKeys"].values()]
    assert len(set(every)) == 5
    assert all(len(key) > 40 for key in every)


@pytest.mark.parametrize("key", ["\udcff\udcfe", "\ud800", "ключ\udc00", "ä", "\0"])
def test_odd_text_is_no_key(tmp_path: Path, key: str) -> None:
    keys = read_keys(tmp_path / "keys.json", enabled=True)
    assert keys.level(key) == "anonymous"
    assert not keys.allows(key, "function")
    assert not keys.allows_extension(key, "blobs")


@pytest.mark.parametrize("content", ["", "[]", '{"master": "x"}'])
def test_spoilt_keys_file_is_told_about(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(StartError, match="remove it and new keys are made"):
        read_keys(path, enabled=True)
