"""One paid call per subject and question, whoever asks, and whatever dies meanwhile."""

import json
import threading

import pytest
from doubles.clock import FakeClock
from doubles.memory import MemoryBlobs

from shared import names
from shared.answers import claim_documents
from shared.answers.claims import LEASE_SECONDS, Claims
from shared.clock import SystemClock
from shared.errors import (
    BusyError,
    ConflictError,
    ImageRejectedError,
    PayloadTooLargeError,
    StorageError,
    ThrottledError,
)
from shared.transport import time_budget
from shared.vision import questions
from shared.vision.models import Answer

QUESTION = questions.describe()
CLAIM = names.claim("subject", QUESTION.key)
# Every promise holds whether an asker looks first or claims first.
ORDER = {"look_first": False}
ANSWER = Answer("application/json", b'{"requestId": "r1"}', "r1")


class Calls:
    """A paid call that counts."""

    def __init__(self, result: Answer | Exception = ANSWER) -> None:
        self.count = 0
        self.result = result

    def __call__(self) -> Answer:
        self.count += 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def blobs(clock):
    return MemoryBlobs(clock)


@pytest.fixture
def claims(blobs, clock):
    return Claims(blobs, clock)


@pytest.fixture(autouse=True, params=[True, False], ids=["look first", "claim first"])
def look_first(request, monkeypatch):
    monkeypatch.setitem(ORDER, "look_first", request.param)
    return request.param


def ask(claims, call, *, wait_seconds=20.0, subject="subject", **options):
    return claims.ask(subject, QUESTION, call, wait_seconds=wait_seconds, **ORDER, **options)


def operations_of(blobs, action):
    """The storage operations that an action takes, in their order."""
    seen = []
    blobs.before = lambda operation, container, name: seen.append(operation)
    action()
    blobs.before = None
    return seen


def dead_holder(blobs):
    """Leave what a killed process leaves: a claim under a lease that nobody renews."""
    document = json.dumps({"state": "asking", "by": "a process that was killed"}).encode()
    etag = blobs.write(names.CACHE, CLAIM, document, content_type=names.JSON)
    assert blobs.acquire(names.CACHE, CLAIM, "its-lease", LEASE_SECONDS, etag=etag)


def test_the_second_asker_gets_the_first_ones_answer_without_a_call(claims):
    call = Calls()
    first, second = ask(claims, call), ask(claims, call)
    assert call.count == 1
    assert (first.paid, second.paid) == (True, False)
    assert second.json() == first.json()
    assert second.request_id == "r1"


def test_a_look_first_saves_an_operation_where_the_answer_is_and_a_claim_first_where_it_is_not(
    blobs, claims, look_first
):
    new, known = (operations_of(blobs, lambda: ask(claims, Calls())) for _ in range(2))
    if look_first:
        assert (new, known) == (["read", "write", "acquire", "write"], ["read"])
    else:
        assert (new, known) == (["write", "acquire", "write"], ["write", "read"])


def test_a_refusal_that_is_known_costs_a_look_first_one_operation(blobs, claims, look_first):
    def refused():
        with pytest.raises(ImageRejectedError):
            ask(claims, Calls(ImageRejectedError("no")))

    refused()
    assert operations_of(blobs, refused) == (["read"] if look_first else ["write", "read"])


def test_an_answer_that_comes_between_the_look_and_the_claim_is_taken_not_paid(blobs, claims, clock):
    """Two processes look at the same instant, and one of them has asked and stored before the other one claims."""

    def before(operation, container, name):
        if operation == "write":
            blobs.before = None
            assert ask(Claims(blobs, clock), Calls()).paid

    blobs.before = before
    call, began = Calls(), clock.now()
    assert not ask(claims, call).paid
    assert (call.count, clock.now()) == (0, began)


def test_a_claim_that_is_made_and_given_up_between_the_look_and_the_claim_is_made_anew(blobs, claims, clock):
    def before(operation, container, name):
        if operation == "write" and blobs.head(names.CACHE, CLAIM) is None:
            blobs.write(names.CACHE, CLAIM, b'{"state": "asking"}', content_type=names.JSON)
            taken.append(blobs.acquire(names.CACHE, CLAIM, "another", LEASE_SECONDS))
        elif operation == "read" and taken and not given_up:
            blobs.delete(names.CACHE, CLAIM, lease="another")
            blobs.before = None
            given_up.append(True)

    taken, given_up = [], []
    blobs.before = before
    call = Calls()
    assert ask(claims, call).paid
    assert (call.count, taken, given_up) == (1, [True], [True])
    assert clock.now() < 1


