"""Which paid answers go at night, which stay, and what comes between."""

import itertools
import json
import random
import tracemalloc
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from doubles.cleaning import DAY, adopted, run
from doubles.clock import EPOCH
from doubles.parts import Parts, parts, restarted
from doubles.pictures import picture

from shared import names
from shared.answers import claim_documents, owners
from shared.images import ImageBytes
from shared.lifecycle import adoption, answer_pages, claim_deletion, deletion
from shared.storage.blobs import BlobInfo, Page
from shared.uploads import steps
from shared.vision import questions
from shared.vision.models import Answer

MONTH = 30 * DAY
ANSWER = Answer(names.JSON, b'{"requestId": "r1"}', "r1")
BEFORE: dict[str, str] = json.loads((Path(__file__).parents[2] / "fixtures" / "claims" / "before.json").read_text())[
    "claims"
]
# Of one length, so the n-th has the n-th place in a listing.
QUESTIONS = [questions.thumbnail(64, side, smart_cropping=True) for side in range(1, 60)]


class KilledError(Exception):
    """The end of a process."""


@pytest.fixture
def app() -> Parts:
    return adopted(parts())


def sha(number: int) -> str:
    return f"{number:02x}" * 32


def keep(app: Parts, subject: str, count: int = 1, *, said_days_ago: float | None = None) -> list[str]:
    """Have so many answers about the subject; their names."""
    at = None if said_days_ago is None else app.clock.utc() - timedelta(days=said_days_ago)
    claims = app.services.answers._claims
    for question in QUESTIONS[:count]:
        claims.keep(subject, question, ANSWER._replace(at=at))
    return [names.claim(subject, question.key) for question in QUESTIONS[:count]]


def own(app: Parts, subject: str, name: str = "a.jpg") -> None:
    owners.note(app.host, subject, name, {})


def kept(app: Parts) -> list[str]:
    return list(app.host.contents(names.CACHE))


def clean(app: Parts) -> Counter[str]:
    return run(app, answer_pages.answers)


def lifetime(app: Parts, days: int) -> Parts:
    return restarted(app, ANSWER_LIFETIME_DAYS=str(days))


@pytest.mark.parametrize(("seconds", "gone"), [(MONTH - 1, False), (MONTH, True)])
def test_answers_about_bytes_of_no_image_go_after_30_days(app: Parts, seconds: float, gone: bool) -> None:
    keep(app, sha(1), 3)
    app.clock.advance(seconds)
    assert clean(app)["answers_forgotten"] == gone
    assert len(kept(app)) == (0 if gone else 3)


def test_they_go_together_30_days_after_the_last_one(app: Parts) -> None:
    app.clock.advance(MONTH)
    old = keep(app, sha(1), 2)
    app.clock.advance(MONTH - 1)
    third = names.claim(sha(1), QUESTIONS[2].key)
    app.services.answers._claims.keep(sha(1), QUESTIONS[2], ANSWER)
    app.clock.advance(MONTH - 1)
    assert clean(app)["answers_forgotten"] == 0
    assert kept(app) == sorted([*old, third])
    app.clock.advance(1)
    assert clean(app)["answers_forgotten"] == 1
    assert kept(app) == []


def test_answers_about_bytes_of_an_image_stay_for_ever(app: Parts) -> None:
    keep(app, sha(1), 2)
    own(app, sha(1))
    app.clock.advance(1000 * DAY)
    assert clean(app) == Counter(pages=1)
    assert len(kept(app)) == 2


@pytest.mark.parametrize(("seconds", "gone"), [(10 * DAY - 1, False), (10 * DAY, True)])
def test_an_answer_goes_at_the_age_of_answer_lifetime_days_whoever_has_the_bytes(
    app: Parts, seconds: float, gone: bool
) -> None:
    keep(app, sha(1))
    own(app, sha(1))
    app.clock.advance(seconds)
    assert clean(lifetime(app, 10))["answers_forgotten"] == gone
    assert len(kept(app)) == (not gone)


