"""What is deleted is gone within seconds from the whole account, and what has the same bytes stays."""

import io
from collections.abc import Iterator
from contextlib import suppress

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import StandardBlobTier
from doubles.patience import wait_until
from doubles.running_stack import RunningStack
from PIL import Image, ImageDraw

from local import health_report
from local.health_key import likely_keys
from local.samples import sample_files

pytestmark = pytest.mark.e2e
# With a folder, and letters that are no ASCII: each container encodes or keeps them in its own way.
GONE, COPY = "2026/día am Meer.png", "copy by the sea.png"
WORDS = ("día am Meer", "d%C3%ADa")


def picture() -> bytes:
    """An image that no other test has."""
    image = Image.new("RGB", (640, 480), (40, 120, 200))
    ImageDraw.Draw(image).ellipse((100, 60, 420, 400), fill=(250, 190, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def places(stack: RunningStack, *words: str) -> list[str]:
    """Every blob of the account in whose name or content one of *words* stands, as `container/name`."""
    return sorted(_places(stack, *words))


def _places(stack: RunningStack, *words: str) -> Iterator[str]:
    with stack.storage() as storage:
        for container in [each.name for each in storage.list_containers()]:
            client = storage.get_container_client(container)
            for blob in client.list_blobs(include=["snapshots", "metadata"]):
                content = f"{blob.name} {blob.metadata}"
                # The index tells of it until a fold an hour later (tests/unit/lifecycle/test_nothing_is_left.py).
                if container not in ("images", "inputs", "index") and (blob.size or 0) < 1_000_000:
                    # Gone since the listing: a blob that is deleted is in no place.
                    with suppress(ResourceNotFoundError):
                        content += client.download_blob(blob.name).readall().decode(errors="replace")
                if any(word in content for word in words):
                    yield f"{container}/{blob.name}"


def test_a_removed_image_takes_its_records_with_it_and_a_copy_stays(shared_stack: RunningStack) -> None:
    stack, data = shared_stack, picture()
    stack.upload(GONE, data)
    stack.wait_for(GONE)
    paid = stack.paid_calls()
    stack.upload(COPY, data)
    assert stack.wait_for(COPY)[COPY].state == "complete"
    kept = places(stack, COPY)
    containers = {place.partition("/")[0] for place in places(stack, *WORDS)}
    assert {"images", "analysis", "thumbnails", "owners"} <= containers

    answer = stack.run("remove", GONE)
    assert answer.returncode == 0, answer.stderr
    assert "1 removed. Its records go within seconds" in answer.stdout
    wait_until(lambda: not places(stack, *WORDS))
    assert places(stack, COPY) == kept

    # An undelete, or a rename by a copy: its answers are there.
    stack.upload(GONE, data)
    assert stack.wait_for(GONE)[GONE].state == "complete"
    assert stack.paid_calls() == paid
    assert stack.run("remove", GONE, COPY).returncode == 0


def test_unfinished_records_go_with_the_image_that_could_not_be_read(shared_stack: RunningStack) -> None:
    stack = shared_stack
    stack.upload("broken-and-gone.jpg", b"these are no pixels")
    assert stack.wait_for("broken-and-gone.jpg")["broken-and-gone.jpg"].state == "failed"
    assert any(place.startswith("unfinished/") for place in places(stack, "broken-and-gone"))
    assert stack.run("remove", "broken-and-gone.jpg").returncode == 0
    wait_until(lambda: not places(stack, "broken-and-gone"))


def test_the_text_of_a_document_goes_with_it(shared_stack: RunningStack) -> None:
    stack = shared_stack
    assert stack.wait_for("minutes.pdf")["minutes.pdf"].state == "complete"
    assert {"text/minutes.pdf.json", "text/minutes.pdf.txt"} <= set(places(stack, "minutes.pdf"))
    assert stack.run("remove", "minutes.pdf").returncode == 0
    wait_until(lambda: not places(stack, "minutes.pdf"))
    # For the tests that come after this one.
    [minutes] = [path for path in sample_files(stack.state / "samples") if path.name == "minutes.pdf"]
    stack.upload("minutes.pdf", minutes.read_bytes())
    assert stack.wait_for("minutes.pdf")["minutes.pdf"].state == "complete"


def test_an_image_that_is_back_from_the_archive_is_processed_by_its_event(shared_stack: RunningStack) -> None:
    stack = shared_stack
    with stack.storage() as storage:
        blob = storage.get_blob_client("images", "archived.png")
        blob.upload_blob(picture(), overwrite=True, standard_blob_tier=StandardBlobTier.ARCHIVE)
        wait_until(lambda: any(each.startswith("unfinished/") for each in places(stack, "archived.png")))
        blob.set_standard_blob_tier("Hot")
    assert stack.wait_for("archived.png")["archived.png"].state == "complete"
    assert stack.run("remove", "archived.png").returncode == 0


def test_a_comparison_that_is_asked_for_ends_and_health_tells_of_it(shared_stack: RunningStack) -> None:
    stack = shared_stack
    answer = stack.run("unfinished", "reconcile")
    assert answer.returncode == 0, answer.stderr
    assert "none of them without a result" in answer.stdout
    (key, *_) = likely_keys(stack.state, stack.state)

    def told() -> list[str]:
        report = health_report.ask(stack.addresses.host_url, key)
        return list(report.reconciliation.lines()) if report.reconciliation else []

    # The app looks at its health twice a minute at most.
    wait_until(lambda: any("images without a result: 0, checked at" in line for line in told()))