def test_the_second_of_two_who_look_at_once_waits_for_the_first(blobs, claims, clock):
    """The other one holds the claim, and is asking, when this one wants to make it."""

    def before(operation, container, name):
        if operation == "write":
            blobs.before = None
            dead_holder(blobs)

    blobs.before = before
    call = Calls()
    with pytest.raises(BusyError):
        ask(claims, call, wait_seconds=LEASE_SECONDS - 1)
    assert call.count == 0


def test_bytes_that_are_no_json_come_back_as_they_were(claims):
    picture = Answer("image/jpeg", bytes(range(256)), "r2")
    ask(claims, Calls(picture))
    kept = ask(claims, Calls())
    assert (kept.body, kept.content_type) == (picture.body, "image/jpeg")


def test_another_subject_is_another_call(claims):
    call = Calls()
    ask(claims, call, subject="one")
    ask(claims, call, subject="two")
    assert call.count == 2


def test_ten_at_the_same_instant_make_one_call():
    blobs = MemoryBlobs(SystemClock())
    claims = Claims(blobs, SystemClock())
    others_looked, lock, looks = threading.Event(), threading.Lock(), [0]

    def before(operation, container, name):
        with lock:
            looks[0] += operation == "read"
            # Those who look first have looked once before there was a claim.
            if looks[0] >= 9 + 10 * ORDER["look_first"]:
                others_looked.set()

    def slow():
        # The nine others have all found the claim taken before the answer comes.
        assert others_looked.wait(110)
        calls.append(1)
        return ANSWER

    calls: list[int] = []
    answers: list[Answer] = []
    blobs.before = before
    start = threading.Barrier(10)

    def run():
        start.wait()
        answers.append(ask(claims, slow, wait_seconds=60))

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert [answer.json() for answer in answers] == [{"requestId": "r1"}] * 10
    assert sum(answer.paid for answer in answers) == 1


def test_the_claim_of_a_killed_process_is_taken_over_when_its_lease_lapses(blobs, claims, clock):
    dead_holder(blobs)
    call, began = Calls(), clock.now()
    assert ask(claims, call).paid
    assert call.count == 1
    assert LEASE_SECONDS <= clock.now() - began < LEASE_SECONDS + 1


def test_a_holder_that_outlasts_the_wait_makes_the_asker_busy_not_paying(blobs, claims):
    dead_holder(blobs)
    call = Calls()
    with pytest.raises(BusyError) as caught:
        ask(claims, call, wait_seconds=LEASE_SECONDS - 1)
    assert call.count == 0
    assert caught.value.transient
    assert caught.value.retry_after_seconds


def test_a_throttled_call_leaves_no_claim_behind(blobs, claims):
    with pytest.raises(ThrottledError):
        ask(claims, Calls(ThrottledError("later")))
    assert blobs.head(names.CACHE, CLAIM) is None
    call = Calls()
    ask(claims, call)
    assert call.count == 1


@pytest.mark.parametrize("kind", [ImageRejectedError, PayloadTooLargeError])
def test_bytes_that_the_service_refused_are_refused_again_without_a_call(claims, kind):
    refusal = kind("no image", code="image_unreadable", action="send another", request_id="r3")
    with pytest.raises(kind):
        ask(claims, Calls(refusal))
    call = Calls()
    with pytest.raises(kind) as caught:
        ask(claims, call)
    assert call.count == 0
    again = caught.value
    assert (again.message, again.code, again.action, again.request_id) == (
        "no image",
        "image_unreadable",
        "send another",
        "r3",
    )


def test_an_address_that_was_refused_is_tried_again(claims):
    with pytest.raises(ImageRejectedError):
        ask(claims, Calls(ImageRejectedError("no image")), subject="url-1", lifetime_seconds=300)
    call = Calls()
    ask(claims, call, subject="url-1", lifetime_seconds=300)
    assert call.count == 1


def test_bytes_that_were_refused_stay_refused_even_where_an_answer_serves_for_a_while(claims):
    """The ticket of a Read expires; that a document cannot be read does not."""
    with pytest.raises(ImageRejectedError):
        ask(claims, Calls(ImageRejectedError("no image")), lifetime_seconds=300)
    call = Calls()
    with pytest.raises(ImageRejectedError):
        ask(claims, call, lifetime_seconds=300)
    assert call.count == 0


