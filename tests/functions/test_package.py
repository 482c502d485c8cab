"""The package that is deployed: what is in it, what never is, and when it is refused."""

import fnmatch
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import package
import pytest
from doubles.function_folders import FOLDERS
from doubles.hosting import PROJECT_ROOT

# What the folder of the one who works here may hold besides, and nobody else may see or needs to run the app.
LEFT_AT_HOME = (
    ".DS_Store",
    ".azure/prod/.env",
    ".blobsight/azurite/x.json",
    ".ci/run",
    ".devcontainer/devcontainer.json",
    ".env",
    ".env.production",
    ".git/config",
    ".github/workflows/deploy.yml",
    ".gitignore",
    ".hypothesis/x",
    ".idea/workspace.xml",
    ".python_packages/lib/site-packages/x.py",
    ".venv/lib/python3.11/site-packages/x.py",
    ".vscode/settings.json",
    "AnalyzeHttp/__init__.py.orig",
    "AnalyzeHttp/__pycache__/__init__.cpython-311.pyc",
    "CHANGELOG.md",
    "Dockerfile",
    "Makefile",
    "app.publishsettings",
    "azure.yaml",
    "bench/.venvs/stamina/lib/python3.11/site-packages/shared/x.py",
    "bench/x.py",
    "blobsight.code-workspace",
    "blobsight.egg-info/PKG-INFO",
    "blobsight.zip",
    "build/lib/shared/x.py",
    "certificate.pfx",
    "compose.yml",
    "dist/x.whl",
    "docs/index.md",
    "examples/read_pdf.py",
    "gallery/tsconfig.json",
    "gallery/types.d.ts",
    "host.log",
    "htmlcov/index.html",
    "infra/main.bicep",
    "infra/main.parameters.json",
    "local.settings.example.json",
    "local.settings.json",
    "local/__main__.py",
    "local/azurite/node_modules/azurite/index.js",
    "locks/dev.txt",
    "node_modules/x/index.js",
    "photos/2024/list.txt",
    "pictures/a.bmp",
    "pictures/a.gif",
    "pictures/a.jpeg",
    "pictures/a.pdf",
    "pictures/a.png",
    "pictures/a.tif",
    "pictures/a.tiff",
    "pictures/a.webp",
    "prod.env",
    "samples/requests.http",
    "samples/x.jpg",
    "scripts/cloud.py",
    "scripts/deployment/arm.py",
    "server.key",
    "server.p12",
    "server.pem",
    "shared/.DS_Store",
    "shared/.env",
    "shared/.services.py.swp",
    "shared/__pycache__/web.cpython-311.pyc",
    "shared/__pycache__/x.tmp",
    "shared/vision/answers.log",
    "shared/api/endpoint.py.bak",
    "shared/api/endpoint.py.rej",
    "shared/api/endpoint.py~",
    "shared/x.pyc",
    "tests/unit/test_x.py",
    "their-photo.jpg",
    "venv/bin/python",
)


@pytest.fixture(scope="module")
def app() -> set[str]:
    """The files of the app by rule: of each function its two, shared/'s modules, what the page serves, the settings."""
    functions = {f"{folder}/{name}" for folder in FOLDERS for name in ("__init__.py", "function.json")}
    shared = {path.relative_to(PROJECT_ROOT).as_posix() for path in PROJECT_ROOT.glob("shared/**/*.py")}
    page = {path.relative_to(PROJECT_ROOT).as_posix() for path in PROJECT_ROOT.glob("gallery/*")}
    served = {name for name in page if name.endswith((".css", ".html", ".js", ".svg"))}
    # What was made a moment ago and git does not know yet is no part of a package.
    made = {*functions, *shared, *served} & {*git(PROJECT_ROOT, "ls-files", "-z")}
    return made | {"host.json", "requirements.txt"}


def test_a_package_holds_the_app_and_nothing_else(app: set[str]) -> None:
    new = {folder for folder in FOLDERS if f"{folder}/function.json" not in app}
    assert not new, f"git add {' '.join(sorted(new))}: a package holds what git knows"
    assert package.files() == sorted(app)
    folders = {*FOLDERS, "gallery", "shared"}
    assert {PurePosixPath(name).parts[0] for name in app} == {*folders, "host.json", "requirements.txt"}