@pytest.mark.parametrize(("seconds", "gone"), [(3 * DAY - 1, False), (3 * DAY, True)])
def test_the_age_of_an_answer_that_was_taken_over_is_the_former_ones(app: Parts, seconds: float, gone: bool) -> None:
    keep(app, sha(1), said_days_ago=7)
    own(app, sha(1))
    app.clock.advance(seconds)
    reads = operations(app, "read", names.CACHE)
    clean(lifetime(app, 10))
    assert len(kept(app)) == (not gone)
    assert reads == []


def operations(app: Parts, operation: str, container: str) -> list[str]:
    """The names of all blobs that see that operation from now on."""
    seen: list[str] = []

    def before(done: str, where: str, name: str) -> None:
        if (done, where) == (operation, container):
            seen.append(name)

    app.host.before = before
    return seen


@pytest.mark.parametrize(("seconds", "left"), [(10 * DAY - 1, len(BEFORE)), (10 * DAY, 2)])
def test_claims_of_the_version_before_go_when_they_serve_no_longer(app: Parts, seconds: float, left: int) -> None:
    for state, data in BEFORE.items():
        app.host.write(names.CACHE, f"{sha(1)}/{state}.json", data.encode(), content_type=names.JSON)
    own(app, sha(1))
    app.clock.advance(seconds)
    clean(lifetime(app, 10))
    assert len(kept(app)) == left
    if left == 2:
        assert kept(app) == [f"{sha(1)}/refused as too large.json", f"{sha(1)}/refused.json"]


def test_no_claim_of_the_version_before_is_read_before_its_time(app: Parts) -> None:
    for state, data in BEFORE.items():
        app.host.write(names.CACHE, f"{sha(1)}/{state}.json", data.encode(), content_type=names.JSON)
    own(app, sha(1))
    app.clock.advance(10 * DAY - 1)
    reads = operations(app, "read", names.CACHE)
    clean(lifetime(app, 10))
    assert reads == []


def test_a_claim_of_the_version_before_that_was_copied_late_is_read_and_goes_no_earlier(app: Parts) -> None:
    # Moved to another account: written now, said long ago. What it was written for may still be told by `at`.
    app.clock.advance(8 * DAY)
    app.host.write(names.CACHE, f"{sha(1)}/a.json", BEFORE["answered with JSON"].encode(), content_type=names.JSON)
    own(app, sha(1))
    app.clock.advance(10 * DAY - 1)
    clean(lifetime(app, 10))
    assert len(kept(app)) == 1
    app.clock.advance(1)
    clean(lifetime(app, 10))
    assert kept(app) == []


@pytest.mark.parametrize("told", [{}, {"state": "answered"}, {"state": "answered", "saidat": "yesterday"}])
def test_what_cannot_be_read_is_no_answer(app: Parts, told: dict[str, str]) -> None:
    app.host.write(names.CACHE, f"{sha(1)}/a.json", b"{", content_type=names.JSON, metadata=told)
    own(app, sha(1))
    app.clock.advance(10 * DAY)
    clean(lifetime(app, 10))
    assert kept(app) == []


def test_a_refusal_serves_for_ever_unless_no_image_has_the_bytes(app: Parts) -> None:
    for number in (1, 2):
        document = json.loads(BEFORE["refused"])
        app.host.write(
            names.CACHE,
            f"{sha(number)}/a.json",
            json.dumps(document).encode(),
            content_type=names.JSON,
            metadata=claim_documents.metadata(document),
        )
    own(app, sha(1))
    app.clock.advance(MONTH)
    clean(lifetime(app, 10))
    assert kept(app) == [f"{sha(1)}/a.json"]


