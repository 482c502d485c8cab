"""
What an upload is paid for, by the statistics of the local service, at default settings but for the thumbnails' sizes.

The parts of one stack run for all tests; only the host is started anew with other settings.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from doubles.calls import call
from doubles.hosting import PROJECT_ROOT, running_host
from doubles.photographs import as_image
from doubles.picture_files import heic
from doubles.pictures import picture
from doubles.ports import five_free_ports
from doubles.running_stack import RunningStack
from PIL import Image

from local.addresses import Addresses

pytestmark = pytest.mark.e2e

SIX_SIZES = "64x64,200x150,150x200,320x80,80x320,1024x768"
ONCE = {"analyze": 1, "areaOfInterest": 1}
THING = {"rectangle": {"x": 300, "y": 40, "w": 60, "h": 60}, "object": "thing", "confidence": 0.9}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """All parts but the host."""
    stack = RunningStack(Addresses(five_free_ports()), tmp_path_factory.mktemp("calls"))
    stack.start("--no-host")
    yield stack
    assert stack.stop() == 0, stack.output
    assert not stack.has_processes()


@contextmanager
def host_with(stack: RunningStack, sizes: str) -> Iterator[None]:
    """The host of the stack, with these sizes of thumbnails."""
    options = ("--in-stack", "--port", str(stack.addresses.port))
    with running_host(PROJECT_ROOT, stack.state, *options, environment={"THUMBNAIL_SIZES": sizes}) as host:
        yield
        assert host.terminate() == 0, "".join(host.log)


@contextmanager
def paid(stack: RunningStack, **calls: int) -> Iterator[None]:
    """Inside, exactly these calls are paid for."""
    before = count(stack)
    yield
    assert count(stack) - before == calls


def count(stack: RunningStack) -> Counter[str]:
    return Counter({operation: len(digests) for operation, digests in stack.paid_calls().items()})


def thumbnails(stack: RunningStack, name: str) -> list[str]:
    with stack.storage() as storage:
        return sorted(storage.get_container_client("thumbnails").list_blob_names(name_starts_with=f"{name}/"))


def upload(stack: RunningStack, name: str, data: bytes) -> None:
    stack.upload(name, data)
    assert stack.wait_for(name)[name].state == "complete"


def test_one_size_and_six_cost_one_analysis_and_one_area_of_interest_and_the_rest_is_free(
    stack: RunningStack, tmp_path: Path
) -> None:
    with host_with(stack, "64x64"):
        with paid(stack, **ONCE):
            upload(stack, "one.png", picture("PNG", 400, 300, colour=(200, 30, 40)))
        assert len(thumbnails(stack, "one.png")) == 1
    with host_with(stack, SIX_SIZES):
        data = picture("PNG", 400, 300, colour=(30, 60, 200))
        with paid(stack, **ONCE):
            upload(stack, "six.png", data)
        assert len(thumbnails(stack, "six.png")) == 6
        with paid(stack):
            upload(stack, "copy.png", data)
            check_other_formats_and_sizes(stack, "six.png")
        with paid(stack, analyze=1):
            upload(stack, "named.png", with_a_thing_in_it(stack))
        with paid(stack, **ONCE):
            add_a_heic(stack, tmp_path)


def check_other_formats_and_sizes(stack: RunningStack, name: str) -> None:
    for query, form, size in (
        ("width=64&height=64&format=webp", "WEBP", (64, 64)),
        ("width=90&height=30", "JPEG", (90, 30)),
        ("width=90&height=30&format=webp", "WEBP", (90, 30)),
    ):
        response = call(stack.addresses.port, "GET", f"/api/thumbnail/{name}?{query}")
        assert response.status == 200, response.text
        image = as_image(response.body)
        assert (image.format, image.size) == (form, size)


def with_a_thing_in_it(stack: RunningStack) -> bytes:
    """A picture of which the service's script says where something is."""
    data = picture("PNG", 400, 300, colour=(30, 200, 60))
    answers = stack.state / "vision" / "answers"
    answers.mkdir(parents=True, exist_ok=True)
    script = {"analyze": {"objects": [THING]}}
    (answers / f"{hashlib.sha256(data).hexdigest()}.json").write_text(json.dumps(script))
    return data


def add_a_heic(stack: RunningStack, folder: Path) -> None:
    file = folder / "held.heic"
    file.write_bytes(heic(Image.new("RGB", (300, 400), (200, 200, 60)), orientation=6))
    answer = stack.run("add", str(file))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "held.heic: complete" in answer.stdout
    assert len(thumbnails(stack, "held.heic")) == 6
