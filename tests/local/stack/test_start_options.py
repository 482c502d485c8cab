"""What `start` is told to do: parts, whose Computer Vision, samples; and what contradicts itself is refused."""

from pathlib import Path

import pytest

from local.addresses import AZURE_STATE, DEFAULT_STATE
from local.stack.options import PARTS, parse


def test_without_options_every_part_is_started_and_the_samples_are_sent() -> None:
    choice = parse([])
    assert (choice.parts, choice.samples, choice.state, choice.words) == (frozenset(PARTS), True, DEFAULT_STATE, "")


def test_without_a_host_nothing_is_sent() -> None:
    choice = parse(["--no-host", "--port", "17571", "--state", "/a b"])
    assert (choice.parts, choice.samples, choice.for_debugger) == ({"azurite", "vision", "events"}, False, True)
    assert (choice.has_app, choice.words) == (False, "--state '/a b' ")


def test_only_these_parts_are_started_in_whatever_order_they_are_named() -> None:
    choice = parse(["--only", "host, azurite"])
    assert (choice.parts, choice.samples, choice.for_debugger) == ({"azurite", "host"}, False, False)
    assert parse(["--only", "events,host,vision,azurite"]).samples


def test_with_ones_own_service_there_is_no_local_one_and_samples_are_sent_only_on_demand() -> None:
    choice = parse(["--vision", "azure"])
    assert (choice.parts, choice.samples, choice.state) == ({"azurite", "host", "events"}, False, AZURE_STATE)
    assert parse(["--vision", "azure", "--samples", "--once"]).samples
    assert parse(["--vision", "azure", "--state", "/a"]).state == Path("/a")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--only azurite,redis", "'redis' is no part of the stack: give some of azurite,vision,host,events"),
        ("--only azurite --no-host", "--only"),
        ("--only azurite,vision --vision azure", "`vision`"),
        ("--only azurite --enable-auth", "--enable-auth is for the host"),
        ("--no-host --enable-auth", "--enable-auth is for the host"),
        ("--only azurite,host --once", "need every part"),
        ("--no-host --samples", "need every part"),
        ("--samples --no-samples", "contradict"),
        ("--once --vision azure", "add --samples. `python -m local start --vision azure` says what they cost"),
        ("--vision mine", "choose from"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    words: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(words.split())
    assert told in capsys.readouterr().err


def test_a_demo_that_would_cost_money_is_refused_in_the_words_of_make(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLOBSIGHT_MAKE", "1")
    with pytest.raises(SystemExit, match="2"):
        parse(["--once", "--vision", "azure"])
    told = "make demo sends the samples, which your own service bills: add SAMPLES=yes. `make start VISION=azure` says"
    assert told in capsys.readouterr().err
