from shared.pace.breaker import FAILURES, FIRST_CLOSED_SECONDS, MAX_CLOSED_SECONDS, Breaker


def closed(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(now, probe=False)
    return breaker


def test_failures_in_a_row_close_the_door_and_fewer_do_not() -> None:
    breaker = Breaker()
    assert [breaker.failed(0.0, probe=False) for _ in range(FAILURES)] == [False] * (FAILURES - 1) + [True]
    assert breaker.closed_until == FIRST_CLOSED_SECONDS


def test_an_answer_between_begins_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            breaker.failed(0.0, probe=False)
        assert not breaker.succeeded(probe=False)
    assert not breaker.closed


def test_no_probe_goes_before_its_time_and_then_one_at_a_time() -> None:
    breaker = closed()
    assert not breaker.begin_probe(FIRST_CLOSED_SECONDS - 0.1)
    assert breaker.begin_probe(FIRST_CLOSED_SECONDS)
    assert not breaker.begin_probe(FIRST_CLOSED_SECONDS + 100)


def test_there_is_no_probe_at_an_open_door() -> None:
    assert not Breaker().begin_probe(100.0)


def test_the_probes_answer_opens_the_door_as_if_nothing_had_been() -> None:
    breaker = closed()
    breaker.begin_probe(5.0)
    assert breaker.succeeded(probe=True)
    assert not breaker.closed
    assert not breaker.probing
    assert not breaker.failed(6.0, probe=False)


def test_each_failed_probe_doubles_the_time_up_to_the_longest() -> None:
    breaker, now, seconds = closed(), 0.0, []
    for _ in range(5):
        now = breaker.closed_until or 0.0
        assert breaker.begin_probe(now)
        assert breaker.failed(now, probe=True)
        seconds.append((breaker.closed_until or 0.0) - now)
    assert seconds == [10.0, 20.0, 30.0, 30.0, 30.0]
    assert seconds[-1] == MAX_CLOSED_SECONDS


def test_calls_from_before_it_closed_change_nothing() -> None:
    breaker = closed()
    assert not breaker.succeeded(probe=False)
    assert not breaker.failed(1.0, probe=False)
    assert breaker.closed_until == FIRST_CLOSED_SECONDS


def test_a_probe_that_did_not_go_leaves_its_place_to_another() -> None:
    breaker = closed()
    breaker.begin_probe(5.0)
    breaker.give_up_probe()
    assert breaker.begin_probe(5.0)
