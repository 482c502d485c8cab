"""The record of an upload that has failed says what to do with that very upload."""

from collections.abc import Callable
from typing import Any

import pytest
from doubles.documents import text_pdf
from doubles.http_requests import answered, problem_of, request
from doubles.parts import Parts
from doubles.pictures import picture
from doubles.read_runs import ReadRun, job_of

import AnalyzeHttp
from shared import names
from shared.api import image_states
from shared.errors import (
    BlobsightError,
    BusyError,
    ConflictError,
    ImageRejectedError,
    PayloadTooLargeError,
    ReadFailedError,
    ThrottledError,
    VisionRefusedError,
    VisionUnavailableError,
)
from shared.records import advice
from shared.uploads import steps

NAME = "photos/poster ä.psd"
PSD = b"8BPS\0\1".ljust(100, b"\0")
UPLOAD = f"Upload the new file as '{NAME}' again"
IN_ITS_PLACE = f"Delete '{NAME}', or upload an image under that name."
OR_ELSE = "or under another name and delete this one."
RETRY = f'To have the same file tried again, POST /api/unfinished/retry with {{"name": "{NAME}"}}.'


def action_of(app: Parts, step: str = "analysis") -> str:
    state: Any = image_states.of_image(app.services, NAME)
    assert state[step]["state"] == "failed"
    return str(state[step]["problem"]["action"])


def upload(app: Parts, data: bytes) -> None:
    app.images.write(names.IMAGES, NAME, data, content_type="application/octet-stream")
    steps.process(app.services, NAME, data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (PSD, f"Convert it to JPEG or PNG. {UPLOAD} (the content counts, not the ending), {OR_ELSE}"),
        (picture("PNG", 30, 30), f"Use a larger version of it, or scale it up. {UPLOAD}, {OR_ELSE}"),
        (b"PK\x03\x04" + bytes(60), f"Unpack it, and use the images in it. {IN_ITS_PLACE}"),
        (b"", f"Use a file with content. {IN_ITS_PLACE}"),
    ],
    ids=["PSD", "too small", "archive", "empty"],
)
def test_an_upload_that_is_itself_to_blame_is_told_under_which_name_a_better_one_goes(
    app: Parts, data: bytes, told: str
) -> None:
    upload(app, data)
    assert action_of(app) == told


def test_a_caller_who_sent_the_same_bytes_is_told_nothing_of_uploads(app: Parts) -> None:
    upload(app, PSD)
    answer = answered(AnalyzeHttp.main, request("POST", PSD))
    action = problem_of(answer, 400, "format_not_supported")["action"]
    assert action.startswith("Convert it to JPEG or PNG.")
    assert "pload" not in action


def test_the_service_refuses_an_image_and_the_action_names_it_too(app: Parts) -> None:
    app.vision.failures = [ImageRejectedError("No.", code="image_not_supported")]
    upload(app, picture())
    action = "Open it in an image viewer, and save it anew as JPEG or PNG."
    assert action_of(app) == f"{action} {UPLOAD} (the content counts, not the ending), {OR_ELSE}"


def test_where_the_question_was_refused_the_same_file_is_tried_again(app: Parts) -> None:
    app.vision.failures = [VisionRefusedError("The language xx is not supported.")]
    upload(app, picture())
    action = action_of(app)
    assert action.endswith(RETRY)
    assert UPLOAD not in action


def test_a_read_that_failed_is_tried_again_or_given_another_file(app: Parts) -> None:
    pdf = text_pdf("RIVER PARK")
    app.vision.reads = [["failed"]]
    upload(app, pdf)
    ReadRun(app, job_of(app, pdf, NAME, text_only=True)).finish()
    action = action_of(app, "text")
    assert f"{UPLOAD}, {OR_ELSE}" in action
    assert action.endswith(RETRY)


def test_what_is_tried_again_by_itself_needs_no_name() -> None:
    error = VisionUnavailableError("down")
    assert advice.for_upload(error, NAME, blames_image=False) == error.action


@pytest.mark.parametrize("error", [BusyError("x"), ConflictError("x"), ThrottledError("x")])
def test_an_upload_is_not_told_to_ask_again(error: BlobsightError) -> None:
    told = advice.for_upload(error, NAME, blames_image=False)
    assert told.startswith("Nothing: it is tried again by itself.")
    assert "Retry-After" not in told


SENTENCES_OF: list[Callable[[], BlobsightError]] = [
    lambda: ImageRejectedError("No.", code="format_not_supported"),
    lambda: PayloadTooLargeError("No."),
    lambda: ReadFailedError("No."),
]


@pytest.mark.parametrize("error", SENTENCES_OF)
def test_its_sentences_are_short(error: Callable[[], BlobsightError]) -> None:
    told = advice.for_upload(error(), "a.jpg", blames_image=True)
    assert max(len(sentence.split()) for sentence in told.split(". ")) <= 25
