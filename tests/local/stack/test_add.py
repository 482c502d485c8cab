import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.fake_app import FakeApp, image_json, text_json
from doubles.ports import five_free_ports
from doubles.supervised_storage import Storage

from local.adding.advice import advice
from local.adding.cli import main
from local.upload import MAX_UPLOAD_BYTES

Add = Callable[..., int]
PROBLEM = {"code": "image_rejected", "message": "the file is cut off", "action": "upload it again"}


@pytest.fixture
def add(storage: Storage) -> Add:
    def run(*words: object) -> int:
        return main([*map(str, words), "--port", str(storage.addresses.port), "--state", str(storage.state)])

    return run


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "my photo.jpg"
    path.write_bytes(b"some bytes")
    return path


def test_a_file_is_uploaded_with_its_type_and_its_results_are_printed(
    add: Add, app: FakeApp, storage: Storage, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = image.rename(image.with_name("new photo.jpg"))
    app.images[image.name] = image_json(image.name)
    assert add(image) == 0
    with storage.images as images:
        assert images.download_blob(image.name).readall() == b"some bytes"
        assert images.get_blob_client(image.name).get_blob_properties().content_settings.content_type == "image/jpeg"
    printed = capsys.readouterr().out
    assert "new photo.jpg: uploaded\n" in printed
    assert "a cup of coffee (confidence 0.42)" in printed
    assert "cup, coffee" in printed
    assert "thumbnails/new photo.jpg/200x150-smart.jpg" in printed
    assert f"{storage.addresses.host_url}/api/thumbnail/new%20photo.jpg?width=200&height=150" in printed


def test_nothing_is_uploaded_for_an_app_that_cannot_work(
    add: Add, app: FakeApp, storage: Storage, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = image.rename(image.with_name("in vain.jpg"))
    app.misdeployed = {"code": "settings_invalid", "problems": ["A is wrong."], "action": "Do it."}
    assert add(image) == 1
    assert capsys.readouterr().err.startswith("add: the app cannot work\nsettings_invalid:\n  A is wrong.\nDo it.")
    with storage.images as images:
        assert not images.get_blob_client(image.name).exists()


def test_text_is_told_with_its_beginning_its_records_and_a_command_that_prints_all_of_it(
    add: Add, app: FakeApp, storage: Storage, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.images["it's.jpg"] = image_json("it's.jpg", text=text_json("it's.jpg"))
    image.write_bytes(b"of a sign")
    assert add(image, "--name", "it's.jpg") == 0
    told = capsys.readouterr().out.partition("  text ")[2].splitlines()
    *lines, command = (line.strip() for line in told)
    assert lines == ["RIVER PARK OPEN 8 - 20", "text/it's.jpg.json", "text/it's.jpg.txt"]
    words = shlex.split(command)
    assert words[0] == "curl"
    assert words[-1] == f"{storage.addresses.host_url}/api/ocr?format=txt"
    assert json.loads(words[words.index("-d") + 1]) == {"name": "it's.jpg"}


def test_an_image_without_text_has_no_line_about_it(
    add: Add, app: FakeApp, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.images[image.name] = image_json(image.name)
    assert add(image) == 0
    assert "text" not in capsys.readouterr().out


def test_the_same_bytes_are_not_uploaded_again_and_other_bytes_replace_them_and_say_so(
    add: Add, app: FakeApp, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.images["again.jpg"] = image_json("again.jpg")
    said = []
    for content in (b"one", b"one", b"two"):
        image.write_bytes(content)
        assert add(image, "--name", "again.jpg") == 0
        said.append(capsys.readouterr().out.splitlines()[0])
    assert said == [
        "again.jpg: uploaded",
        "again.jpg: already there with the same bytes",
        "again.jpg: uploaded, in place of another image of that name",
    ]


def test_a_failed_image_ends_with_1_and_says_why_and_which_commands_mend_it(
    add: Add, app: FakeApp, image: Path, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    analysis = {"state": "failed", "record": None, "problem": PROBLEM}
    app.images[image.name] = image_json(image.name, "failed", analysis=analysis, thumbnails=[])
    assert add(image) == 1
    told = capsys.readouterr().out
    assert "  analysis is failed: the file is cut off. upload it again. (image_rejected)\n" in told
    options = f"--port {storage.addresses.port} --state {storage.state}"
    assert f"  to replace it      python -m local add {options} MENDED_FILE --name 'my photo.jpg'\n" in told
    assert f"  to remove it       python -m local remove {options} 'my photo.jpg'\n" in told
    assert "retry" not in told


def test_what_is_not_the_images_fault_can_be_tried_again(
    add: Add, app: FakeApp, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image.write_bytes(b"at which the app crashed")
    problem = PROBLEM | {"code": "app_crashed"}
    text = {"state": "failed", "problem": problem}
    app.images[image.name] = image_json(image.name) | {"state": "failed", "text": text}
    assert add(image) == 1
    told = capsys.readouterr().out
    assert "python -m local unfinished retry --port " in told
    assert "remove" not in told


@pytest.mark.parametrize("name", ["-a.jpg", "it's.jpg", "a b/c.jpg"])
def test_the_advice_names_any_image_so_that_a_shell_and_the_command_take_it(name: str) -> None:
    replace, remove = (shlex.split(command) for command in advice(["image_too_small"], name).values())
    assert replace[-1].removeprefix("--name=") == name
    assert remove[-1] == name
    assert (remove[-2] == "--") == name.startswith("-")


def test_an_image_that_is_not_done_in_time_ends_with_1(
    add: Add, app: FakeApp, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app.images[image.name] = image_json(image.name, "pending")
    image.write_bytes(b"nobody has added these")
    assert add(image, "--timeout", "0") == 1
    told = capsys.readouterr()
    assert f"{image.name}: pending\n" in told.out
    assert told.out.endswith("\n  analysis and thumbnails are pending\n")
    assert told.err == (
        "add: no further image became complete or failed within 0 s: "
        "the app goes on with what was uploaded; the same command waits for it again\n"
    )


def test_an_image_that_the_app_has_not_heard_of_names_the_logs_of_the_stack(
    add: Add, app: FakeApp, image: Path, storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    image.write_bytes(b"of which no event came")
    assert add(image, "--timeout", "0") == 1
    logs = storage.state.resolve() / "logs"
    assert f"not heard of it yet: {logs}/events.log and {logs}/host.log say why\n" in capsys.readouterr().out


def test_several_files_end_with_0_only_if_all_are_complete(add: Add, app: FakeApp, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("x.jpg", "y.jpg")]
    for file, state in zip(files, ("complete", "failed"), strict=True):
        file.write_bytes(file.name.encode())
        app.images[file.name] = image_json(file.name, state)
    assert (add(files[0]), add(*files)) == (0, 1)


def test_without_a_stack_it_says_how_to_start_one(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = five_free_ports()
    assert main([str(image), "--port", str(port)]) == 1
    told = capsys.readouterr().err
    assert f"no stack answers on port {port}: start one with `python -m local start --port {port}`" in told


def test_files_that_cannot_be_taken_are_refused_before_anything_is_sent(
    add: Add, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, huge = tmp_path / "empty.jpg", tmp_path / "huge.tif"
    empty.touch()
    with huge.open("wb") as file:
        file.truncate(MAX_UPLOAD_BYTES + 1)
    reasons = {
        tmp_path / "missing.jpg": "cannot be read: No such file or directory",
        empty: "is empty",
        huge: "images up to 100 MB are taken",
    }
    for path, reason in reasons.items():
        assert add(path) == 2
        assert reason in capsys.readouterr().err


def test_two_files_of_one_name_are_refused(
    add: Add, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / image.name
    other.parent.mkdir()
    other.write_bytes(b"2")
    assert add(image, other) == 2
    assert "would both be named my photo.jpg" in capsys.readouterr().err
    assert add(image, other, "--name", "x.jpg") == 2
    assert "give one FILE with it" in capsys.readouterr().err
