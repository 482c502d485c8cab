"""The whole product as `make start` runs it: real processes, real storage, the very function folders."""

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from doubles.patience import wait_until
from doubles.ports import five_free_ports
from doubles.running_stack import PROJECT, RunningStack
from PIL import Image, ImageDraw

from local.addresses import Addresses

pytestmark = pytest.mark.e2e
SAMPLES = (
    "astronaut.jpg",
    "chelsea.jpg",
    "coffee.jpg",
    "rocket.jpg",
    "receipt.png",
    "sign.jpg",
    "scan.png",
    "minutes.pdf",
    "recipe.tif",
)
PARTS = ("azurite", "vision", "host", "events")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("stack"))
    stack.start()
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


def picture(seed: int) -> bytes:
    """Return an image whose bytes depend on *seed*."""
    image = Image.new("RGB", (320, 240), (seed * 37 % 256, seed * 91 % 256, seed * 53 % 256))
    ImageDraw.Draw(image).ellipse((40 + seed, 40, 200, 180), fill=(250, 250, 250))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_every_sample_gets_every_record_at_the_start(stack: RunningStack) -> None:
    states = stack.wait_for(*SAMPLES)
    assert {name: state.state for name, state in states.items()} == dict.fromkeys(SAMPLES, "complete")
    for name in SAMPLES:
        assert f"{name}: complete" in stack.output


def thumbnail_of(sides: tuple[int, int], what: str) -> tuple[int, int]:
    """The sides of a thumbnail of a picture with these sides, as `thumbnail 200x150` asks for it; none is enlarged."""
    width, height = (int(side) for side in what.split()[1].split("x"))
    factor = min(1.0, sides[0] / width, sides[1] / height)
    return round(width * factor), round(height * factor)


def test_each_record_tells_the_version_of_the_image_it_was_made_from(stack: RunningStack) -> None:
    [state] = stack.wait_for("coffee.jpg").values()
    with stack.storage() as storage:
        etag = storage.get_blob_client("images", "coffee.jpg").get_blob_properties().etag.strip('"')
        for step in (step for step in state.steps if step.applies):
            container, _, blob = str(step.record).partition("/")
            found = storage.get_blob_client(container, blob).download_blob()
            assert found.properties.metadata["sourceetag"] == etag
            data = found.readall()
            if container == "analysis":
                assert json.loads(data)["result"]["description"]["captions"][0]["text"] == state.caption
            else:
                with Image.open(io.BytesIO(data)) as thumbnail:
                    assert thumbnail.size == thumbnail_of((600, 400), step.what)


@pytest.mark.parametrize("name", ["holiday 2024/día #1.png", "100%.png", "a%2eb.png", "日本/写真.png"])
def test_an_upload_of_any_name_is_processed_by_itself(stack: RunningStack, name: str) -> None:
    stack.upload(name, picture(len(name)))
    assert stack.wait_for(name)[name].state == "complete"


def test_the_same_bytes_under_another_name_get_records_and_cost_nothing(stack: RunningStack) -> None:
    data = picture(100)
    stack.upload("first.png", data)
    stack.wait_for("first.png")
    paid = stack.paid_calls()
    assert hashlib.sha256(data).hexdigest() in paid["analyze"]
    stack.upload("copy.png", data)
    assert stack.wait_for("copy.png")["copy.png"].state == "complete"
    assert stack.paid_calls() == paid


def test_no_bytes_are_paid_twice_for_one_question(stack: RunningStack) -> None:
    analyzed = stack.paid_calls()["analyze"]
    assert len(analyzed) == len(set(analyzed))


