"""
The app with the settings that `infra/` gives it, on storage accounts that refuse keys and a Computer Vision that has
none: an identity and its tokens alone.

Tokens live 8 seconds here, so that several end while the app works. For storage and for Computer Vision, the app asks
for the next token in the last quarter of the life of the one before and not earlier, however many calls need it. The
local host, which is in the same process, comes to the images as the same identity. It asks for a token where it needs
one that ends within five minutes: here once for each of its own calls, to its queue and to the image of an event.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from doubles.calls import Response, call
from doubles.documents import text_pdf
from doubles.identity_endpoint import Given
from doubles.keyless_stack import (
    BOOKKEEPING,
    FOR_BOOKKEEPING,
    FOR_IMAGES,
    HEALTH_KEY,
    IDENTITY,
    IMAGES,
    NO_KEYS,
    STORAGE,
    VISION,
    Azure,
    KeylessStack,
    running_azure,
    running_keyless_stack,
)
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.stack_controls import faults
from doubles.storage_gateway import Seen

from shared.settings import described

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
LIFETIME_SECONDS = 8
TOKENS = 4
ROLE = "Storage Blob Data Owner"
PARAMETERS = {"thumbnailSizes": "64x64"}
# What the platform, the certificate and the test need beside the settings of the deployment.
BESIDE = {"REQUESTS_CA_BUNDLE", "HEALTH_KEY"}
JSON = {"Content-Type": "application/json"}
KEYS = ("AccountKey", "SharedAccessSignature", "sig=", "local-vision-key")


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    folder = tmp_path_factory.mktemp("azure")
    with pytest.MonkeyPatch.context() as patch, running_azure(folder, lifetime_seconds=LIFETIME_SECONDS) as azure:
        patch.setenv("REQUESTS_CA_BUNDLE", str(azure.certificate[0]))
        yield azure


def ask(stack: KeylessStack, method: str, path: str, body: object = None, headers: dict[str, str] = JSON) -> Response:
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    return call(stack.addresses.port, method, path, data, headers)


def state(stack: KeylessStack, name: str) -> dict[str, Any]:
    """What the app says of an image; nothing before it has heard of it."""
    answer = ask(stack, "GET", f"/api/images/{name}")
    return answer.json() if answer.status == 200 else {"state": "unknown"}


def wait_for_state(stack: KeylessStack, expected: str, *names: str) -> None:
    wait_until(lambda: {state(stack, name)["state"] for name in names} == {expected}, poll_seconds=0.2)


def try_again(stack: KeylessStack, name: str) -> None:
    """Have it tried at once; its appointment may come first, and nothing is left then."""
    answer = ask(stack, "POST", "/api/unfinished/retry", {"name": name})
    assert answer.status in (202, 404), answer.text


def problems(stack: KeylessStack) -> dict[str, dict[str, str]]:
    """What the app says is wrong, by part; it looks every half a minute, and a busy machine may be late for a look."""
    answer = ask(stack, "GET", "/api/health", headers={"x-functions-key": HEALTH_KEY})
    return {each["part"]: each for each in answer.json()["problems"]}


def has_its_books(stack: KeylessStack) -> bool:
    """Whether a free call of Computer Vision has found the pace of all processes in storage again."""
    ask(stack, "GET", "/api/domains")
    return "quota.reached_again" in stack.log()


def check_denial(told: dict[str, str]) -> None:
    """It says what storage said, and which role is missing on which account."""
    assert told["code"] == "storage_denied"
    assert "AuthorizationPermissionMismatch" in told["message"]
    for each in (ROLE, BOOKKEEPING, "AzureWebJobsStorage", FOR_BOOKKEEPING):
        assert each in told["action"]


def records(stack: KeylessStack, name: str) -> set[str]:
    with stack.storage() as storage:
        return {
            f"{container}/{blob}"
            for container in ("analysis", "text", "thumbnails", "unfinished")
            for blob in storage.get_container_client(container).list_blob_names()
            if name in blob
        }


def given(azure: Azure, resource: str, client_id: str) -> list[Given]:
    return [each for each in azure.endpoint.given if (each.resource, each.client_id) == (resource, client_id)]


def is_the_hosts(seen: Seen) -> bool:
    """Whether the local host may have asked for it: a queue, or the content of an image."""
    return seen.role.service == "queue" or seen.path.startswith(f"/{IMAGES}/images/")


def used_by_the_app(azure: Azure) -> list[Given]:
    """The tokens with which the app came to storage, in the order in which they were given."""
    used = {each.token for each in azure.gateway.seen if not is_the_hosts(each)}
    return [each for each in given(azure, STORAGE, IDENTITY) if each.token in used]


def uploads(stack: KeylessStack) -> None:
    """An image is looked at, a document is read, a thumbnail is made on the way."""
    stack.upload("boat.png", picture("PNG", 90, 70, colour=(10, 60, 200)))
    stack.upload("letter.pdf", text_pdf("No key", "was needed"))
    wait_for_state(stack, "complete", "boat.png", "letter.pdf")
    assert records(stack, "boat.png") == {"analysis/boat.png.json", "thumbnails/boat.png/64x64-smart.jpg"}
    assert records(stack, "letter.pdf") == {"text/letter.pdf.json", "text/letter.pdf.txt"}
    with stack.storage() as storage:
        assert storage.get_blob_client("text", "letter.pdf.txt").download_blob().readall() == b"No key\nwas needed\n"
    made = ask(stack, "GET", "/api/thumbnail/boat.png?width=50&height=40")
    assert (made.status, made.header("Content-Type")) == (200, "image/jpeg")


def retry(stack: KeylessStack) -> None:
    """What Computer Vision did not do is done when it is asked for again."""
    with faults(stack, status={"403": 1.0}):
        stack.upload("late.png", picture("PNG", 90, 70, colour=(200, 60, 10)))
        wait_for_state(stack, "deferred", "late.png")
        assert state(stack, "late.png")["analysis"]["problem"]["code"] == "vision_forbidden"
    try_again(stack, "late.png")
    wait_for_state(stack, "complete", "late.png")


def purge(stack: KeylessStack) -> None:
    """The daily round lists what was sent to be read, which is in the account of the ledger."""
    assert ask(stack, "POST", "/admin/functions/PurgeHistory", {"input": ""}).status == 202
    wait_until(lambda: "history.purged" in stack.log())


def tokens_end(stack: KeylessStack) -> None:
    """The app works on until each of its tokens has ended several times."""
    numbers = iter(range(250))

    def several() -> bool:
        number = next(numbers)
        stack.upload(f"{number}.png", picture("PNG", 90, 70, colour=(number, 9, 90)))
        wait_for_state(stack, "complete", f"{number}.png")
        return all(len(tokens) >= TOKENS for tokens in tokens_of_the_app(stack.azure).values())

    wait_until(several, poll_seconds=0.3)


def tokens_of_the_app(azure: Azure) -> dict[str, list[Given]]:
    """All that it used, by resource: one after the other for both of its accounts."""
    return {STORAGE: used_by_the_app(azure), VISION: given(azure, VISION, IDENTITY)}


def check_settings(stack: KeylessStack) -> None:
    """The app has those of `infra/`, each with the value that it gives, and no others."""
    deployed = stack.azure.settings(stack.addresses.vision_url, **PARAMETERS)
    assert {name: stack.environment[name] for name in deployed} == deployed
    own = {setting["name"] for setting in described()}
    assert {name for name in own if stack.environment[name]} == {name for name in own if deployed.get(name)} | BESIDE
    assert {stack.environment[name] for name in NO_KEYS} == {""}
    assert [name for name, value in stack.environment.items() if any(key in value for key in KEYS)] == []


def test_with_the_settings_of_the_deployment_everything_is_done_with_tokens_that_end_and_are_asked_for_once_each(
    azure: Azure, tmp_path: Path
) -> None:
    with running_keyless_stack(azure, tmp_path, parameters=PARAMETERS) as stack:
        check_settings(stack)
        uploads(stack)
        retry(stack)
        purge(stack)
        tokens_end(stack)
        wait_until(lambda: problems(stack) == {}, poll_seconds=0.5)
    seen = list(azure.gateway.seen)
    assert {each.shown for each in seen} == {"Bearer"}
    assert {(each.role.account, each.role.service) for each in seen} >= {
        (IMAGES, "blob"),
        (IMAGES, "queue"),
        (BOOKKEEPING, "blob"),
    }
    assert azure.endpoint.refused == []
    for resource, tokens in tokens_of_the_app(azure).items():
        for before, after in pairwise(tokens):
            assert after.asked_at >= before.expires_on - LIFETIME_SECONDS / 4, resource
    hosts = [each for each in seen if is_the_hosts(each)]
    # And one that the app may have fetched and not used any more.
    assert len(given(azure, STORAGE, IDENTITY)) <= len(used_by_the_app(azure)) + len(hosts) + 1
    assert set(azure.endpoint.counts()) == {(STORAGE, IDENTITY), (VISION, IDENTITY)}
    print(f"tokens: {azure.endpoint.counts()}, calls to storage: {len(seen)}")


def test_a_missing_role_is_told_with_its_account_and_once_it_is_given_everything_finishes(
    azure: Azure, tmp_path: Path
) -> None:
    azure.gateway.deny(BOOKKEEPING, "blob")
    each_its_own = {"ImagesStorage__clientId": FOR_IMAGES, "AzureWebJobsStorage__clientId": FOR_BOOKKEEPING}
    with running_keyless_stack(azure, tmp_path, parameters=PARAMETERS, others=each_its_own) as stack:
        stack.upload("denied.png", picture("PNG", 90, 70, colour=(1, 200, 99)))
        wait_for_state(stack, "deferred", "denied.png")
        check_denial(state(stack, "denied.png")["analysis"]["problem"])
        with stack.storage() as storage:
            record = storage.get_blob_client("unfinished", "analysis/denied.png.json").download_blob().readall()
        check_denial(json.loads(record))
        wait_until(lambda: "storage_denied" in {each["code"] for each in problems(stack).values()}, poll_seconds=0.5)
        check_denial(problems(stack)["host"])
        azure.gateway.lacking.clear()
        # What is retried before that comes in no order within a minute.
        wait_until(lambda: has_its_books(stack), poll_seconds=0.5)
        try_again(stack, "denied.png")
        wait_for_state(stack, "complete", "denied.png")
    assert set(azure.endpoint.counts()) == {(STORAGE, FOR_IMAGES), (STORAGE, FOR_BOOKKEEPING), (VISION, IDENTITY)}
    came = {each.token: each.role.account for each in azure.gateway.seen}
    for client_id, account in ((FOR_IMAGES, IMAGES), (FOR_BOOKKEEPING, BOOKKEEPING)):
        assert {came.get(each.token, account) for each in given(azure, STORAGE, client_id)} == {account}