@pytest.mark.parametrize(("seconds", "gone"), [(DAY - 1, False), (DAY, True)])
def test_what_is_known_of_an_address_goes_after_a_day(app: Parts, seconds: float, gone: bool) -> None:
    subject = f"url-{sha(1)}"
    keep(app, subject, 2)
    app.host.write(names.CACHE, f"{subject}/died.json", BEFORE["asking"].encode(), content_type=names.JSON)
    # A digest of bytes that is the same hides nothing.
    own(app, sha(1))
    app.clock.advance(seconds)
    clean(app)
    assert len(kept(app)) == (0 if gone else 3)


def test_a_call_about_an_address_that_is_under_way_keeps_its_claim(app: Parts) -> None:
    (name,) = keep(app, f"url-{sha(1)}")
    app.clock.advance(2 * DAY)
    assert app.host.acquire(names.CACHE, name, "lease", 15)
    clean(app)
    assert kept(app) == [name]
    app.clock.advance(15)
    clean(app)
    assert kept(app) == []


# What comes between the listing and the deletion.


def at_first(app: Parts, operation: str, act: Any, container: str = names.CACHE) -> None:
    """Let something come just before the first such operation."""
    done: list[str] = []

    def before(seen: str, where: str, _: str) -> None:
        if (seen, where) == (operation, container) and not done:
            done.append(seen)
            act()

    app.host.before = before


def test_an_answer_that_is_given_anew_meanwhile_stays(app: Parts) -> None:
    (name,) = keep(app, sha(1))
    app.clock.advance(MONTH)
    at_first(app, "delete", lambda: keep(app, sha(1)))
    clean(app)
    assert kept(app) == [name]


def test_a_question_that_is_asked_meanwhile_keeps_its_claim(app: Parts) -> None:
    name, other = keep(app, sha(1), 2)
    app.clock.advance(MONTH)
    at_first(app, "delete", lambda: app.host.acquire(names.CACHE, name, "lease", 15))
    clean(app)
    assert kept(app) == [name]
    assert other != name


@pytest.mark.parametrize(
    ("operation", "container"),
    [("page", names.OWNERS), ("read", names.CACHE), ("delete", names.CACHE)],
    ids=["at the first look", "before the answer is read", "before it is deleted"],
)
def test_an_image_that_comes_meanwhile_keeps_its_answers(app: Parts, operation: str, container: str) -> None:
    claims = keep(app, sha(1), 40)
    written = app.host.contents(names.CACHE)
    app.clock.advance(MONTH)
    at_first(app, operation, lambda: own(app, sha(1)), container)
    clean(app)
    assert kept(app) == sorted(claims)
    assert app.host.contents(names.CACHE) == written
    # What came back serves as before, and tells what it told.
    assert all(claim_documents.said_at(each.metadata) == EPOCH for each in app.host.page(names.CACHE, limit=99).items)


def test_an_answer_that_was_asked_for_anew_is_not_overwritten_by_the_one_that_comes_back(app: Parts) -> None:
    (name,) = keep(app, sha(1))
    app.clock.advance(MONTH)
    own_at_deletion = iter([lambda: own(app, sha(1)), lambda: keep(app, sha(1))])

    def before(operation: str, where: str, _: str) -> None:
        if (operation, where) in {("delete", names.CACHE), ("write", names.CACHE)}:
            next(own_at_deletion)()

    app.host.before = before
    clean(app)
    document = json.loads(app.host.contents(names.CACHE)[name])
    assert document["at"] == app.clock.utc().isoformat()


def test_an_answer_that_lives_too_long_and_is_renewed_meanwhile_stays(app: Parts) -> None:
    (name,) = keep(app, sha(1))
    own(app, sha(1))
    app.clock.advance(10 * DAY)
    at_first(app, "delete", lambda: keep(app, sha(1)))
    clean(lifetime(app, 10))
    assert kept(app) == [name]


