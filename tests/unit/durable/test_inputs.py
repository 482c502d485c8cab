"""What was sent to be read: kept for its own job, an address in two blobs of which neither tells it."""

import logging

import pytest
from doubles.parts import Parts, parts
from hypothesis import given
from hypothesis import strategies as st

from shared import names
from shared.durable import inputs, read_job
from shared.durable.read_job import Job
from shared.errors import StorageError
from shared.images import ImageBytes, ImageUrl

SIGNED = "https://me:hunter2@example.invalid/a.jpg?sv=2024&sig=S3CRETSIG%2Fabc#S3CRETPART"


@pytest.fixture
def app() -> Parts:
    return parts()


def of_url(app: Parts, url: str = SIGNED) -> Job:
    return read_job.from_request(ImageUrl(url), app.services.settings, {})


def of_bytes(app: Parts, data: bytes = b"data") -> Job:
    return read_job.from_request(ImageBytes(data), app.services.settings, {})


def test_what_is_kept_is_read_as_it_was_sent(app: Parts) -> None:
    assert inputs.read(app.host, inputs.keep(app.host, of_url(app), SIGNED.encode())) == SIGNED.encode()
    assert inputs.read(app.host, inputs.keep(app.host, of_bytes(app), b"data")) == b"data"


def test_nothing_is_read_that_was_not_kept(app: Parts) -> None:
    for job in (of_url(app), of_bytes(app)):
        assert inputs.read(app.host, job) is None
        assert inputs.read(app.host, job._replace(input="0" * 32)) is None


@given(st.text(max_size=2048))
def test_any_address_comes_back_and_lies_there_sealed(path: str) -> None:
    app, address = parts(), f"https://example.invalid/{path}?sig=S3CRETSIG".encode(errors="replace")
    job = inputs.keep(app.host, of_url(app), address)
    assert inputs.read(app.host, job) == address
    for container in (names.INPUTS, names.KEYS):
        (data,) = app.host.contents(container).values()
        assert b"S3CRET" not in data


@pytest.mark.parametrize("container", [names.INPUTS, names.KEYS])
@pytest.mark.parametrize("data", [b"", b"no key", b"A" * 44, bytes(64)])
def test_what_somebody_has_written_over_is_as_good_as_gone(app: Parts, container: str, data: bytes) -> None:
    job = inputs.keep(app.host, of_url(app), SIGNED.encode())
    app.host.write(container, job.input_name, data, content_type=names.BYTES)
    assert inputs.read(app.host, job) is None


def test_the_key_of_another_request_opens_nothing(app: Parts) -> None:
    one, other = [inputs.keep(app.host, of_url(app), SIGNED.encode()) for _ in range(2)]
    key = app.host.contents(names.KEYS)[other.input_name]
    app.host.write(names.KEYS, one.input_name, key, content_type=names.BYTES)
    assert inputs.read(app.host, one) is None


def test_a_job_deletes_its_own_and_as_often_as_it_likes(app: Parts) -> None:
    kept = [inputs.keep(app.host, make(app), b"x") for make in (of_url, of_url, of_bytes, of_bytes)]
    for job in kept[::2]:
        inputs.drop(app.host, job)
        inputs.drop(app.host, job)
    assert list(app.host.contents(names.INPUTS)) == sorted(job.input_name for job in kept[1::2])
    assert list(app.host.contents(names.KEYS)) == [kept[1].input_name]


def test_what_cannot_be_deleted_is_logged_without_what_it_is(app: Parts, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    job = inputs.keep(app.host, of_url(app), SIGNED.encode())

    def before(operation: str, container: str, _: str) -> None:
        if (operation, container) == ("delete", names.KEYS):
            raise StorageError("the account is down")

    app.host.before = before
    inputs.drop(app.host, job)
    (line,) = [line for line in caplog.messages if line.startswith("input.left")]
    assert "the account is down" in line
    assert "S3CRET" not in line
    # Without the other half, what is left tells nothing.
    assert app.host.contents(names.INPUTS) == {}


def test_an_address_is_not_stored_where_its_key_was_not(app: Parts) -> None:
    def before(operation: str, container: str, _: str) -> None:
        if container == names.KEYS:
            raise StorageError("the account is down")

    app.host.before = before
    with pytest.raises(StorageError):
        inputs.keep(app.host, of_url(app), SIGNED.encode())
    assert app.host.contents(names.INPUTS) == {}
