import hashlib
import json
import logging
import os
import re
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import log, threads
from shared.errors import SettingsError, StorageError
from shared.settings import log_names

LOGGER = logging.getLogger("test.log")
PROJECT = Path(__file__).resolve().parents[2]


class Lines(logging.Handler):
    """What was logged, as the worker would hand it on."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


@pytest.mark.parametrize(("seconds", "told"), [(5.0, "5"), (2.26, "2.3"), (0.5, "0.5"), (7, "7")])
def test_seconds_are_short_numbers(lines: pytest.LogCaptureFixture, seconds: float, told: str) -> None:
    log.event(LOGGER, "step.deferred", seconds=seconds)
    assert lines.messages == [f"step.deferred seconds={told} correlation=-"]


def test_an_event_is_one_line_of_fields(lines: pytest.LogCaptureFixture) -> None:
    log.event(LOGGER, "image.analyzed", blob="a.jpg", milliseconds=412)
    assert lines.messages == ["image.analyzed blob=a.jpg milliseconds=412 correlation=-"]
    assert lines.records[0].levelno == logging.INFO


def test_a_value_cannot_look_like_another_field_or_line(lines: pytest.LogCaptureFixture) -> None:
    log.event(LOGGER, "image.gone", blob='a b=c"\n2026 image.analyzed', empty="", none=None)
    assert lines.messages == ['image.gone blob="a b=c\\"\\n2026 image.analyzed" empty="" none=- correlation=-']


@given(st.text(max_size=60))
def test_whatever_a_blob_is_called_the_line_has_the_same_fields(name: str) -> None:
    handler = Lines()
    logger = logging.Logger("test.log.fields")
    logger.addHandler(handler)
    log.event(logger, "image.gone", blob=name)
    (line,) = handler.texts
    assert len(line.splitlines()) == 1
    assert re.fullmatch(r'image\.gone blob=([^\s"=]+|"(\\.|[^"\\])*") correlation=-', line)


def test_everything_inside_carries_the_given_identifier(lines: pytest.LogCaptureFixture) -> None:
    with log.correlated("abc") as correlation:
        log.event(LOGGER, "image.gone")
        assert correlation == log.correlation_id() == "abc"
    assert lines.messages == ["image.gone correlation=abc"]
    assert log.correlation_id() == "-"


def test_an_identifier_is_made_up_where_there_is_none() -> None:
    with log.correlated(None) as one, log.correlated("") as other:
        assert re.fullmatch("[0-9a-f]{32}", one)
        assert one != other


def test_the_identifier_ends_with_its_invocation_even_after_an_error() -> None:
    with pytest.raises(ValueError, match="boom"), log.correlated("abc"):
        raise ValueError("boom")
    assert log.correlation_id() == "-"


def test_each_thread_has_its_own_identifier() -> None:
    seen: list[str] = []
    with log.correlated("mine"):
        thread = threading.Thread(target=lambda: seen.append(log.correlation_id()))
        thread.start()
        thread.join()
    assert seen == ["-"]


def test_what_is_not_wanted_is_not_even_put_together(caplog: pytest.LogCaptureFixture) -> None:
    class Loud:
        def __str__(self) -> str:
            raise AssertionError("was asked for its text")

    caplog.set_level(logging.WARNING)
    log.event(LOGGER, "image.gone", blob=Loud())
    assert caplog.messages == []


NAME = "Hüsch Zebra8173.jpg"
FORMS = (NAME, quote(NAME), json.dumps(NAME)[1:-1], "Zebra8173")
DIGEST = "sha256:" + hashlib.sha256(NAME.encode()).hexdigest()[:16]


@pytest.fixture
def hidden() -> None:
    log.configure("hash")


def tells_the_name(text: str) -> bool:
    return any(form in text for form in FORMS)


@pytest.mark.usefixtures("hidden")
def test_a_name_becomes_a_digest(lines: pytest.LogCaptureFixture) -> None:
    log.event(LOGGER, "step.done", blob=NAME, step="analysis", seconds=1.5)
    log.event(LOGGER, "text.stored", blob=None)
    assert lines.messages == [
        f"step.done blob={DIGEST} step=analysis seconds=1.5 correlation=-",
        "text.stored blob=- correlation=-",
    ]


@pytest.mark.usefixtures("hidden")
@pytest.mark.parametrize("name", ["-", "", "\ud800", "x" * 1024])
def test_any_name_becomes_a_digest(lines: pytest.LogCaptureFixture, name: str) -> None:
    log.event(LOGGER, "image.gone", blob=name)
    assert re.fullmatch("image.gone blob=sha256:[0-9a-f]{16} correlation=-", lines.messages[0])


@pytest.mark.usefixtures("hidden")
def test_of_a_text_that_may_quote_a_name_stays_the_code(lines: pytest.LogCaptureFixture) -> None:
    for problem in (StorageError(f"No answer for images/{NAME}."), f"No answer for {NAME}", KeyError(NAME)):
        log.event(LOGGER, "request.refused", problem=problem)
    assert [line.split()[1] for line in lines.messages] == [
        "problem=storage_unavailable",
        "problem=withheld",
        "problem=KeyError",
    ]


@pytest.mark.usefixtures("hidden")
def test_a_message_about_settings_stays(lines: pytest.LogCaptureFixture) -> None:
    error = SettingsError(["VISION_KEY is not set"])
    log.event(LOGGER, "upload.deferred", problem=error)
    assert "VISION_KEY is not set" in lines.messages[0]
    assert log.quiet(error) is error


@pytest.mark.usefixtures("hidden")
def test_a_field_that_is_not_known_becomes_a_digest(lines: pytest.LogCaptureFixture) -> None:
    log.event(LOGGER, "image.gone", forgotten=NAME, number=7, there=True)
    assert lines.messages == [f"image.gone forgotten={DIGEST} number=7 there=True correlation=-"]


@pytest.mark.usefixtures("hidden")
def test_what_a_caller_sends_as_identifier_becomes_a_digest_in_the_log_only(lines: pytest.LogCaptureFixture) -> None:
    guid = "085e08a1-4fee-44ab-86ab-1dc0d3bbae51"
    for sent in (guid, guid.replace("-", ""), NAME):
        with log.correlated(sent, sent=True) as correlation:
            assert correlation == log.correlation_id() == sent
            log.event(LOGGER, "image.gone")
    with log.correlated("0x8DE,analyze-1"):
        log.event(LOGGER, "image.gone")
    told = [line.partition("correlation=")[2] for line in lines.messages]
    assert told == [guid, guid.replace("-", ""), DIGEST, "0x8DE,analyze-1"]


def failing() -> None:
    try:
        raise KeyError(NAME)
    except KeyError as error:
        try:
            raise OSError(NAME)
        except OSError:
            raise StorageError(f"No answer for {NAME}.") from error


def left() -> Exception:
    """What leaves a function whose work fails."""
    context: Any = SimpleNamespace(invocation_id="1", thread_local_storage=SimpleNamespace())
    with pytest.raises(Exception) as raised, threads.invocation(context):  # noqa: PT011  # of any type
        failing()
    assert isinstance(raised.value, Exception)
    return raised.value


@pytest.mark.usefixtures("hidden")
def test_an_error_that_leaves_a_function_has_its_type_and_traceback_and_no_name() -> None:
    error = left()
    text = "".join(traceback.format_exception(error))
    assert not tells_the_name(text)
    assert (type(error).__name__, str(error)) == ("StorageError", "storage_unavailable")
    assert "in failing" in text
    assert "KeyError: withheld" in text
    assert not tells_the_name(repr(error))


def test_with_plain_names_an_error_leaves_as_it_is() -> None:
    error = left()
    assert isinstance(error, StorageError)
    assert tells_the_name(str(error))
    assert isinstance(error.__cause__, KeyError)


@pytest.mark.parametrize(
    ("value", "mode"), [("", "plain"), ("plain", "plain"), ("hash", "hash"), (" hash ", "hash"), ("hashed", "hash")]
)
def test_the_setting_holds_where_others_are_wrong_and_a_wrong_one_hides(value: str, mode: str) -> None:
    assert log_names({"LOG_NAMES": value}) == mode
    assert log_names({}) == "plain"


@pytest.mark.parametrize(("setting", "told"), [("hash", DIGEST), ("hashed", DIGEST), ("plain", f'blob="{NAME}"')])
def test_a_function_of_an_app_whose_settings_are_wrong_keeps_to_the_setting(setting: str, told: str) -> None:
    """No other setting is there, so nothing is built."""
    code = (
        "import logging, sys\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stdout)\n"
        "import AnalyzeOnUpload\n"
        "from types import SimpleNamespace\n"
        "import asyncio\n"
        "context = SimpleNamespace(invocation_id='1', thread_local_storage=SimpleNamespace())\n"
        f"image = SimpleNamespace(name='images/{NAME}', read=lambda: b'')\n"
        "try:\n"
        "    asyncio.run(AnalyzeOnUpload.main(image, '{}', context))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    environment = {"LOG_NAMES": setting, "PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    lines = [line for line in run.stdout.splitlines() if "upload.deferred" in line]
    assert len(lines) == 1, run.stdout + run.stderr
    assert told in lines[0]
    assert "VISION_ENDPOINT is not set" in lines[0]
    assert tells_the_name(run.stdout) is (setting == "plain")