# Pages.


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11])
def test_a_subject_over_the_end_of_a_page_is_treated_as_a_whole(
    app: Parts, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_pages, "_PAGE", size)
    choose = random.Random(size)
    app.clock.advance(MONTH)
    expected: list[str] = []
    young: list[str] = []
    forgotten = 0
    for number in range(16):
        count, owned, is_young = choose.randint(1, 9), choose.random() < 0.3, choose.random() < 0.3
        claims = keep(app, sha(number), count)
        if owned:
            own(app, sha(number))
        if is_young:
            young.append(choose.choice(claims))
        if owned or is_young:
            expected += claims
        forgotten += not (owned or is_young)
    app.clock.advance(DAY)
    for name in young:
        app.host.edit(names.CACHE, name, modified=app.clock.utc())
    app.clock.advance(MONTH - DAY)
    counts = clean(app)
    assert kept(app) == sorted(expected)
    assert counts["answers_forgotten"] == forgotten
    assert counts["pages"] > 1


@pytest.mark.parametrize("size", [1, 3, 7])
def test_single_claims_go_over_the_end_of_a_page_too(app: Parts, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_pages, "_PAGE", size)
    for number in range(5):
        own(app, sha(number))
        keep(app, sha(number), 6, said_days_ago=9)
    app.clock.advance(DAY)
    stay = [name for number in range(5) for name in keep(app, sha(number), number)]
    clean(lifetime(app, 10))
    assert kept(app) == sorted(stay)


@pytest.mark.parametrize("seconds", [1.0, 50.0])
def test_a_page_whose_time_is_over_goes_on_where_it_was(app: Parts, seconds: float) -> None:
    for number in range(100):
        keep(app, sha(number))
        if number % 3 == 0:
            own(app, sha(number))
    app.clock.advance(MONTH)
    app.host.before = lambda operation, *_: app.clock.advance(seconds if operation == "delete" else 0)
    counts = clean(app)
    assert kept(app) == sorted(name for number in range(0, 100, 3) for name in keep_names(sha(number), 1))
    assert counts["answers_forgotten"] == 66
    assert counts["pages"] == (1 if seconds == 1.0 else 4)


def keep_names(subject: str, count: int) -> Iterator[str]:
    yield from (names.claim(subject, question.key) for question in QUESTIONS[:count])


def test_a_subject_with_more_claims_than_a_page_is_held_a_few_at_a_time(
    app: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_pages, "_PAGE", 4)
    keep(app, sha(1), 59)
    app.clock.advance(MONTH)
    batches: list[int] = []
    original = claim_deletion._batches

    def counted(claims: Any) -> Iterator[list[BlobInfo]]:
        for batch in original(claims):
            batches.append(len(batch))
            yield batch

    monkeypatch.setattr(claim_deletion, "_batches", counted)
    assert clean(app)["answers_forgotten"] == 1
    assert kept(app) == []
    assert batches == [16, 16, 16, 11]


