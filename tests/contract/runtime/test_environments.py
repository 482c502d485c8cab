"""Where Microsoft's runtime runs: which Pythons are found, and what uv is told of pip's settings."""

import subprocess
import sys
from pathlib import Path

import pytest
from doubles.runtime_environments import OWN_VERSION, VERSIONS, as_uv_takes_it, pythons

OTHER, THIRD = (version for version in VERSIONS if version != OWN_VERSION)


def executable(path: Path, does: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def shims(tmp_path: Path) -> Path:
    """What a version manager puts on PATH for Pythons that it does not start."""
    for version in (OTHER, THIRD):
        executable(tmp_path / f"shims/python{version}", "echo command not found >&2; exit 127")
    return tmp_path / "shims"


def test_a_name_that_starts_nothing_is_no_python(shims: Path, tmp_path: Path) -> None:
    assert pythons([str(shims)], tmp_path) == {OWN_VERSION: Path(sys.executable)}


def test_the_first_python_on_path_that_starts_is_taken(shims: Path, tmp_path: Path) -> None:
    other = executable(tmp_path / f"bin/python{OTHER}", f"echo {OTHER}")
    executable(tmp_path / f"later/python{OTHER}", f"echo {OTHER}")
    executable(tmp_path / f"bin/python{THIRD}", "echo 3.9")
    found = pythons([str(shims), str(other.parent), str(tmp_path / "later")], tmp_path)
    assert found == {OWN_VERSION: Path(sys.executable), OTHER: other}


def test_a_python_of_pyenv_is_found_though_its_name_starts_nothing(shims: Path, tmp_path: Path) -> None:
    third = executable(tmp_path / f".pyenv/versions/{THIRD}.7/bin/python", f"echo {THIRD}")
    assert pythons([str(shims)], tmp_path)[THIRD] == third


def test_they_are_told_from_the_oldest(shims: Path, tmp_path: Path) -> None:
    for version in VERSIONS:
        executable(tmp_path / f"bin/python{version}", f"echo {version}")
    assert tuple(pythons([str(tmp_path / "bin")], tmp_path)) == VERSIONS


def test_uv_asks_where_pip_would() -> None:
    listed = (
        ":env:.cert='/etc/own.pem'\n"
        ":env:.default-timeout='180'\n"
        "global.cert='/etc/all.pem'\n"
        "global.extra-index-url='https://a.example/simple file:///b'\n"
        "global.find-links='/wheels /more'\n"
        "global.index-url='https://global.example/simple'\n"
        "install.index-url='https://mirror.example/?a=b'\n"
    )
    assert as_uv_takes_it(listed) == {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/etc/own.pem",
        "UV_INDEX": "https://a.example/simple file:///b",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_DEFAULT_INDEX": "https://mirror.example/?a=b",
    }
    assert as_uv_takes_it("") == {"UV_INDEX_STRATEGY": "unsafe-best-match"}


def test_what_pip_prints_of_its_settings_is_understood(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nextra-index-url =\n    https://a.example/simple\n    file:///b\n")
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        env={"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_NO_INDEX": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    settings = as_uv_takes_it(listed)
    assert settings["UV_INDEX"].split() == ["https://a.example/simple", "file:///b"]
    assert settings["UV_NO_INDEX"] == "1"
