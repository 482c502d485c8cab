"""`GET /api/openapi.json` as callers ask it."""

import json
import subprocess
import sys

import pytest
from doubles.hosting import PROJECT_ROOT
from doubles.http_requests import invocation, parsed, problem_of, request

import OpenApiHttp
from shared.openapi.document import document


def test_everyone_gets_the_contract_with_the_address_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_ADDRESS", "https://api.example.com/images")
    response = OpenApiHttp.main(request("GET"), invocation())
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    written = json.loads((PROJECT_ROOT / "docs/openapi.json").read_text())
    assert parsed(response) == written | {"servers": [{"url": "https://api.example.com/images/api"}]}


def test_without_an_address_the_reader_fills_in_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_ADDRESS", raising=False)
    monkeypatch.delenv("WEBSITE_HOSTNAME", raising=False)
    [server] = parsed(OpenApiHttp.main(request("GET"), invocation()))["servers"]
    assert server["url"] == "https://{host}/api"


def test_it_answers_while_other_settings_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISION_ENDPOINT", raising=False)
    assert OpenApiHttp.main(request("GET"), invocation()).status_code == 200


def test_a_parameter_is_refused() -> None:
    problem_of(OpenApiHttp.main(request("GET", params={"version": "2"}), invocation()), 400, "bad_parameter")


def test_callers_of_one_process_get_the_same_bytes() -> None:
    first, second = (OpenApiHttp.main(request("GET"), invocation()).get_body() for _ in range(2))
    assert first == second
    assert document() is document()


def test_the_contract_loads_nothing_that_is_heavy_or_not_needed() -> None:
    """It is asked for on instances that do nothing else yet."""
    script = "import sys, shared.openapi.document; print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    unneeded = ("PIL", "cryptography", "azure.storage.blob", "azure.durable_functions", "shared.openapi.connector")
    assert not [name for name in unneeded if f"'{name}'" in done.stdout]
    assert "'shared.openapi.document'" in done.stdout
