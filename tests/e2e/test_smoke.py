"""
The smoke test of a deployment against an app that really runs, without keys: it works, and it names what is wrong.

Azure Resource Manager and the workspace are played. Patience ends when the app has said what it has to say, and not
after seconds that a busy machine may need for itself.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cloud
import pytest
from deployment import event_subscriptions, sample, smoke, wire
from doubles.calls import call
from doubles.clock import FakeClock
from doubles.deployed_app import DeployedApp, running_deployed_app
from doubles.fake_azd import FakeAzd
from doubles.hosting import running_host
from doubles.identity_endpoint import TENANT
from doubles.keyless_stack import (
    BOOKKEEPING,
    IMAGES,
    NO_KEYS,
    STORAGE,
    Azure,
    KeylessStack,
    running_azure,
    running_keyless_stack,
)
from doubles.patience import wait_until
from doubles.stack_controls import faults, vision_stats
from doubles.tokens import token
from doubles.wheels import plant_wheel

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200)]
PROJECT = Path(__file__).resolve().parents[2]
LOOK_SECONDS = 0.1
# Longer than any patience.
LONG_SECONDS = 1000.0


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    folder = tmp_path_factory.mktemp("azure")
    with pytest.MonkeyPatch.context() as patch, running_azure(folder, lifetime_seconds=3600) as azure:
        patch.setenv("REQUESTS_CA_BUNDLE", str(azure.certificate[0]))
        yield azure


@pytest.fixture(scope="module")
def keyless(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeylessStack]:
    folder = tmp_path_factory.mktemp("stack")
    with running_keyless_stack(azure, folder, events=False) as stack:
        yield stack


@pytest.fixture
def without_events(keyless: KeylessStack) -> KeylessStack:
    keyless.supervisor.stop(("events",))
    return keyless


@pytest.fixture
def stack(keyless: KeylessStack) -> KeylessStack:
    """With events, and without any answer that a test before has paid for: it would not be asked again."""
    if "events" not in keyless.supervisor.pids():
        keyless.start_events()
    keyless.forget_answers()
    return keyless


@pytest.fixture
def deployed(azure: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeployedApp]:
    """What azd and Azure say of the deployment, with storage as it really is."""
    now = int(time.time())
    times = {"iat": now, "nbf": now, "exp": now + 3600}
    who = {"aud": STORAGE, "iss": f"https://sts.windows.net/{TENANT}/", "tid": TENANT}
    shown = token({**who, **times})
    FakeAzd(tmp_path, monkeypatch).answers(f'{{"token": "{shown}", "expiresOn": "2100-01-01T00:00:00Z"}}')
    with running_deployed_app(monkeypatch) as deployed:
        monkeypatch.setenv("BLOBSIGHT_IMAGES_BLOB_URL", f"{azure.gateway.url('blob', IMAGES)}/")
        monkeypatch.setenv("SSL_CERT_FILE", str(azure.certificate[0]))
        wire._opener.cache_clear()
        yield deployed
    wire._opener.cache_clear()


class Clock(FakeClock):
    """Stands still until something is so, and then more time has passed than any patience has."""

    def __init__(self, is_so: Callable[[], bool] = lambda: False) -> None:
        super().__init__()
        self._is_so = is_so

    def sleep(self, seconds: float) -> None:
        time.sleep(LOOK_SECONDS)
        if self._is_so():
            self.advance(LONG_SECONDS)


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(deployed: DeployedApp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run it for an app at an address, until something is so; the exit status, and all that was printed."""

    def run(url: str, is_so: Callable[[], bool] = lambda: False) -> tuple[int, str]:
        monkeypatch.setenv("BLOBSIGHT_APP_URL", url)
        status = cloud.main(["smoke"], clock=Clock(is_so), patience=smoke.Patience(look=LOOK_SECONDS))
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def left(stack: KeylessStack) -> list[str]:
    """
    What of the sample and its records is still there.

    A try that began before the sample went may write a record once more, and takes it away itself.
    """
    with stack.storage() as storage:
        containers = [storage.get_container_client(each.name) for each in storage.list_containers()]
        return [f"{each.container_name}/{name}" for each in containers for name in each.list_blob_names()]


def is_deferred(stack: KeylessStack) -> bool:
    answer = call(stack.addresses.port, "GET", f"/api/images/{sample.NAME}")
    return answer.status == 200 and answer.json()["state"] == "deferred"


def test_another_python_is_named(without_events: KeylessStack, run: Run, tmp_path: Path) -> None:
    planted = plant_wheel(tmp_path / "packages", "cp310-cp310-manylinux2014_x86_64")
    # Without storage, so that it takes nothing from the stack's own host.
    environment = {**dict.fromkeys(NO_KEYS, ""), "PYTHONPATH": str(planted)}
    with running_host(PROJECT, tmp_path, environment=environment) as host:
        status, printed = run(host.url)
    assert status == 1
    assert "python_mismatch: The app's packages were built for Python 3.10, and the app runs on" in printed
    wait_until(lambda: left(without_events) == [])


def test_that_nothing_tells_the_app_of_uploads_is_named(without_events: KeylessStack, run: Run) -> None:
    status, printed = run(without_events.addresses.host_url)
    assert status == 1
    assert "No event subscription leads from the images" in printed
    wait_until(lambda: left(without_events) == [])


def test_that_storage_refuses_a_role_is_named_with_the_role(
    stack: KeylessStack, azure: Azure, deployed: DeployedApp, run: Run
) -> None:
    deployed.subscribe(stack.addresses.host_url)
    azure.gateway.deny(BOOKKEEPING, "blob")
    try:
        status, printed = run(stack.addresses.host_url, lambda: is_deferred(stack))
    finally:
        azure.gateway.lacking.clear()
    assert status == 1
    for each in ("storage_denied", "Storage Blob Data Owner", BOOKKEEPING, "AzureWebJobsStorage"):
        assert each in printed


def test_that_computer_vision_refuses_is_named_as_the_app_tells_it(
    stack: KeylessStack, deployed: DeployedApp, run: Run
) -> None:
    deployed.subscribe(stack.addresses.host_url)
    with faults(stack, status={"403": 1.0}):
        status, printed = run(stack.addresses.host_url, lambda: is_deferred(stack))
    assert status == 1
    assert "the app has deferred the sample: vision_forbidden: " in printed
    wait_until(lambda: left(stack) == [])


def test_it_works_once_all_is_well_and_a_second_run_pays_nothing_and_names_a_log_that_does_not_arrive(
    stack: KeylessStack, deployed: DeployedApp, run: Run
) -> None:
    deployed.subscribe(stack.addresses.host_url)
    deployed.subscribe_function(event_subscriptions.CHANGES)
    status, printed = run(stack.addresses.host_url)
    assert status == 0, printed
    for expected in ("caption     a photo in orange", "600x400 pixels, 64474 bytes", "200x150, 1024x768", "3 lines"):
        assert expected in printed
    assert "deletion: the records are gone" in printed
    assert "/api/gallery, and closed to strangers\n" in printed
    assert printed.splitlines()[-1].startswith("Blobsight works")
    wait_until(lambda: left(stack) == [])
    paid = vision_stats(stack)["operations"]
    assert paid
    deployed.rows = 0
    status, printed = run(stack.addresses.host_url, lambda: len(deployed.queries) > 2)
    assert status == 1
    assert "no line has arrived. The app did its work" in printed
    assert vision_stats(stack)["operations"] == paid
