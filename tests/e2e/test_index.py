"""A search finds a complete image within seconds and a deleted one no longer, and the index can be made anew."""

import json
import time
from collections.abc import Callable
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from doubles.patience import wait_until
from doubles.pictures import picture
from doubles.running_stack import RunningStack

pytestmark = pytest.mark.e2e
SECONDS = 5.0
NAME = "2026/Größe im Index.png"
AGAIN = "2026/made again anew.png"


def found(stack: RunningStack, query: str) -> list[str]:
    """The names of the images that a search finds."""
    asked = f"{stack.addresses.host_url}/api/search?{urlencode({'q': query, 'limit': 100})}"
    with urlopen(asked, timeout=30) as answer:
        return [each["name"] for each in json.load(answer)["images"]]


def seconds_until(condition: Callable[[], bool]) -> float:
    begun = time.monotonic()
    wait_until(condition)
    return time.monotonic() - begun


def test_an_image_is_in_the_index_within_seconds_and_leaves_it_as_soon(shared_stack: RunningStack) -> None:
    stack = shared_stack
    stack.upload(NAME, picture("PNG", colour=(11, 120, 40)))
    assert stack.wait_for(NAME)[NAME].state == "complete"
    assert seconds_until(lambda: found(stack, "größe index") == [NAME]) < SECONDS
    assert stack.run("remove", NAME).returncode == 0
    # The watcher tells the app of the deletion first.
    assert seconds_until(lambda: not found(stack, "größe index")) < 2 * SECONDS


def test_the_index_is_made_anew_and_finds_the_same(shared_stack: RunningStack) -> None:
    stack = shared_stack
    stack.upload(AGAIN, picture("PNG", colour=(11, 40, 120)))
    assert stack.wait_for(AGAIN)[AGAIN].state == "complete"
    wait_until(lambda: found(stack, "again anew") == [AGAIN])
    paid = stack.paid_calls()
    answer = stack.run("reindex")
    assert answer.returncode == 0, answer.stderr
    assert "looked at" in answer.stdout
    # A search looks anew once a second.
    wait_until(lambda: found(stack, "again anew") == [AGAIN])
    assert stack.paid_calls() == paid