def test_what_is_deployed_knows_the_version_of_the_project(tmp_path: Path) -> None:
    """By itself: pyproject.toml stays at home."""
    assert package.main(["--output", str(tmp_path / "app.zip"), "--uncommitted"]) == 0
    with zipfile.ZipFile(tmp_path / "app.zip") as opened:
        opened.extractall(tmp_path / "app")
    command = [sys.executable, "-c", "import shared; print(shared.__version__, shared.__file__)"]
    told = subprocess.run(command, cwd=tmp_path / "app", capture_output=True, text=True, check=True).stdout.split()
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
    assert told == [project["version"], str(tmp_path / "app" / "shared" / "__init__.py")]


def test_nothing_that_lies_beside_the_app_is_sent(app: set[str], tmp_path: Path) -> None:
    """By the rules of git, and as azd reads the same file, from a folder with all that should not go."""
    for name in {*app, *LEFT_AT_HOME}:
        place = tmp_path / "tree" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    git(tmp_path, "init", "--quiet", "--bare", "rules")
    places = ("--git-dir=rules", "--work-tree=tree")
    rules = f"--exclude-from={PROJECT_ROOT / '.funcignore'}"
    by_git = {name.removeprefix("tree/") for name in git(tmp_path, *places, "ls-files", "-z", "--others", rules)}
    # Git itself passes over a folder of that name.
    assert by_git - {".git/config"} == app
    assert {*sent_by_azd(tmp_path / "tree", patterns())} == app


