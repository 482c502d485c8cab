"""Jobs: one id for one document with the same parameters, and the same job after a trip through JSON."""

import json
from itertools import combinations
from typing import Any

import pytest
from doubles.odd_headers import pdf_of_pages
from doubles.parts import ENVIRONMENT
from doubles.pictures import picture
from hypothesis import given
from hypothesis import strategies as st

from shared import names
from shared.durable import read_job
from shared.durable.read_job import Job
from shared.errors import BadRequestError
from shared.images import ImageBytes, ImageUrl
from shared.pictures.fitting import FIT
from shared.pictures.inspection import ImageHeader
from shared.records.versions import Source, Version
from shared.settings import Settings
from shared.untrusted import addresses

SETTINGS = Settings.from_env(ENVIRONMENT)
VERSION = Version("a.jpg", "0x1", "5" * 64, 12)
URL = "https://example.invalid/a.jpg"
SIGNED = "https://me:hunter2@example.invalid/a.jpg?sv=2024&sig=S3CRETSIG%2Fabc#S3CRETPART"

TEXTS = st.text(max_size=30)
PARAMETERS = st.fixed_dictionaries(
    {
        "reading_order": st.sampled_from(["basic", "natural"]),
        "model_version": st.sampled_from(["latest", "2022-04-30"]),
    },
    optional={
        "language": st.sampled_from([None, "en", "de", "zh-Hans"]),
        "pages": st.sampled_from([None, "1", "1-3", "2-,-1"]),
    },
)
JOBS = st.builds(
    Job,
    kind=st.sampled_from(["image", "bytes", "url"]),
    subject=st.text("0123456789abcdef", min_size=64, max_size=64),
    parameters=PARAMETERS,
    deadline_seconds=st.floats(1, 86400),
    name=TEXTS,
    etag=TEXTS,
    size=st.integers(0, 10**9),
    url=TEXTS,
    text_only=st.booleans(),
    address=TEXTS,
    id=st.just(""),
    input=TEXTS,
    fit=st.sampled_from(["", "1"]),
)


def image(version: Version = VERSION, settings: Settings = SETTINGS, *, text_only: bool = False) -> Job:
    return read_job.from_image(version, settings, text_only=text_only)


def given_bytes(data: bytes = b"x", **parameters: str) -> Job:
    return read_job.from_request(ImageBytes(data), SETTINGS, parameters)


def given_url(url: str = URL, **parameters: str) -> Job:
    return read_job.from_request(ImageUrl(url), SETTINGS, parameters)


@given(JOBS)
def test_a_job_is_the_same_after_a_trip_through_json(job: Job) -> None:
    again = Job.from_json(json.loads(json.dumps(job.to_json())))
    assert again == job
    assert again.instance_id == job.instance_id
    assert (again.record, again.plain_record, again.source) == (job.record, job.plain_record, job.source)


@given(JOBS)
def test_its_json_has_each_member_in_the_order_of_the_class(job: Job) -> None:
    """Histories hold it as text, and a job that is handed over again has to make the same one."""
    assert json.dumps(job.to_json()) == json.dumps(job._asdict())


@given(JOBS)
def test_an_instances_id_is_one_that_durable_functions_takes(job: Job) -> None:
    assert job.instance_id.startswith("ocr-")
    assert len(job.instance_id) == 44
    assert set(job.instance_id[4:]) <= set("0123456789abcdef")


@given(JOBS, JOBS)
def test_two_jobs_have_one_id_only_if_they_are_of_one_document_with_the_same_parameters(one: Job, other: Job) -> None:
    def meant(job: Job) -> tuple[Any, ...]:
        source = {"image": (job.name, job.etag), "bytes": (job.subject,), "url": (job.url,)}[job.kind]
        return (job.kind, source, job.question.plain)

    assert (one.instance_id == other.instance_id) == (meant(one) == meant(other))


@pytest.mark.parametrize("data", [b"no image", picture("JPEG", 9, 9), pdf_of_pages(1)])
def test_what_is_refused_or_has_pages_is_read_as_it_is(data: bytes) -> None:
    assert given_bytes(data).fit == ""


def test_what_read_takes_is_read_as_it_is_and_all_else_as_a_copy() -> None:
    def fit(kind: str, sides: tuple[int, int], orientation: int) -> list[str]:
        image = ImageBytes(picture("BMP"))
        image.__dict__["header"] = ImageHeader(kind, "image/x", *sides, orientation)
        source = Source("a.jpg", "0x1", image)
        jobs = [read_job.from_request(image, SETTINGS, {}), read_job.from_image(source, SETTINGS, text_only=False)]
        return [job.fit for job in jobs]

    assert fit("JPEG", (60, 10_000), 1) == ["", ""]
    for copied in (("HEIC", (60, 60), 1), ("JPEG", (60, 60), 6), ("PNG", (60, 10_001), 1)):
        assert fit(*copied) == [FIT, FIT]


def test_a_job_whose_bytes_are_not_at_hand_is_of_the_document_itself() -> None:
    assert image().fit == given_url().fit == ""


@given(JOBS)
def test_a_copy_changes_neither_the_instance_nor_the_records(job: Job) -> None:
    itself, copied = job._replace(fit=""), job._replace(fit=FIT)
    assert itself.instance_id == copied.instance_id
    assert (itself.record, itself.plain_record) == (copied.record, copied.plain_record)
    assert itself.question.key != copied.question.key
    assert copied.question.plain == itself.question


def test_a_job_of_the_version_before_is_of_the_document_itself() -> None:
    document = {key: value for key, value in image().to_json().items() if key != "fit"}
    assert Job.from_json(document) == image()