def test_an_answer_older_than_the_claims_lifetime_is_asked_for_anew_and_then_serves_again(blobs, clock):
    claims, call = Claims(blobs, clock, lifetime_seconds=86_400), Calls()
    ask(claims, call)
    clock.sleep(86_399)
    assert not ask(claims, call).paid
    clock.sleep(2)
    assert claims.find("subject", QUESTION) is None
    assert ask(claims, call).paid
    assert not ask(claims, call).paid
    assert call.count == 2


def test_a_lifetime_holds_for_answers_that_are_there_already_and_shortens_none_but_theirs(blobs, clock):
    call = Calls()
    ask(Claims(blobs, clock), call)
    clock.sleep(1000)
    assert not ask(Claims(blobs, clock, lifetime_seconds=1001), call).paid
    assert ask(Claims(blobs, clock, lifetime_seconds=999), call, lifetime_seconds=300).paid
    clock.sleep(301)
    assert ask(Claims(blobs, clock, lifetime_seconds=999), call, lifetime_seconds=300).paid


def test_an_answer_about_an_address_serves_for_its_lifetime_only(claims, clock):
    call = Calls()
    ask(claims, call, lifetime_seconds=300)
    clock.sleep(299)
    ask(claims, call, lifetime_seconds=300)
    assert call.count == 1
    clock.sleep(2)
    assert ask(claims, call, lifetime_seconds=300).paid
    assert call.count == 2
    ask(claims, call, lifetime_seconds=300)
    assert call.count == 2


def test_a_claim_is_given_back_where_it_may_have_to_be_written_again_and_else_lapses(blobs, claims, clock):
    """An answer that outlasts the lease costs no request for that; one that was dropped can be asked for at once."""

    def is_free():
        return blobs.acquire(names.CACHE, CLAIM, "another", LEASE_SECONDS)

    ask(claims, Calls())
    assert not is_free()
    clock.advance(LEASE_SECONDS)
    assert is_free()
    blobs.delete(names.CACHE, CLAIM, lease="another")
    ask(claims, Calls(), lifetime_seconds=600)
    assert not is_free()
    clock.advance(600)
    assert ask(claims, Calls(), lifetime_seconds=600, droppable=True).paid
    assert clock.sleeps == []
    claims.drop("subject", QUESTION, ANSWER)
    assert blobs.contents(names.CACHE) == {}
    with pytest.raises(ImageRejectedError):
        ask(claims, Calls(ImageRejectedError("no")))
    claims.forget_refusal("subject", QUESTION)
    assert blobs.contents(names.CACHE) == {}


def test_an_answer_that_cannot_be_kept_still_reaches_its_caller(blobs, claims):
    def before(operation, container, name):
        if operation == "write" and call.count:
            raise StorageError("the account is down")

    call = Calls()
    blobs.before = before
    assert ask(claims, call).json() == {"requestId": "r1"}


def test_an_answer_that_comes_between_the_look_and_the_lease_is_taken_not_paid(blobs, claims):
    """Somebody reads "asking", and just then the holder answers and gives its lease back."""
    dead_holder(blobs)
    blobs.release(names.CACHE, CLAIM, "its-lease")
    other = Claims(blobs, FakeClock())

    def before(operation, container, name):
        if operation == "acquire":
            blobs.before = None
            ask(other, Calls())

    blobs.before = before
    call = Calls()
    assert not ask(claims, call).paid
    assert call.count == 0


def test_a_claim_that_disappears_while_it_is_waited_for_is_made_anew(blobs, claims, clock):
    """The holder met an outage and gave up; the first of the waiting asks next."""
    dead_holder(blobs)

    def before(operation, container, name):
        if operation == "acquire":
            blobs.before = None
            blobs.delete(names.CACHE, CLAIM, lease="its-lease")

    blobs.before = before
    assert ask(claims, Calls()).paid
    assert clock.now() < LEASE_SECONDS


def test_a_claim_whose_creation_was_answered_by_nobody_is_held_after_all(blobs, claims):
    """The storage client repeats a write whose answer was lost, and finds its own blob in the way."""

    def before(operation, container, name):
        if operation == "write":
            blobs.before = None
            document = json.dumps({"state": "asking", "by": "this very asker"}).encode()
            blobs.write(names.CACHE, CLAIM, document, content_type=names.JSON)
            raise ConflictError("BlobAlreadyExists")

    blobs.before = before
    call = Calls()
    assert ask(claims, call).paid
    assert call.count == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"asking"', b"{}"])
