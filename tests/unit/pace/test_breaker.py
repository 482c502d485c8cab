from shared.pace.breaker import FAILURES, FIRST_OPEN_SECONDS, MAX_OPEN_SECONDS, Breaker


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(now, probe=False)
    return breaker


def test_failures_in_a_row_open_the_breaker_and_fewer_do_not() -> None:
    breaker = Breaker()
    assert [breaker.failed(0.0, probe=False) for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    assert breaker.open_until == FIRST_OPEN_SECONDS


def test_an_answer_between_begins_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.failed(0.0, probe=False)
        assert not breaker.succeeded(probe=False)
    assert not breaker.is_open


def test_no_probe_goes_before_its_time_and_then_one_at_a_time() -> None:
    breaker = opened()
    assert not breaker.begin_probe(FIRST_OPEN_SECONDS - 0.1)
    assert breaker.begin_probe(FIRST_OPEN_SECONDS)
    assert not breaker.begin_probe(FIRST_OPEN_SECONDS + 100)


def test_a_closed_breaker_has_no_probe() -> None:
    assert not Breaker().begin_probe(100.0)


def test_the_probes_answer_closes_the_breaker_as_if_nothing_had_been() -> None:
    breaker = opened()
    breaker.begin_probe(5.0)
    assert breaker.succeeded(probe=True)
    assert not breaker.is_open
    assert not breaker.half_open
    assert not breaker.failed(6.0, probe=False)


def test_each_failed_probe_doubles_the_time_up_to_the_longest() -> None:
    breaker, now, seconds = opened(), 0.0, []
    for _ in range(5):
        now = breaker.open_until or 0.0
        assert breaker.begin_probe(now)
        assert breaker.failed(now, probe=True)
        seconds.append((breaker.open_until or 0.0) - now)
    assert seconds == [10.0, 20.0, 30.0, 30.0, 30.0]
    assert seconds[-1] == MAX_OPEN_SECONDS


def test_calls_from_before_it_opened_change_nothing() -> None:
    breaker = opened()
    assert not breaker.succeeded(probe=False)
    assert not breaker.failed(1.0, probe=False)
    assert breaker.open_until == FIRST_OPEN_SECONDS


def test_a_probe_that_did_not_go_leaves_its_place_to_another() -> None:
    breaker = opened()
    breaker.begin_probe(5.0)
    breaker.give_up_probe()
    assert breaker.begin_probe(5.0)
