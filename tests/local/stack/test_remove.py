import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobLeaseClient, ContainerClient
from doubles.ports import five_free_ports
from doubles.supervised_storage import Storage

from local import remove
from local.stack.state_lock import locked_state

PROJECT = Path(__file__).resolve().parents[3]
# With blanks, of other alphabets, with what addresses and shells take for something else, with empty segments.
ODD = [
    "my photo.jpg",
    "2024/ü ß/夏.png",
    "100%20 #1?&+.jpg",
    "'q\".jpg",
    "/lead.jpg",
    "a//b.jpg",
    "-x\u0001\t.jpg",
    "~..",
]


@pytest.fixture
def images(storage: Storage) -> Iterator[ContainerClient]:
    """The empty container."""
    with storage.images as images:
        for name in images.list_blob_names():
            images.delete_blob(name)
        yield images


@pytest.fixture
def options(storage: Storage) -> list[str]:
    return ["--port", str(storage.addresses.port)]


def names(images: ContainerClient) -> list[str]:
    return list(images.list_blob_names())


def test_the_images_of_the_running_stack_are_removed_and_their_records_are_left_to_the_app(
    storage: Storage, images: ContainerClient, tmp_path: Path
) -> None:
    for name in [*ODD, "kept.jpg"]:
        images.upload_blob(name, b"x")
    with ContainerClient.from_connection_string(storage.addresses.connection_string, "analysis") as records:
        records.upload_blob("my photo.jpg.json", b"{}")
        with locked_state(tmp_path, storage.addresses.port):
            command = [sys.executable, "-m", "local", "remove", "--state", str(tmp_path), "--", *ODD]
            answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=100)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert names(images) == ["kept.jpg"]
        assert names(records) == ["my photo.jpg.json"]
        records.delete_blob("my photo.jpg.json")
    told = [f"{name}: removed" for name in ODD]
    told[-2] = r"-x\x01\t.jpg: removed"
    assert answer.stdout.splitlines()[:-1] == told
    assert answer.stdout.splitlines()[-1].startswith("8 removed. Their records go within seconds, ")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("cofee.jpg", "coffee.jpg"),
        ("COFFEE.JPG", "coffee.jpg"),
        ("stamp.png", "2024/summer/holidays/stamp.png"),
        ("./coffee.jpg", "coffee.jpg"),
        ("x/../coffee.jpg", "coffee.jpg"),
        ("something else entirely", None),
        ("\udcff", None),
        ("", None),
    ],
)
def test_a_name_that_is_not_there_is_an_error_with_the_nearest_one_and_the_others_are_removed(
    images: ContainerClient, options: list[str], capsys: pytest.CaptureFixture[str], name: str, nearest: str | None
) -> None:
    for each in ("coffee.jpg", "2024/summer/holidays/stamp.png", "other.gif"):
        images.upload_blob(each, b"x")
    assert remove.main([name, "other.gif", *options]) == 1
    printed = capsys.readouterr()
    hint = f"the nearest name is {nearest}" if nearest else "GET /api/images lists those that are there"
    assert printed.err == f"remove: there is no image {remove.printable(name)}; {hint}\n"
    assert printed.out.startswith("other.gif: removed\n1 removed. Its records go within seconds")
    assert names(images) == ["2024/summer/holidays/stamp.png", "coffee.jpg"]


def test_no_name_reaches_another_container(storage: Storage, images: ContainerClient, options: list[str]) -> None:
    with ContainerClient.from_connection_string(storage.addresses.connection_string, "analysis") as records:
        records.upload_blob("coffee.jpg.json", b"{}")
        assert remove.main(["../analysis/coffee.jpg.json", *options]) == 1
        assert names(records) == ["coffee.jpg.json"]
        records.delete_blob("coffee.jpg.json")


def test_what_storage_refuses_is_told_and_the_others_are_removed(
    images: ContainerClient, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("leased.jpg", "snapped.jpg"):
        images.upload_blob(name, b"x")
    images.get_blob_client("snapped.jpg").create_snapshot()
    lease = BlobLeaseClient(images.get_blob_client("leased.jpg"))
    lease.acquire()
    try:
        assert remove.main(["leased.jpg", "snapped.jpg", *options]) == 1
    finally:
        lease.release()
    printed = capsys.readouterr()
    assert printed.err.startswith("remove: leased.jpg was not removed: storage answered: There is currently a lease on")
    assert printed.out.startswith("snapped.jpg: removed\n1 removed.")
    assert names(images) == ["leased.jpg"]


def test_storage_that_does_not_answer_ends_it_at_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert remove.main(["a.jpg", "b.jpg", "--port", str(five_free_ports())]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (
        "",
        "remove: a.jpg was not removed: storage gives no answer (see azurite.log)\n",
    )


def test_ctrl_c_tells_how_many_are_gone_by_then(
    images: ContainerClient,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    really = ContainerClient.delete_blob

    def interrupted(container: ContainerClient, name: str, **how: str) -> None:
        if name == "b.jpg":
            raise KeyboardInterrupt
        really(container, name, **how)

    images.upload_blob("a.jpg", b"x")
    monkeypatch.setattr(ContainerClient, "delete_blob", interrupted)
    assert remove.main(["a.jpg", "b.jpg", *options]) == 130
    monkeypatch.undo()
    assert capsys.readouterr().err == "remove: stopped: 1 of 2 removed\n"