def test_members_that_a_newer_version_has_added_are_passed_over() -> None:
    assert Job.from_json({**image().to_json(), "colour": "red"}) == image()


def test_members_that_an_older_version_did_not_know_have_their_defaults() -> None:
    document = image().to_json()
    del document["text_only"]
    assert Job.from_json(document) == image()


DIFFERENT = {
    "image": image(),
    "other name": image(Version("b.jpg", "0x1", "5" * 64, 12)),
    "other etag": image(Version("a.jpg", "0x2", "5" * 64, 12)),
    "other order": image(settings=Settings.from_env({**ENVIRONMENT, "TEXT_READING_ORDER": "basic"})),
    "other model": image(settings=Settings.from_env({**ENVIRONMENT, "TEXT_MODEL_VERSION": "2022-04-30"})),
    "bytes": given_bytes(),
    "other bytes": given_bytes(b"y"),
    "bytes in German": given_bytes(language="de"),
    "one page": given_bytes(pages="1"),
    "two pages": given_bytes(pages="1-2"),
    "basic": given_bytes(reading_order="basic"),
    "old model": given_bytes(model_version="2022-04-30"),
    "url": given_url(),
    "other url": given_url(URL + "?x"),
    "url in German": given_url(language="de"),
}


@pytest.mark.parametrize(("one", "other"), list(combinations(DIFFERENT, 2)))
def test_what_differs_has_another_instance(one: str, other: str) -> None:
    assert DIFFERENT[one].instance_id != DIFFERENT[other].instance_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (image(), image(text_only=True)),
        (image(), image(settings=Settings.from_env({**ENVIRONMENT, "TEXT_DEADLINE_SECONDS": "60"}))),
        (given_bytes(), given_bytes(reading_order=SETTINGS.text_reading_order)),
        (given_bytes(), given_bytes(model_version="latest")),
        (given_url(), given_url(pages="")),
    ],
    ids=["text only", "deadline", "order said", "model said", "no pages"],
)
def test_what_is_asked_alike_has_one_instance(one: Job, other: Job) -> None:
    assert one.instance_id == other.instance_id


def test_an_instances_id_stays_the_same_from_version_to_version() -> None:
    """An update of the app in the middle of a Read must not start a second one; change these on purpose only."""
    assert image().instance_id == "ocr-3ec5be398d9263466ade94f2b6cdaa5a7ef70d21"
    assert given_bytes().instance_id == "ocr-348cf7b94bf0e0bc369c8531a6a5b05c9157dbca"
    assert given_url().instance_id == "ocr-78fdcfa17c3b200dd6a89f5f0759d12a84697a8b"
    assert given_url(SIGNED).instance_id == "ocr-84fd049cd74739f0de823ccec5b55fc595d17daa"
    assert given_url(SIGNED, language="de", pages="1-3").instance_id == "ocr-217c7744c882d66b7753ff719597a903d7528a6f"


def test_what_the_caller_says_goes_over_the_settings() -> None:
    assert given_bytes(reading_order="basic").question.parameters == (
        ("model-version", "latest"),
        ("readingOrder", "basic"),
    )


@pytest.mark.parametrize("name", ["language", "pages", "reading_order", "model_version"])
def test_parameters_out_of_range_are_refused_when_the_question_is_put(name: str) -> None:
    with pytest.raises(BadRequestError):
        given_bytes(**{name: "nonsense!"}).question  # noqa: B018


def test_records_lie_beside_the_image_or_under_the_digest() -> None:
    assert (image().record, image().plain_record) == ("a.jpg.json", "a.jpg.txt")
    job = given_bytes()
    assert job.record == f"by-sha256/{job.subject}/{job.question.key}.json"
    assert job.plain_record == f"by-sha256/{job.subject}/{job.question.key}.txt"
    assert given_url().record.startswith("by-sha256/url-")
    assert len({each.record for each in DIFFERENT.values() if each.kind != "image"}) == 10


def test_only_an_image_is_a_version() -> None:
    assert image().version is not None
    assert image().source == {"name": "a.jpg", "etag": "0x1", "sha256": "5" * 64, "bytes": 12}
    assert given_bytes(b"xyz").version is None
    assert given_bytes(b"xyz").source["bytes"] == 3
    assert given_url().source == {"url": URL, "urlSha256": given_url().subject.removeprefix("url-")}


@pytest.mark.parametrize("url", [SIGNED, URL, f"{URL}?{SIGNED}", "http://u:p@h/a@b/?x@y#z@"])
def test_a_job_carries_of_an_address_what_may_be_shown_and_the_digest_of_all(url: str) -> None:
    job = given_url(url)
    carried = json.dumps(job.to_json())
    for secret in ("hunter2", "S3CRET", "sv=2024", "@y", "?"):
        assert secret not in carried
    assert job.subject == ImageUrl(url).subject
    assert job.source["url"] == addresses.shown(url)
    assert job.bare == job


def test_a_job_of_the_version_before_is_the_same_job_without_its_address() -> None:
    before = given_url(SIGNED)._replace(url=SIGNED, address="", id="")
    assert before.bare == given_url(SIGNED)
    assert (before.instance_id, before.source) == (before.bare.instance_id, before.bare.source)
    assert (before.record, before.plain_record) == (before.bare.record, before.bare.plain_record)


@given(st.text(min_size=1, max_size=1024))
def test_no_two_records_of_one_image_have_one_name(name: str) -> None:
    job = image(Version(name, "0x1", "5" * 64, 1))
    assert job.record != job.plain_record
    assert max(len(job.record), len(job.plain_record)) <= names.MAX_BLOB_NAME_CHARACTERS
    assert not job.record.startswith("by-sha256/")