class Poller:
    """Follows Location, as the polling trigger of Logic Apps does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.told: list[str] = []

    def has_told(self, name: str) -> bool:
        """Ask once; whether that image has been told by now."""
        answer = requests.get(self.address, timeout=60)
        images = answer.json()["images"]
        assert (answer.status_code, int(answer.headers["Retry-After"]) in (1, 60)) == (200 if images else 202, True)
        self.told += [image["name"] for image in images]
        assert {image["state"] for image in images} <= {"complete", "failed"}
        self.address = answer.headers["Location"]
        return name in self.told


def test_pollers_that_follow_location_are_told_each_result_once(stack: RunningStack) -> None:
    images = f"http://127.0.0.1:{stack.addresses.port}/api/images"
    now, ever = Poller(f"{images}?since=now"), Poller(f"{images}?since=2020-01-01T00:00:00Z&limit=3")
    assert not now.has_told("told/ä.png")
    stack.upload("told/ä.png", picture(8))
    assert stack.wait_for("told/ä.png")["told/ä.png"].state == "complete"
    for poller in (now, ever):
        wait_until(lambda poller=poller: poller.has_told("told/ä.png"), poll_seconds=0.5)
    stack.upload("told/none.png", b"no pixels")
    for poller in (now, ever):
        wait_until(lambda poller=poller: poller.has_told("told/none.png"), poll_seconds=0.5)
        assert len(set(poller.told)) == len(poller.told)
    assert [name for name in now.told if name.startswith("told/")] == ["told/ä.png", "told/none.png"]
    assert {*SAMPLES, "told/ä.png", "told/none.png"} <= set(ever.told)


def test_adding_a_file_prints_what_was_found(stack: RunningStack, tmp_path: Path) -> None:
    added = tmp_path / "added.png"
    added.write_bytes(picture(7))
    answer = local(stack, "add", str(added))
    assert answer.returncode == 0, answer.stderr
    assert "thumbnails/added.png/" in answer.stdout
    assert "caption" in answer.stdout


def test_adding_what_is_no_image_fails_with_the_reason(stack: RunningStack, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("these are no pixels")
    answer = local(stack, "add", str(text))
    assert answer.returncode == 1
    assert "analysis is failed" in answer.stdout
    assert "(not_an_image)" in answer.stdout


def test_a_second_start_on_the_same_state_or_ports_is_refused(stack: RunningStack, tmp_path: Path) -> None:
    answer = local(stack, "start")
    assert answer.returncode == 1
    assert "is in use by a running stack" in answer.stderr
    answer = local(RunningStack(stack.addresses, tmp_path), "start")
    assert answer.returncode == 1
    assert f"{stack.addresses.port} (host)" in answer.stderr


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_comes_back_and_no_upload_is_lost(stack: RunningStack, part: str) -> None:
    before = stack.pids()[part]
    seed = 20 + PARTS.index(part)
    names = [f"{part}-{number}.png" for number in range(3)]
    for number, name in enumerate(names[:-1]):
        stack.upload(name, picture(seed + 10 * number))
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: stack.pids().get(part, before) != before)
    stack.upload(names[-1], picture(seed + 50))
    assert {state.state for state in stack.wait_for(*names).values()} == {"complete"}
    assert stack.has_said(f"{part} was killed by SIGKILL; starting it again")


def test_a_restart_keeps_every_result_and_pays_for_nothing_again(stack: RunningStack) -> None:
    stack.upload("kept.png", picture(6))
    stack.wait_for("kept.png")
    paid = stack.paid_calls()
    assert stack.stop(signal.SIGTERM) == 0, stack.output
    assert not stack.has_processes()
    stack.start()
    assert {state.state for state in stack.wait_for(*SAMPLES, "kept.png").values()} == {"complete"}
    assert stack.paid_calls() == paid


def test_killing_the_supervisor_leaves_no_process_and_the_next_start_works(stack: RunningStack) -> None:
    stack.stop(signal.SIGKILL)
    stack.start()
    assert set(stack.pids()) == set(PARTS)
    stack.stop(signal.SIGKILL)
    wait_until(lambda: not stack.has_processes())
    stack.start()


def local(stack: RunningStack, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the local stack against *stack*."""
    options = ["--port", str(stack.addresses.port), "--state", str(stack.state)]
    line = [sys.executable, "-m", "local", command, *words, *options]
    return subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, timeout=100)
