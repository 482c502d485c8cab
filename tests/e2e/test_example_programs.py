"""The programs of `examples/` as they are typed, with an app that wants a key and an account that wants a signature."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from doubles.documents import text_pdf
from doubles.hosting import PROJECT_ROOT, Host
from doubles.pictures import picture
from doubles.running_stack import RunningStack

from local import app_settings
from local.addresses import ACCOUNT, ACCOUNT_KEY

pytestmark = pytest.mark.e2e
Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def program(shared_stack: RunningStack, keyed_host: tuple[Host, str]) -> Program:
    """Run one with what its user sets for an app in Azure: address, key, a signature that may create and write."""
    host, key = keyed_host
    signature = generate_container_sas(
        ACCOUNT,
        "images",
        ACCOUNT_KEY,
        permission=ContainerSasPermissions(create=True, write=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    storage = f"BlobEndpoint={shared_stack.addresses.blob_url};SharedAccessSignature={signature}"
    settings = {"BLOBSIGHT_URL": host.url, "BLOBSIGHT_STORAGE": storage, "BLOBSIGHT_KEY": key}

    def run(name: str, *words: str | Path, **own: str) -> "subprocess.CompletedProcess[str]":
        environment = app_settings.environment(shared_stack.addresses, {**os.environ, **settings, **own})
        line = [sys.executable, f"examples/{name}.py", *map(str, words)]
        return subprocess.run(line, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, timeout=200)

    return run


def test_an_image_is_uploaded_and_what_was_seen_in_it_is_printed(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "blue.png"
    file.write_bytes(picture("PNG", colour=(10, 20, 230)))
    done = program("upload_and_wait", file, "tried/blue sky.png")
    assert (done.returncode, done.stderr) == (0, "")
    caption, tags = done.stdout.splitlines()
    assert caption.startswith("caption: a photo")
    assert "blue" in tags.removeprefix("tags: ").split(", ")


def test_what_fails_ends_with_the_reason_and_is_listed(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "stamp.png"
    file.write_bytes(picture("PNG", 9, 9))
    done = program("upload_and_wait", file, "tried/stamp.png")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tried/stamp.png is failed. The image has 9x9 pixels; at least 50x50 are needed. ")
    listed = program("list_failures")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "tried/stamp.png: analysis image_too_small: " in listed.stdout


def test_a_document_is_read(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "letter.pdf"
    file.write_bytes(text_pdf("Typed at a terminal"))
    done = program("read_pdf", file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Typed at a terminal\n", "")


def test_a_thumbnail_is_written_into_a_file(program: Program, shared_stack: RunningStack, tmp_path: Path) -> None:
    shared_stack.upload("tried//thumb nail.png", picture("PNG", 300, 200))
    done = program("thumbnail_to_file", "tried//thumb nail.png", "64", "48", tmp_path / "small.jpg")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "small.jpg").read_bytes().startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("upload_and_wait", ("samples/coffee.jpg", "coffee.jpg")),
        ("read_pdf", ("samples/coffee.jpg",)),
        ("thumbnail_to_file", ("coffee.jpg", "64", "48", os.devnull)),
        ("list_failures", ()),
    ],
)
def test_a_missing_key_and_a_wrong_address_are_told_without_a_traceback(
    program: Program, name: str, words: tuple[str, ...]
) -> None:
    refused = program(name, *words, BLOBSIGHT_KEY="")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("401 Unauthorized")
    unreachable = program(name, *words, BLOBSIGHT_URL="http://127.0.0.1:1")
    assert (unreachable.returncode, unreachable.stdout) == (1, "")
    [told] = unreachable.stderr.splitlines()
    assert "Connection refused" in told
    misused = program(name, "a", "b", "c")
    assert misused.returncode == 1
    assert f"python examples/{name}.py" in misused.stderr