def test_a_claim_that_cannot_be_read_is_taken_over(blobs, claims, content):
    blobs.write(names.CACHE, CLAIM, content, content_type=names.JSON)
    assert ask(claims, Calls()).paid
    assert not ask(claims, Calls()).paid


def test_whoever_lost_its_lease_does_not_overwrite_the_new_holders_answer(blobs, claims, clock):
    """A process that stood still longer than its lease wakes up with an answer of its own."""
    newer = Answer("application/json", b'{"requestId": "newer"}', "newer")

    def standing_still():
        clock.sleep(LEASE_SECONDS + 1)
        ask(Claims(blobs, clock), Calls(newer))
        return ANSWER

    assert ask(claims, standing_still).json() == {"requestId": "r1"}
    assert ask(claims, Calls()).request_id == "newer"


def test_a_claim_says_who_asks_what_until_when(blobs, claims, clock):
    seen = {}

    def call():
        seen.update(json.loads(blobs.read(names.CACHE, CLAIM).data))
        return ANSWER

    ask(claims, call)
    assert (seen["state"], seen["question"]) == ("asking", QUESTION.text)
    assert seen["by"]
    assert seen["since"] < seen["until"]


def test_a_call_longer_than_a_lease_keeps_its_claim_by_renewing_it(blobs, claims, clock, monkeypatch):
    monkeypatch.setattr("shared.answers.held.RENEW_SECONDS", 0.001)
    renewed = threading.Event()
    blobs.before = lambda operation, container, name: renewed.set() if operation == "renew" else None
    others = Calls()

    def long_call():
        for _ in range(4):
            renewed.clear()
            assert renewed.wait(110)
            # One that began after the time went on has surely been made for the time that follows.
            renewed.clear()
            assert renewed.wait(110)
            clock.advance(LEASE_SECONDS - 5)
        with pytest.raises(BusyError):
            ask(claims, others, wait_seconds=1)
        return ANSWER

    assert ask(claims, long_call).paid
    assert others.count == 0


def test_a_lost_lease_is_not_renewed_for_ever(blobs, claims, monkeypatch, caplog):
    monkeypatch.setattr("shared.answers.held.RENEW_SECONDS", 0.001)
    lost = threading.Event()

    def call():
        blobs.delete(names.CACHE, CLAIM, lease=held["lease"])
        blobs.before = lambda operation, container, name: lost.set() if operation == "renew" else None
        assert lost.wait(110)
        return ANSWER

    held = {}
    blobs.before = lambda operation, container, name: None
    acquire = blobs.acquire

    def remembering(container, name, lease, seconds, *, etag=None):
        held["lease"] = lease
        return acquire(container, name, lease, seconds, etag=etag)

    monkeypatch.setattr(blobs, "acquire", remembering)
    assert ask(claims, call).json() == {"requestId": "r1"}
    assert "claim.lost" in caplog.text


def test_an_answer_is_stored_though_the_lease_has_lapsed_while_storage_did_not_answer(claims, blobs, clock):
    """The lease ends by storage's clock, and nobody could renew it."""

    def slow() -> Answer:
        clock.advance(LEASE_SECONDS + 1)
        return ANSWER

    assert ask(claims, slow) == ANSWER
    again = Calls()
    assert ask(claims, again).body == ANSWER.body
    assert again.count == 0


def test_an_answer_is_not_stored_over_who_has_taken_over_since(claims, blobs, clock):
    def slow() -> Answer:
        clock.advance(LEASE_SECONDS + 1)
        assert ask(claims, Calls(Answer("application/json", b'{"requestId": "r2"}', "r2"))).request_id == "r2"
        return ANSWER

    assert ask(claims, slow) == ANSWER
    assert ask(claims, Calls()).request_id == "r2"


def test_a_paid_answer_is_stored_after_the_callers_time(claims, blobs, clock):
    """What the claim waits for ends with the request; what was paid for is still written down."""
    left: list[float] = []
    with time_budget.request(10, clock):

        def slow() -> Answer:
            clock.advance(10)
            blobs.before = lambda operation, *_: left.append(time_budget.left(150)) if operation == "write" else None
            return ANSWER

        assert ask(claims, slow) == ANSWER
    assert left == [time_budget.OVERTIME_SECONDS]


