"""The arithmetic of the benchmark of the models; what they cost is for a machine that does nothing else."""

import pytest

from bench import recognition
from bench.recognition import WITH, WITHOUT, Taken

STATUS = "Name:\tpython\nVmPeak:\t 900000 kB\nVmHWM:\t  512000 kB\nVmRSS:\t  409600 kB\nThreads:\t1\n"


def test_what_a_process_has_and_had_is_read_from_its_status() -> None:
    assert recognition.memory(STATUS) == (400, 500)


def test_a_look_costs_its_best_and_its_first_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # Seconds that each look takes: of the first picture the first look takes longest.
    takes = {"one": [9.0, 0.3, 0.1, 0.2], "two": [9.0, 0.4, 0.5, 0.3]}
    now = 0.0

    def look(picture: str) -> None:
        nonlocal now
        now += takes[picture].pop(0)

    monkeypatch.setattr(recognition, "TIMES", 3)
    monkeypatch.setattr(recognition.time, "process_time", lambda: now)

    assert recognition.milliseconds(look, ["one", "two"]) == pytest.approx(200)


@pytest.mark.parametrize(
    ("answer", "tags", "peak", "held"),
    [
        (300, 150, 800, [True, True, True]),
        (301, 150, 800, [False, True, True]),
        (300, 151, 800, [True, False, True]),
        (300, 150, 801, [True, True, False]),
    ],
)
def test_a_goal_is_missed_where_models_cost_too_much(answer: int, tags: int, peak: int, held: list[bool]) -> None:
    haar = f"{recognition.HAAR}, which faces replace"
    without = Taken(100, {haar: 500}, 390, 400)
    with_models = Taken(answer, {haar: 500, "tags": tags, "objects": 50}, 700, peak)
    # One round of three is off.
    rounds = {WITHOUT: [without, without._replace(answer=500), without], WITH: [with_models] * 3}

    found = recognition.section(rounds)

    assert [goal.held for goal in found.goals] == held
    assert "| MODELS=off | 100 | 390 | 400 |" in found.text
    assert "| objects | 50.0 |" in found.text


def test_the_service_is_measured_without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "TIMES", 1)
    monkeypatch.setattr(recognition, "SAMPLES", recognition.SAMPLES[:1])

    taken = recognition.measure(WITHOUT)

    assert taken.answer > 0
    assert 0 < taken.resident <= taken.peak
    assert list(taken.looks) == [f"{recognition.HAAR}, which faces replace"]
