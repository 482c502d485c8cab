import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.fake_app import FakeApp, image_json, running_app
from doubles.fuzz import fuzzed
from doubles.patience import PATIENCE_SECONDS, wait_until
from doubles.photographs import BY_NAME
from doubles.running_stack import PROJECT
from doubles.supervised_storage import Storage
from hypothesis import given
from hypothesis import strategies as st

from local.adding import cli
from local.adding.cli import main
from local.adding.files import HEAD_BYTES, find_files, is_image
from local.errors import LocalError
from local.upload import MAX_UPLOAD_BYTES

Add = Callable[..., int]
JPEG = b"\xff\xd8\xff\xe0"
# The peak of this program alone; what getrusage tells includes the process that started it.
ADD_AND_TELL_PEAK = """
import re, sys
from pathlib import Path
from local.adding import cli
from local.adding.cli import main
code = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""
PROBLEM = {"code": "image_too_small", "message": "It has 9x9 pixels", "action": "Upload a larger one"}


@pytest.fixture
def add(storage: Storage) -> Add:
    def run(*words: object) -> int:
        return main([*map(str, words), "--port", str(storage.addresses.port), "--state", str(storage.state)])

    return run


def write(folder: Path, *names: str, data: bytes | None = None) -> None:
    """Write files that begin as images do; their bytes differ unless *data* is given."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG + os.fsencode(path) if data is None else data)


def serve(app: FakeApp, state: str, *names: str) -> None:
    """Let the app know the images, all in one state."""
    failed = {"state": "failed", "problem": PROBLEM}
    changes = {"analysis": failed, "thumbnails": []} if state == "failed" else {}
    app.images.update({name: image_json(name, state, **changes) for name in names})