def test_the_thread_that_keeps_the_lease_has_the_requests_time(claims, blobs, clock, monkeypatch):
    monkeypatch.setattr("shared.answers.held.RENEW_SECONDS", 0.0)
    renewed = threading.Event()
    left: list[float] = []

    def look(operation: str, *_: str) -> None:
        if operation == "renew":
            left.append(time_budget.left(150))
            renewed.set()

    blobs.before = look

    def slow() -> Answer:
        assert renewed.wait(60)
        return ANSWER

    with time_budget.request(20, clock):
        ask(claims, slow)
    assert left[0] == 20


def test_nobody_waits_for_an_answer_longer_than_the_request_lasts(claims, blobs, clock):
    def meanwhile() -> Answer:
        begun = clock.now()
        with time_budget.request(3, clock), pytest.raises(BusyError):
            ask(claims, Calls(), wait_seconds=20)
        assert clock.now() - begun == pytest.approx(3)
        return ANSWER

    ask(claims, meanwhile)


def test_a_paid_answer_that_storage_does_not_take_serves_all_and_is_stored_when_it_does(claims, blobs, clock):
    """Its own caller has it in time, and others who come meanwhile do not pay for another."""
    hangs, stored = threading.Event(), threading.Event()

    def before(operation, container, name):
        if operation == "write" and not hangs.is_set():
            if threading.current_thread() is threading.main_thread():
                raise StorageError("Blob storage did not answer in time.")
            assert time_budget.left(1e9) > 20
            assert not time_budget.is_callers()
            assert hangs.wait(60)
        stored_later = operation == "write" and threading.current_thread() is not threading.main_thread()
        if stored_later:
            blobs.before = lambda operation, *_: stored.set()

    def answered() -> Answer:
        blobs.before = before
        return ANSWER

    with time_budget.request(20, clock):
        assert ask(claims, answered) == ANSWER
        # Storage is slow for longer than the lease lasts.
        clock.advance(LEASE_SECONDS + 1)
        call = Calls()
        assert ask(claims, call).json() == ANSWER.json()
        assert call.count == 0
    hangs.set()
    for thread in threading.enumerate():
        if thread.name.startswith("store "):
            thread.join(60)
    blobs.before = None
    assert ask(Claims(blobs, clock), call).json() == ANSWER.json()
    assert call.count == 0


def test_who_takes_a_claim_over_looks_once_more_whether_it_was_answered_meanwhile(claims, blobs, clock):
    """The look was before the answer, the lease after it, because storage stood still between."""
    call = Calls()

    def slow() -> Answer:
        clock.advance(LEASE_SECONDS + 1)

        def before(operation, container, name):
            if operation == "acquire":
                blobs.before = None
                claims._store.unstored[CLAIM] = claim_documents.answered(
                    QUESTION, ANSWER, at=clock.utc(), lifetime_seconds=None
                )

        blobs.before = before
        assert ask(claims, call).json() == ANSWER.json()
        claims._store.unstored.clear()
        return ANSWER

    ask(claims, slow)
    assert call.count == 0


def test_the_claims_about_a_subject_are_listed_whatever_is_in_them(blobs, claims):
    ask(claims, Calls())
    dead = names.claim("subject", "analyze-123")
    blobs.write(names.CACHE, dead, b"{}", content_type=names.JSON)
    ask(claims, Calls(), subject="subject-of-others")
    assert claims.keys("subject") == {QUESTION.key, "analyze-123"}
    assert claims.keys("other") == frozenset()


def test_the_claims_about_a_subject_are_listed_to_the_end_where_storage_ends_a_page_early(blobs, claims, monkeypatch):
    asked = [questions.thumbnail(9, side) for side in range(1, 8)]
    for each in asked:
        claims.keep("subject", each, Answer("application/json", b"{}"))
    whole = blobs.page
    monkeypatch.setattr(blobs, "page", lambda container, *, limit, **given: whole(container, limit=2, **given))
    assert claims.keys("subject") == {each.key for each in asked}


def test_a_refusal_is_known_and_no_answer_that_is_found(claims):
    with pytest.raises(ImageRejectedError):
        ask(claims, Calls(ImageRejectedError("no")))
    assert claims.find("subject", QUESTION) is None
    with pytest.raises(ImageRejectedError):
        claims.known("subject", QUESTION)


def test_an_answer_that_was_given_before_keeps_its_time(claims, clock):
    claims.keep("subject", QUESTION, ANSWER, lifetime_seconds=60)
    clock.advance(59)
    claims.keep("other", QUESTION, claims.find("subject", QUESTION), lifetime_seconds=60)
    assert claims.find("other", QUESTION) is not None
    clock.advance(1)
    assert claims.find("other", QUESTION) is None
