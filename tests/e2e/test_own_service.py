"""`make start VISION=azure` in a fresh clone: everything is local but Computer Vision, whose calls are paid."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from doubles.azure_vision import KEY, OwnService, running_own_service
from doubles.calls import call
from doubles.checkout import Place, TypedStack, environment, publish
from doubles.identity_endpoint import running_identity_endpoint
from doubles.pictures import picture
from doubles.ports import five_free_ports

from local.addresses import Addresses

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def service() -> Iterator[OwnService]:
    with running_own_service() as service:
        yield service


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, service: OwnService) -> Place:
    folder = tmp_path_factory.mktemp("clone")
    place = Place(folder / "blobsight", five_free_ports(), publish(folder / "repository"))
    place.set_up()
    values = {"VISION_ENDPOINT": service.url, "VISION_KEY": KEY, "ImagesStorage": "AccountName=x;AccountKey=eA=="}
    (place.folder / "local.settings.json").write_text(json.dumps({"Values": values}))
    return place


@pytest.fixture
def stack(place: Place) -> Iterator[TypedStack]:
    stack = TypedStack(Addresses(place.port), place.folder / ".blobsight-azure")
    yield stack
    stack.press_ctrl_c()


def typed(place: Place, *words: str) -> str:
    return " ".join([*words, place.make("start"), f"PORT={place.port}", "VISION=azure"])


def test_with_a_key_of_the_file_images_are_analyzed_there_and_no_sample_is_sent(
    place: Place, service: OwnService, stack: TypedStack
) -> None:
    stack.type_in(place.folder, typed(place), until="Ctrl-C stops everything")
    storage, service_line, cost, *_ = stack.lines
    assert storage.startswith("ImagesStorage of local.settings.json is not used: ")
    assert service_line == f"Computer Vision is your own service at 127.0.0.1:{service.port}: you pay for its calls\n"
    assert "at most 39 transactions" in cost
    assert f"`make start VISION=azure SAMPLES=yes PORT={place.port}` sends them" in cost
    assert set(stack.pids()) == {"azurite", "host", "events"}
    assert KEY not in stack.output
    assert service.paid() == {}
    stack.upload("mine.png", picture("PNG"))
    assert stack.wait_for("mine.png")["mine.png"].state == "complete"
    assert service.paid() == {"analyze": 1, "areaOfInterest": 1}


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("VISION_KEY=revoked", "Computer Vision refused the key of VISION_KEY"),
        ("VISION_ENDPOINT=http://127.0.0.1:1", "Computer Vision could not be asked"),
    ],
)
def test_a_service_that_does_not_let_the_app_in_is_told_and_everything_stops(
    place: Place, setting: str, reason: str
) -> None:
    command = ["bash", "-c", typed(place, setting)]
    answer = subprocess.run(command, cwd=place.folder, env=environment(), capture_output=True, text=True, timeout=100)
    assert answer.returncode != 0
    assert f"start: the app cannot work with this service or its storage\n  {reason}" in answer.stderr
    assert "ready after" not in answer.stdout
    assert not TypedStack(Addresses(place.port), place.folder).has_processes()


def test_with_an_identity_it_needs_no_key(place: Place, service: OwnService, stack: TypedStack) -> None:
    identity = "0a1f7c52-0000-4000-8000-000000000000"
    with running_identity_endpoint(identity, lifetime_seconds=3600, grace_seconds=0) as endpoint:
        own = {**endpoint.environment, "AZURE_CLIENT_ID": identity, "VISION_AUTH": "identity", "VISION_KEY": ""}
        settings = [f"{name}={value}" for name, value in own.items()]
        stack.type_in(place.folder, typed(place, *settings), until="Ctrl-C stops everything")
        assert call(place.port, "GET", "/api/health").status == 200
        assert [given.client_id for given in endpoint.given] == [identity]