def patterns() -> list[str]:
    lines = (PROJECT_ROOT / ".funcignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def sent_by_azd(root: Path, given: list[str], folder: str = "") -> Iterator[str]:
    """
    What azd would send: its reader walks the folders and stays out of an ignored one.

    It differs from git in one thing that matters here: the star of an anchored pattern takes slashes.
    """
    for path in sorted((root / folder).iterdir()):
        name = path.relative_to(root).as_posix()
        if any(is_read_as(pattern, name, is_folder=path.is_dir()) for pattern in given):
            continue
        yield from sent_by_azd(root, given, name) if path.is_dir() else [name]


def is_read_as(pattern: str, name: str, *, is_folder: bool) -> bool:
    of_folders, anchored, words = pattern.endswith("/"), pattern.startswith("/"), pattern.strip("/")
    assert "/" not in words, "azd has more rules for such a pattern"
    return (is_folder or not of_folders) and fnmatch.fnmatchcase(name if anchored else PurePosixPath(name).name, words)


def test_every_folder_that_is_left_at_home_is_named_from_the_root() -> None:
    """A library may have a folder `docs` or `tests` of its own, and an exception would not be read alike."""
    anywhere = {"__pycache__/", "*.egg-info/"}
    assert {each for each in patterns() if each.endswith("/") and not each.startswith("/")} == anywhere
    assert [each for each in patterns() if each.startswith("!")] == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with a small app of one commit."""
    contents = {
        "Hello/__init__.py": "def main(): ...\n",
        "Hello/function.json": json.dumps({"bindings": []}),
        "host.json": "{}",
        "tests/test_hello.py": "",
        ".funcignore": "/tests/\n/.*\n/build/\n",
        ".gitignore": "*.log\n/build/\n",
    }
    root = tmp_path / "clone"
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    own = {"GIT_COMMITTER_DATE": "2026-11-29T12:34:56+02:00", "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z"}
    git(root, "-c", "user.name=tests", "-c", "user.email=tests@localhost", "commit", "-qm", "one", **own)
    return root


def packed(root: Path, *options: str) -> int:
    return package.main(["--output", str(root / "build/app.zip"), *options], root)


APP = ["Hello/__init__.py", "Hello/function.json", "host.json"]


def test_a_commit_gives_the_same_bytes_at_every_run(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clone / "server.log").write_text("what git ignores does not matter")
    assert packed(clone) == 0
    first = (clone / "build/app.zip").read_bytes()
    printed = capsys.readouterr().out
    assert f"build/app.zip: 3 files, {len(first)} bytes, of commit " in printed
    assert "config-zip --resource-group GROUP --name APP --build-remote true --src " in printed
    # As if it was cloned later, by a person with another umask.
    os.utime(clone / "host.json", (0, 0))
    (clone / "host.json").chmod(0o600)
    assert packed(clone) == 0
    assert (clone / "build/app.zip").read_bytes() == first


def test_a_package_unpacks_to_what_is_committed(clone: Path) -> None:
    assert packed(clone) == 0
    with zipfile.ZipFile(clone / "build/app.zip") as opened:
        entries = opened.infolist()
        assert [entry.filename for entry in entries] == APP
        assert {entry.date_time for entry in entries} == {(2026, 11, 29, 10, 34, 56)}
        assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
        assert [opened.read(name) for name in APP] == [(clone / name).read_bytes() for name in APP]


@pytest.mark.parametrize("name", ["host.json", "Hello/new.py", "notes.txt"])
def test_what_is_not_committed_is_told_and_nothing_is_packed(
    name: str, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clone / name).write_text("changed")
    assert packed(clone) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"  {name}"
    assert "git stash --include-untracked" in told[2]
    assert not (clone / "build").exists()


def test_tracked_files_are_packed_as_they_are_where_that_is_asked_for(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clone / "host.json").write_text("changed")
    (clone / "Hello/new.py").write_text("new")
    assert packed(clone, "--uncommitted") == 0
    assert "and files that differ from it" in capsys.readouterr().out
    with zipfile.ZipFile(clone / "build/app.zip") as opened:
        assert (opened.namelist(), opened.read("host.json")) == (APP, b"changed")


def test_a_folder_that_is_no_clone_is_not_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert packed(tmp_path) == 1
    assert "only a clone can be packed; git says: fatal: not a git repository" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["build/blobsight", "Hello"])
def test_a_folder_of_a_larger_repository_is_not_packed(
    folder: str, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is with the files of a release, unpacked inside another repository that ignores them, or tracks them."""
    (clone / folder).mkdir(parents=True, exist_ok=True)
    assert packed(clone / folder) == 1
    assert "is a folder of a larger repository" in capsys.readouterr().err


def test_names_are_packed_as_they_are_and_links_are_not_followed(
    clone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    names = ["Hello/ a b.py", "Hello/\u00e4\u5149.py"]
    for name in names:
        (clone / name).write_text("x")
    git(clone, "add", "--all")
    assert packed(clone, "--uncommitted") == 0
    with zipfile.ZipFile(clone / "build/app.zip") as opened:
        assert opened.namelist() == sorted([*APP, *names])
    (clone / "host.json").unlink()
    (clone / "Hello/link.py").symlink_to("/etc/hostname")
    git(clone, "add", "Hello/link.py")
    for gone, told in (("host.json", "does not track host.json"), ("Hello/link.py", "Hello/link.py is tracked, and")):
        assert packed(clone, "--uncommitted") == 1
        assert told in capsys.readouterr().err
        git(clone, "checkout", "--", gone)


def test_what_cannot_be_written_leaves_the_package_before(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert packed(clone) == 0
    before = (clone / "build/app.zip").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    assert packed(clone) == 1
    assert (clone / "build/app.zip").read_bytes() == before


def test_a_commit_older_than_what_a_zip_knows_is_packed(clone: Path) -> None:
    package.write(clone / "a.zip", ["host.json"], datetime(1970, 1, 1, tzinfo=UTC), clone)
    with zipfile.ZipFile(clone / "a.zip") as opened:
        assert opened.getinfo("host.json").date_time == (1980, 1, 1, 0, 0, 0)


def test_without_git_there_is_no_package(
    clone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(clone))
    assert packed(clone) == 1
    assert "there is no git on PATH" in capsys.readouterr().err


def test_times_are_those_of_the_last_commit(clone: Path) -> None:
    assert package.committed_at(clone) == datetime(2026, 11, 29, 10, 34, 56, tzinfo=UTC)


def git(folder: Path, *arguments: str, **own: str) -> Iterable[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=kept | own, check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split("\0") if name]
