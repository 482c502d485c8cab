import re

import pytest

from shared import errors
from shared.errors import BlobsightError, SettingsError, StorageIdentityError


def descendants(kind: type[BlobsightError]) -> list[type[BlobsightError]]:
    """The class and all below it that the module defines."""
    below = [each for child in kind.__subclasses__() for each in descendants(child)]
    return [kind, *(each for each in below if each.__module__ == errors.__name__)]


KINDS = descendants(BlobsightError)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_error_says_what_the_layers_above_decide_with(kind: type[BlobsightError]) -> None:
    assert 400 <= kind.status <= 599
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert kind.action.endswith(".")
    assert isinstance(kind.transient, bool)


def test_codes_are_not_shared() -> None:
    # Whether storage or Computer Vision was not asked for want of a token, the same mends it.
    codes = [kind.code for kind in KINDS if kind is not StorageIdentityError]
    assert sorted(codes) == sorted(set(codes))


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = re.findall(r"(?:\|--|`--|^ {4})\s?(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in KINDS)


def test_an_error_can_be_more_specific_than_its_class() -> None:
    error = errors.ThrottledError(
        "Slow down.", code="special", action="Wait.", retry_after_seconds=3.5, request_id="id-1"
    )
    assert (str(error), error.message) == ("Slow down.", "Slow down.")
    assert (error.code, error.action, error.retry_after_seconds, error.request_id) == ("special", "Wait.", 3.5, "id-1")
    assert errors.ThrottledError("Slow down.").code == "vision_throttled"


def test_what_is_mended_in_the_settings_or_by_waiting_is_transient() -> None:
    transient = {kind.__name__ for kind in KINDS if kind.transient}
    assert transient == {
        "PythonMismatchError",
        "BusyError",
        "AnalysisAwaitedError",
        "ImageArchivedError",
        "ImageIncompleteError",
        "UploadInterruptedError",
        "QuotaExhaustedError",
        "CallsStoppedError",
        "StorageError",
        "StorageDeniedError",
        "StorageIdentityError",
        "ConflictError",
        "BlobLockedError",
        "VisionUnauthorizedError",
        "NoTokenError",
        "VisionNotFoundError",
        "ThrottledError",
        "VisionUnavailableError",
        "NoTimeLeftError",
        "UnexpectedAnswerError",
    }


def test_what_is_raised_before_computer_vision_is_asked_says_so() -> None:
    assert {kind.__name__ for kind in KINDS if kind.unsent} == {"NoTokenError", "NoTimeLeftError"}


def test_settings_errors_hold_one_sentence_each() -> None:
    error = SettingsError(["A is wrong", "B is missing"])
    assert error.problems == ["A is wrong", "B is missing"]
    assert error.message == "A is wrong; B is missing"
    assert not error.transient
