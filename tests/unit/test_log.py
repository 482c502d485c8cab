import logging
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import log

LOGGER = logging.getLogger("test.log")


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