def test_few_answers_are_in_memory_at_once_where_they_are_long() -> None:
    sizes = [3, 1, 1, 9, 2, 2, 1]
    claims = [BlobInfo(str(number), "e", size * 1024 * 1024) for number, size in enumerate(sizes)]
    batches = [[each.size // 1024**2 for each in batch] for batch in claim_deletion._batches(claims)]
    assert batches == [[3, 1], [1], [9], [2, 2], [1]]


class Numbered:
    """An account with so many claims, each of one subject that an image has; nothing of it is stored anywhere."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.operations: Counter[str] = Counter()

    def read(self, container: str, name: str) -> Any:
        self.operations["read"] += 1
        noted = parts()
        adoption.note(noted.services, "2026-01-01T00:00:00+00:00")
        return noted.host.read(container, name)

    def page(self, container: str, *, prefix: str = "", limit: int = 100, continuation: str | None = None) -> Page:
        self.operations["page"] += 1
        end = {names.CACHE: "/analyze-0.json", names.OWNERS: "/a.jpg"}[container]
        step = 16**64 // self.count

        def name(number: int) -> str:
            return f"{number * step:064x}{end}"

        start = int(continuation) if continuation else bisect_left(range(self.count), prefix, key=name)
        found = itertools.takewhile(lambda n: name(n).startswith(prefix), range(start, self.count))
        numbers = list(itertools.islice(found, limit + 1))
        items = [BlobInfo(name(number), "e", 10, modified=EPOCH) for number in numbers[:limit]]
        return Page(items, str(numbers[limit]) if len(numbers) > limit else None)


def test_10_000_claims_take_few_operations_and_no_more_memory_than_2_000(app: Parts) -> None:
    app.clock.advance(MONTH)
    peaks = []
    for count in (2_000, 2_000, 10_000):  # the first run imports and fills caches
        host = Numbered(count)
        numbered = Parts(app.services._replace(host=cast(Any, host)), app.images, app.host, app.vision, app.clock)
        tracemalloc.start()
        counts = clean(numbered)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert counts == Counter(pages=count / 1000)
        assert host.operations["page"] + host.operations["read"] < count / 12
    assert peaks[2] < 1.2 * peaks[1]


@pytest.mark.parametrize("days", ["", "10"])
def test_it_is_killed_before_each_operation_and_done_again(days: str) -> None:
    for killed_at in itertools.count():
        app = restarted(adopted(parts()), ANSWER_LIFETIME_DAYS=days)
        for number in range(4):
            keep(app, sha(number), 2)
        own(app, sha(1))
        keep(app, f"url-{sha(1)}")
        app.clock.advance(MONTH)
        young = keep(app, sha(2), 1) if days else keep(app, sha(2), 2)
        left = itertools.count()

        def before(*_: str, left: Iterator[int] = left, killed_at: int = killed_at) -> None:
            if next(left) == killed_at:
                raise KilledError

        app.host.before = before
        try:
            clean(app)
        except KilledError:
            app.host.before = None
            clean(app)
            assert_cleaned(app, young, days)
        else:
            assert_cleaned(app, young, days)
            assert killed_at > 10
            return


def assert_cleaned(app: Parts, young: list[str], days: str) -> None:
    assert kept(app) == sorted([*young, *([] if days else keep_names(sha(1), 2))])


# Adoption: images of earlier versions have no marks at first.


def test_nothing_goes_for_want_of_an_owner_before_images_have_their_marks() -> None:
    app = parts()
    keep(app, sha(1))
    keep(app, f"url-{sha(1)}")
    app.clock.advance(MONTH)
    clean(app)
    assert kept(app) == list(keep_names(sha(1), 1))
    adopted(app)
    clean(app)
    assert kept(app) == []


def test_an_answer_of_the_version_before_needs_an_adoption_after_it() -> None:
    # As after a step back to that version for some days: its images got no marks.
    app = adopted(parts())
    app.clock.advance(DAY)
    app.host.write(names.CACHE, f"{sha(1)}/a.json", BEFORE["refused"].encode(), content_type=names.JSON)
    app.clock.advance(MONTH)
    clean(app)
    assert len(kept(app)) == 1
    adopted(app)
    clean(app)
    assert kept(app) == []


def test_the_adoption_is_forgotten_with_the_marks() -> None:
    app = adopted(parts())
    keep(app, sha(1))
    own(app, sha(1))
    app.clock.advance(MONTH)
    for name in app.host.contents(names.OWNERS):
        app.host.delete(names.OWNERS, name)
    clean(app)
    assert len(kept(app)) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b'{"began": 1}', b'{"images": "other/images", "began": "2026-01-01T00:00:00+00:00"}'],
)
def test_an_adoption_that_cannot_be_read_or_is_of_another_account_is_none(content: bytes) -> None:
    app = parts()
    app.host.write(names.OWNERS, names.ADOPTED, content, content_type=names.JSON)
    assert adoption.since(app.services) is None


def test_an_adoption_tells_when_it_began() -> None:
    app = parts()
    assert adoption.since(app.services) is None
    adoption.note(app.services, "2026-01-02T00:00:00+00:00")
    assert adoption.since(app.services) == EPOCH + timedelta(days=1)


# With real uploads.


def upload(app: Parts, name: str, data: bytes) -> None:
    app.images.write(names.IMAGES, name, data, content_type="image/jpeg")
    steps.process(app.services, name, data)


def night(app: Parts) -> None:
    run(app, answer_pages.forgetting)
    run(app, answer_pages.answers)


def test_of_five_copies_the_last_one_keeps_the_answers() -> None:
    app = adopted(parts())
    data = picture()
    subject = ImageBytes(data).subject
    for number in range(5):
        upload(app, f"{number}.jpg", data)
    paid = list(app.vision.asked)
    records = {**app.images.contents(names.ANALYSIS), **app.images.contents(names.THUMBNAILS)}
    for number in range(4):
        app.images.delete(names.IMAGES, f"{number}.jpg")
        deletion.forget(app.services, f"{number}.jpg")
    for _ in range(40):
        app.clock.advance(DAY)
        night(app)
    left = {**app.images.contents(names.ANALYSIS), **app.images.contents(names.THUMBNAILS)}
    assert left == {name: data for name, data in records.items() if name.startswith("4.jpg")}
    assert all(name.startswith(subject) for name in kept(app))
    assert app.host.contents(names.FORGETTING) == {}
    upload(app, "copy.jpg", data)
    assert app.vision.asked == paid
    for name in ("4.jpg", "copy.jpg"):
        app.images.delete(names.IMAGES, name)
        deletion.forget(app.services, name)
    app.clock.advance(DAY - 1)
    night(app)
    assert kept(app) != []
    app.clock.advance(1)
    night(app)
    assert kept(app) == []
    assert list(app.host.contents(names.OWNERS)) == [names.ADOPTED]


def test_an_owned_answer_goes_after_its_days_and_its_records_need_none() -> None:
    app = lifetime(adopted(parts()), 10)
    data = picture()
    upload(app, "a.jpg", data)
    paid = list(app.vision.asked)
    records = {container: app.images.contents(container) for container in (names.ANALYSIS, names.THUMBNAILS)}
    assert all(records.values())
    app.clock.advance(10 * DAY - 1)
    night(app)
    assert kept(app) != []
    app.clock.advance(1)
    night(app)
    assert kept(app) == []
    steps.process(app.services, "a.jpg", data)
    assert {container: app.images.contents(container) for container in records} == records
    assert app.vision.asked == paid


def test_forgetting_goes_on_where_its_time_was_over() -> None:
    app = adopted(parts())
    for number in range(100):
        keep(app, sha(number))
        owners.begin_forgetting(app.host, sha(number))
    app.clock.advance(DAY)
    app.host.before = lambda operation, *_: app.clock.advance(3.0 if operation == "delete" else 0)
    counts = run(app, answer_pages.forgetting)
    assert counts == Counter(answers_forgotten=100, pages=4)
    assert kept(app) == list(app.host.contents(names.FORGETTING)) == []


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_forgetting_passes_over_what_cannot_be_forgotten_yet(seconds: float) -> None:
    app = adopted(parts())
    leased = [name for number in range(100) for name in keep(app, sha(number))][::2]
    for number in range(100):
        owners.begin_forgetting(app.host, sha(number))
    app.clock.advance(DAY)
    for name in leased:
        assert app.host.acquire(names.CACHE, name, "lease", 10_000)
    app.host.before = lambda operation, *_: app.clock.advance(seconds if operation == "delete" else 0)
    counts = run(app, answer_pages.forgetting)
    assert counts == Counter(answers_forgotten=50, pages=4 if seconds else 1)
    assert kept(app) == leased
    assert len(app.host.contents(names.FORGETTING)) == 50