def test_every_image_and_document_below_a_folder_is_found_by_its_path_in_it(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", "2024/summer/b c#.jpg", "2024/ü.jpg")
    write(tmp_path, "2024/minutes", data=b"%PDF-1.7\n")
    write(tmp_path, "fax.tiff", data=b"II*\0")
    names = {"a.jpg", "2024/summer/b c#.jpg", "2024/ü.jpg", "2024/minutes", "fax.tiff"}
    assert set(find_files([tmp_path]).files) == names


@pytest.mark.parametrize("name", BY_NAME)
def test_whatever_the_app_takes_is_taken_from_a_folder_by_its_first_bytes(name: str) -> None:
    assert is_image(BY_NAME[name].data[:HEAD_BYTES])


def test_hidden_and_special_files_are_passed_over_and_what_is_no_image_is_listed(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", ".hidden.jpg", ".git/b.jpg")
    write(tmp_path, "notes.txt", "sub/fake.jpg", data=b"BMW and other cars")
    write(tmp_path, "empty.jpg", data=b"")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    found = find_files([tmp_path])
    assert list(found.files) == ["a.jpg"]
    assert {path.name for path in found.not_images} == {"notes.txt", "fake.jpg", "empty.jpg"}
    assert found.refused == []


def test_images_that_cannot_be_uploaded_are_told_with_the_reason_and_the_others_are_taken(tmp_path: Path) -> None:
    write(tmp_path, "a.jpg", "huge.jpg", "bell\a.jpg", os.fsdecode(b"latin\xe9.jpg"))
    with (tmp_path / "huge.jpg").open("r+b") as file:
        file.truncate(MAX_UPLOAD_BYTES + 1)
    found = find_files([tmp_path])
    assert list(found.files) == ["a.jpg"]
    assert len(found.refused) == 3
    assert sum("no blob name can have" in reason for reason in found.refused) == 2
    assert sum("images up to 100 MB are taken" in reason for reason in found.refused) == 1


def test_files_and_folders_may_be_mixed_and_a_named_file_need_not_look_like_an_image(tmp_path: Path) -> None:
    write(tmp_path, "one/a.jpg", "two/b.jpg")
    write(tmp_path, "notes.txt", data=b"no image, but named")
    found = find_files([tmp_path / "one", tmp_path / "notes.txt", tmp_path / "two"])
    assert found.files == {
        "a.jpg": tmp_path / "one/a.jpg",
        "notes.txt": tmp_path / "notes.txt",
        "b.jpg": tmp_path / "two/b.jpg",
    }


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "one/a.jpg", "two/a.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LocalError, match=r"would both be named a\.jpg.*the folder that holds both"):
        find_files([tmp_path / "one", tmp_path / "two"])
    with pytest.raises(LocalError, match="holds no image"):
        find_files([tmp_path / "empty"])
    with pytest.raises(LocalError, match="give one FILE"):
        find_files([tmp_path / "one"], name="x.jpg")
    for name in ("..", "../analysis/a.jpg", "a/./b.jpg"):
        with pytest.raises(LocalError, match="which no image's name can have"):
            find_files([tmp_path / "one" / "a.jpg"], name=name)
    assert set(find_files([tmp_path]).files) == {"one/a.jpg", "two/a.jpg"}


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    """Return the first box of a file of the MP4 family."""
    brands = major + bytes(4) + b"".join(compatible)
    return (8 + len(brands)).to_bytes(4) + b"ftyp" + brands + b"\0\0\0\x08mdat"


IMAGES = {
    "JPEG": JPEG,
    "PNG": b"\x89PNG\r\n\x1a\n",
    "GIF": b"GIF89a",
    "WebP": b"RIFF\0\0\0\0WEBP",
    "TIFF": b"II*\0",
    "TIFF, big endian": b"MM\0*",
    "BigTIFF": b"II+\0\x08\0\0\0",
    "BigTIFF, big endian": b"MM\0+\0\x08\0\0",
    "PDF": b"%PDF-1.7",
    "PDF after a line break": b"\r\n%PDF-1.7",
    "PDF after 1023 bytes": bytes(1023) + b"%PDF-1.7",
    "AVIF": ftyp(b"avif", b"mif1"),
    "AVIF sequence": ftyp(b"avis"),
    "HEIC named by what it is compatible with": ftyp(b"xxxx", b"abcd", b"heic"),
    "Canon's raw": ftyp(b"crx ", b"isom"),
    "Panasonic's raw": b"IIU\0\x18\0\0\0",
    "Olympus's raw": b"IIRO\x08\0\0\0",
    "Fujifilm's raw": b"FUJIFILMCCD-RAW 0201",
    "JPEG XL": b"\xff\x0a\xfa\x1f",
    "JPEG XL in a box": b"\0\0\0\x0cJXL \r\n\x87\n",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "JPEG 2000 without a box": b"\xff\x4f\xff\x51\0\x2f",
    "Photoshop": b"8BPS\0\1",
    "icon": b"\0\0\1\0\1\0\x10\x10\0\0\1\0",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'>",
    "SVG after a comment": b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn by hand -->\n<svg width='9'>",
    "SVG after its type": b"\n<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>\n<svg>",
    **{f"BMP of {size}": b"BM" + bytes(12) + bytes([size, 0, 0, 0]) for size in (12, 16, 40, 52, 56, 64, 108, 124)},
    **{
        f"HEIF of {brand.decode()}": ftyp(brand)
        for brand in b"heic heix heim heis hevc hevx hevm hevs heif mif1 mif2 msf1 miaf".split()
    },
}

OTHERS = {
    "nothing": b"",
    "text": b"BMW and other cars",
    "BM alone": b"BM",
    "PDF too late": bytes(1024) + b"%PDF-1.7",
    "sound": b"RIFF\0\0\0\0WAVE",
    "film, AVI": b"RIFF\0\0\0\0AVI ",
    "film, MP4": ftyp(b"isom", b"iso2", b"avc1", b"mp41"),
    "film, QuickTime": ftyp(b"qt  "),
    "film, brand of an image after its box": ftyp(b"isom") + b"heicmif1",
    "film, MPEG": b"\0\0\1\xba",
    "film, Matroska": b"\x1aE\xdf\xa3",
    "office file": b"PK\3\4",
    "old office file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "font": b"\0\1\0\0\0\x0c",
    "icon without a picture": b"\0\0\1\0\0\0\0\0\0\0",
    "XML": b"<?xml version='1.0'?><note/>",
    "page with a drawing in it": b"<!DOCTYPE html><svg>",
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_of_every_kind_and_pdfs_are_known(tmp_path: Path, name: str) -> None:
    write(tmp_path, "file", data=IMAGES[name] + bytes(2000))
    assert list(find_files([tmp_path]).files) == ["file"]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_neither_is_known_too(tmp_path: Path, name: str) -> None:
    write(tmp_path, "file", data=OTHERS[name])
    write(tmp_path, "image.jpg")
    assert find_files([tmp_path]).not_images == [tmp_path / "file"]


@fuzzed
@given(st.sampled_from([*IMAGES.values(), *OTHERS.values()]), st.binary(max_size=40), st.integers(0, 40))
def test_any_first_bytes_are_an_image_or_not(head: bytes, put: bytes, at: int) -> None:
    assert is_image(head[:at] + put + head[at:]) in (True, False)


def test_a_folder_is_uploaded_and_summed_up(
    add: Add, app: FakeApp, storage: Storage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"sums/{number:02}.jpg" for number in range(30)]
    write(tmp_path, *names)
    write(tmp_path, "sums/readme.txt", data=b"text")
    serve(app, "complete", *names)
    assert add(tmp_path) == 0
    told = capsys.readouterr().out
    assert f"skipped, being neither images nor PDFs by their first bytes:\n  {tmp_path}/sums/readme.txt" in told
    assert "\n30 images: 30 complete; " in told
    assert ": complete" not in told
    with storage.images as images:
        assert [blob.name for blob in images.list_blobs(name_starts_with="sums/")] == names
    assert add(tmp_path) == 0
    assert "\n30 images: 30 complete; 30 had been there with the same bytes; " in capsys.readouterr().out


def test_of_many_failures_the_first_are_told_and_the_rest_counted(
    add: Add, app: FakeApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"bad/{number:02}.jpg" for number in range(25)]
    write(tmp_path, *names, "bad/good.jpg")
    serve(app, "failed", *names)
    serve(app, "complete", "bad/good.jpg")
    assert add(tmp_path) == 1
    told = capsys.readouterr().out
    assert "failed:\n  bad/" in told
    assert told.count(": analysis is failed: It has 9x9 pixels. Upload a larger one. (image_too_small)\n") == 20
    assert "  and 5 more\nto replace one   python -m local add " in told
    assert "26 images: 1 complete, 25 failed; " in told


def test_a_file_that_cannot_be_taken_counts_as_not_uploaded(
    add: Add, app: FakeApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "taken/a.jpg", "taken/bell\a.jpg")
    serve(app, "complete", "taken/a.jpg")
    assert add(tmp_path) == 1
    told = capsys.readouterr().out
    assert "no blob name can have" in told
    assert "2 images: 1 complete, 1 not uploaded; " in told
    # A small folder: each image is told, in a line.
    assert "\ntaken/a.jpg: complete" in f"\n{told}"


def test_what_is_deferred_or_pending_is_told_with_the_reason_of_each(
    add: Add, app: FakeApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"late/{number:02}.jpg" for number in range(23)]
    write(tmp_path, *names)
    serve(app, "pending", *names[2:])
    serve(app, "complete", names[0])
    problem = {"code": "throttled", "message": "Too many calls.", "until": "2126-11-26T12:00:00+00:00"}
    app.images[names[1]] = image_json(names[1], "deferred", analysis={"state": "deferred", "problem": problem})
    assert add(tmp_path, "--timeout", "0.3") == 1
    told = capsys.readouterr()
    deferred = "late/01.jpg: analysis is deferred until 2126-11-26 12:00:00 UTC: Too many calls. (throttled)"
    assert f"deferred:\n  {deferred}\npending:\n  late/02.jpg: analysis and thumbnails are pending\n" in told.out
    assert "  and 1 more\n" in told.out
    assert "\n23 images: 1 complete, 1 deferred, 21 pending; " in told.out
    assert "no further image became complete or failed within 0 s: the app goes on" in told.err


def test_what_is_deferred_for_longer_than_it_waits_ends_it_at_once_and_says_so(
    add: Add, app: FakeApp, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "PLAIN_PROGRESS_SECONDS", 0.0)
    write(tmp_path, "off.jpg")
    times = {"last": "2126-11-26T11:00:00+00:00", "until": "2126-11-26T12:00:00+00:00"}
    problem = {"code": "throttled", "message": "Too many calls.", **times}
    app.images["off.jpg"] = image_json(
        "off.jpg", "deferred", analysis={"state": "deferred", "problem": problem}, thumbnails=[]
    )
    assert add(tmp_path, "--timeout", "3600") == 1
    told = capsys.readouterr()
    assert "1 of 1 uploaded, 1 deferred until 2126-11-26 12:00:00 UTC (throttled)\n" in told.out
    assert "what is left is deferred until after the 3600 s of --timeout: the app goes on" in told.err


def test_only_a_few_images_are_asked_for_at_a_time(add: Add, app: FakeApp, tmp_path: Path) -> None:
    names = [f"many/{number:03}.jpg" for number in range(300)]
    write(tmp_path, *names)
    serve(app, "complete", *names)
    assert add(tmp_path) == 0
    # Each once in the best case; some of the first are asked for twice because their upload has just been.
    assert 300 <= len(app.asked) <= 330


def test_files_are_held_in_memory_a_few_at_a_time(app: FakeApp, storage: Storage, tmp_path: Path) -> None:
    def peak_mb(files: int) -> float:
        folder = tmp_path / str(files)
        names = [f"large{files}/{number}.jpg" for number in range(files)]
        for name in names:
            write(folder, name, data=JPEG + name.encode() + bytes(2**20))
        serve(app, "complete", *names)
        options = ["--port", str(storage.addresses.port), "--state", str(storage.state)]
        # In a process of its own: how soon the bytes that the SDK leaves in cycles are collected depends on how much
        # the process holds besides, and here that is what all tests before have left.
        command = [sys.executable, "-c", ADD_AND_TELL_PEAK, str(folder), *options]
        told = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60).stdout
        assert f"{files} images: {files} complete" in told
        return int(told.split()[-1]) / 1024

    assert peak_mb(64) - peak_mb(4) < 30


def test_what_is_there_but_not_done_is_processed_again_and_nothing_else(
    add: Add, app: FakeApp, storage: Storage, tmp_path: Path
) -> None:
    states = {"again/done.jpg": "complete", "again/bad.jpg": "failed"}
    states |= {"again/old.jpg": "pending", "again/late.jpg": "deferred"}
    write(tmp_path, *states)
    (storage.state / "host").mkdir(exist_ok=True)
    (storage.state / "host" / "keys.json").write_text(json.dumps({"master": "m", "functionKeys": {"default": "f"}}))
    app.key, app.master_key = "f", "m"
    for name in states:
        serve(app, "complete", name)
    assert add(tmp_path) == 0
    assert app.again == []
    for name, state in states.items():
        serve(app, state, name)
    assert add(tmp_path) == 1
    assert sorted(app.again) == ["again/late.jpg", "again/old.jpg"]


def test_a_host_that_does_not_run_the_function_is_told(
    add: Add, app: FakeApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "unrun/a.jpg")
    serve(app, "complete", "unrun/a.jpg")
    assert add(tmp_path) == 0
    serve(app, "pending", "unrun/a.jpg")
    app.admin_status = 404
    assert add(tmp_path) == 1
    assert "the host does not run AnalyzeOnUpload" in capsys.readouterr().err


def test_a_storage_that_does_not_answer_ends_it_and_says_what_goes_on(
    tmp_path: Path, free_port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, *(f"silent/{number}.jpg" for number in range(30)))
    monkeypatch.setattr("local.upload.RETRIES", 0)
    with running_app(free_port):
        assert main([str(tmp_path), "--port", str(free_port), "--state", str(tmp_path / "state")]) == 1
    told = capsys.readouterr().err
    assert "storage gives no answer" in told
    assert "add: 0 of 30 uploaded; the same command goes on from here\n" in told


def test_ctrl_c_says_what_goes_on(app: FakeApp, storage: Storage, tmp_path: Path) -> None:
    names = [f"stopped/{number}.jpg" for number in range(3)]
    write(tmp_path, *names)
    serve(app, "complete", names[0])
    serve(app, "pending", *names[1:])
    options = ["--port", str(storage.addresses.port), "--state", str(storage.state)]
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "add", str(tmp_path), *options],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def first_is_counted() -> bool:
        since = app.asked[app.asked.index(names[0]) :] if names[0] in app.asked else []
        # Asked for twice since: the round that found the first one complete is over.
        return all(since.count(name) > 1 for name in names[1:])

    wait_until(first_is_counted)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert told == (
        "add: stopped: 3 of 3 uploaded, 1 complete, 2 pending; "
        "the app goes on with what was uploaded; the same command goes on from here\n"
    )
