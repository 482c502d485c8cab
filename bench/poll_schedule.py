"""
What the poll schedule of Read costs and gives, on a virtual clock: added latency, and polls for each document.

    python -m bench.poll_schedule

Every policy sees the very same documents. Ours learns the median as it does in the app, from the service's timestamps
of whole seconds; the optimum is told the true distribution. Exits 1 if a goal is missed.
"""

import heapq
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist, fmean
from typing import NamedTuple, Protocol

from bench.poll_optimum import Optimum
from bench.section import Goal, Section, goals_table, table
from shared.vision import poll_schedule

DOCUMENTS = 5_000
SEEDS = 20
ROUND_TRIP_SECONDS = 0.1
MAX_LATENCY_SECONDS = 0.9
MAX_POLLS = 2.4
# Against the optimum at the same number of polls, and against the sample's documents at the same rate of calls.
MAX_OF_OPTIMUM = 1.05
MIN_OF_SAMPLE = 1.5
OURS = "ours, from 2 s"
OPTIMUM = "optimum at the same polls"
QUICKSTART = "quickstart of 2019: at once, then each 1 s"
# A median that starts ten times wrong has come near within so many documents.
UNSETTLED = 100
_RATE = 10.0
_P99 = NormalDist().inv_cdf(0.99)


class Service(NamedTuple):
    """How long documents take: a lognormal distribution, in seconds."""

    median_seconds: float = 2.0
    p99_seconds: float = 15.0

    @property
    def _logarithms(self) -> NormalDist:
        return NormalDist(math.log(self.median_seconds), math.log(self.p99_seconds / self.median_seconds) / _P99)

    def durations(self, documents: int, chance: random.Random) -> list[float]:
        """Durations of so many documents."""
        logarithms = self._logarithms
        return [chance.lognormvariate(logarithms.mean, logarithms.stdev) for _ in range(documents)]

    def share_done(self, seconds: float) -> float:
        """The share of documents that are done after so many seconds."""
        return self._logarithms.cdf(math.log(seconds)) if seconds > 0 else 0.0


USUAL = Service()


class Policy(Protocol):
    """When to poll."""

    def wait(self, polls: int, elapsed_seconds: float) -> float:
        """Seconds until the next poll of a document that was polled *polls* times since its acceptance."""

    def learn(self, observed_seconds: float) -> None:
        """A document took so long, by the service's timestamps."""


class Ours:
    """The app's own schedule, with the median it learns."""

    def __init__(self, start_seconds: float = poll_schedule.START_SECONDS) -> None:
        self._median = poll_schedule.Median(start_seconds)
        self.learn = self._median.learn

    def wait(self, polls: int, elapsed_seconds: float) -> float:  # noqa: D102 (Policy says it)
        median = self._median.seconds
        return poll_schedule.next_wait(median, elapsed_seconds) if polls else poll_schedule.first_wait(median)


class _Unlearning:
    def learn(self, observed_seconds: float) -> None:
        """Stay as it is."""


class Quickstart(_Unlearning):
    """The sample of the quickstart of 2019: poll at once, then sleep a second before each further poll."""

    def wait(self, polls: int, elapsed_seconds: float) -> float:  # noqa: D102
        return 1.0 if polls else 0.0


class Backoff(_Unlearning):
    """Exponential backoff: each wait twice the one before, up to *cap_seconds*."""

    def __init__(self, first_seconds: float, cap_seconds: float = 10.0) -> None:
        self._first, self._cap = first_seconds, cap_seconds

    def wait(self, polls: int, elapsed_seconds: float) -> float:  # noqa: D102
        return min(self._cap, self._first * 2.0**polls)


class Timetable(_Unlearning):
    """Polls at given moments since the acceptance, then as far apart as the last two."""

    def __init__(self, moments: Sequence[float]) -> None:
        self._moments = list(moments)

    def wait(self, polls: int, elapsed_seconds: float) -> float:  # noqa: D102
        if polls < len(self._moments):
            return max(0.0, self._moments[polls] - elapsed_seconds)
        return self._moments[-1] - self._moments[-2]


class Figures(NamedTuple):
    """Of one policy: seconds between the end of a document and the poll that told it, and polls a document."""

    mean_seconds: float
    p95_seconds: float
    p99_seconds: float
    polls: float

    @property
    def documents_per_second(self) -> float:
        """At a rate of 10 calls a second, of which each document takes one to be accepted, and its polls."""
        return _RATE / (1.0 + self.polls)


class _Documents:
    """What was measured of those that count."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.polls = 0

    def found(self, latency_seconds: float, polls: int) -> None:
        self.latencies.append(latency_seconds)
        self.polls += polls

    def figures(self) -> Figures:
        ordered = sorted(self.latencies)
        p95, p99 = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.95, 0.99))
        return Figures(fmean(ordered), p95, p99, self.polls / len(ordered))


class _Document(NamedTuple):
    """One that is being read, in the order of its next poll; moments in seconds of the virtual clock."""

    next_poll: float
    number: int
    accepted: float
    done: float
    polls: int


def simulate(
    policy: Policy,
    durations: Sequence[float],
    chance: random.Random,
    *,
    at_once: int = 1,
    uncounted: int = 0,
    round_trip_seconds: float = ROUND_TRIP_SECONDS,
) -> Figures:
    """
    Poll documents of these durations, *at_once* of them at any time; the next is accepted as one is found done.

    The first *uncounted* teach the policy, but are not in the figures.
    """
    waiting = enumerate(durations)
    now = chance.random()
    under_way: list[_Document] = []

    def accept() -> None:
        for number, duration in waiting:
            heapq.heappush(under_way, _Document(now + policy.wait(0, 0.0), number, now, now + duration, 0))
            return

    for _ in range(at_once):
        accept()
    measured = _Documents()
    while under_way:
        document = heapq.heappop(under_way)
        now = document.next_poll + round_trip_seconds
        if document.done <= document.next_poll + round_trip_seconds / 2:
            if document.number >= uncounted:
                measured.found(now - document.done, document.polls + 1)
            policy.learn(math.floor(document.done) - math.floor(document.accepted))
            accept()
        else:
            again = now + policy.wait(document.polls + 1, now - document.accepted)
            heapq.heappush(under_way, document._replace(next_poll=again, polls=document.polls + 1))
    return measured.figures()


def averaged(
    make: Callable[[], Policy],
    service: Service,
    *,
    documents: int,
    seeds: int,
    at_once: int = 1,
    uncounted: int = 0,
    round_trip_seconds: float = ROUND_TRIP_SECONDS,
) -> Figures:
    """The mean of so many seeds, each with documents of its own and a policy that has learned nothing yet."""
    figures = []
    for seed in range(seeds):
        chance = random.Random(seed)
        durations = service.durations(documents, chance)
        figures.append(
            simulate(
                make(),
                durations,
                chance,
                at_once=at_once,
                uncounted=uncounted,
                round_trip_seconds=round_trip_seconds,
            )
        )
    return Figures(*(fmean(column) for column in zip(*figures, strict=True)))


def at_a_time(
    documents: int = 20,
    *,
    at_once: int = 20,
    service: Service = USUAL,
    start_seconds: float = poll_schedule.START_SECONDS,
    round_trip_seconds: float = ROUND_TRIP_SECONDS,
    seeds: int = 200,
) -> Figures:
    """What a run of so many documents, so many at a time, on a real stack has to come near."""
    return averaged(
        lambda: Ours(start_seconds),
        service,
        documents=documents,
        seeds=seeds,
        at_once=at_once,
        round_trip_seconds=round_trip_seconds,
    )


def compare(service: Service, *, documents: int, seeds: int) -> Iterator[tuple[str, Figures]]:
    """Every policy on the same documents, ours first; the optimum has as many polls as ours."""

    def of(make: Callable[[], Policy], uncounted: int = 0) -> Figures:
        return averaged(make, service, documents=documents, seeds=seeds, uncounted=uncounted)

    ours = of(Ours)
    yield OURS, ours
    for start in (poll_schedule.MIN_SECONDS, 10 * poll_schedule.START_SECONDS):
        yield f"ours, from {start:g} s", of(lambda: Ours(start))  # noqa: B023 (called at once)
        settled = of(lambda: Ours(start), UNSETTLED)  # noqa: B023
        yield f"ours, from {start:g} s, without its first {UNSETTLED} documents", settled
    optimum = Optimum(service.share_done, service.median_seconds, round_trip_seconds=ROUND_TRIP_SECONDS)
    moments = optimum.costing(ours.polls)
    yield OPTIMUM, of(lambda: Timetable(moments))
    yield QUICKSTART, of(Quickstart)
    yield "exponential 1 s x2, at most 10 s", of(lambda: Backoff(1.0))
    yield "exponential 0.5 s x2, at most 10 s", of(lambda: Backoff(0.5))


def goals(figures: dict[str, Figures]) -> list[Goal]:
    """The goals, by the figures of the 2 s service; a wrong start has to meet them once it has settled."""
    ours = figures[OURS]
    found = []
    for name, each in figures.items():
        if name == OURS or name.endswith("documents"):
            found.append(Goal.at_most(f"{name}: added latency", MAX_LATENCY_SECONDS, each.mean_seconds, " s"))
            found.append(Goal.at_most(f"{name}: polls a document", MAX_POLLS, each.polls))
    of_optimum = ours.mean_seconds / figures[OPTIMUM].mean_seconds
    of_sample = ours.documents_per_second / figures[QUICKSTART].documents_per_second
    found.append(Goal.at_most("added latency, of the optimum's", MAX_OF_OPTIMUM, of_optimum))
    found.append(Goal.at_least("documents a second, of the quickstart's", MIN_OF_SAMPLE, of_sample))
    return found


def _table(figures: dict[str, Figures]) -> str:
    rows = [
        (
            name,
            f"{each.mean_seconds:.2f} / {each.p95_seconds:.2f} / {each.p99_seconds:.2f}",
            f"{each.polls:.2f}",
            f"{each.documents_per_second:.2f}",
        )
        for name, each in figures.items()
    ]
    header = (
        "policy",
        "added latency mean / p95 / p99, s",
        "polls a document",
        "documents a second at 10 calls a second",
    )
    return table(header, rows)


def section(*, documents: int = DOCUMENTS, seeds: int = SEEDS) -> Section:
    """Simulate all."""
    text = [
        f"{documents} documents, mean of {seeds} seeds, {ROUND_TRIP_SECONDS} s a round trip, on a virtual clock.\n"
        "Added latency is from the end of a document to the poll that told it."
    ]
    found: list[Goal] = []
    for median in (2.0, 0.8, 8.0):
        service = Service(median, 7.5 * median)
        figures = dict(compare(service, documents=documents, seeds=seeds))
        text += [f"### Documents of {median:g} s (median; p99 {7.5 * median:g} s)", _table(figures)]
        found = found or goals(figures)
    batch = at_a_time()
    text.append(
        f"Twenty documents at a time, all accepted at once with nothing learned, median 2 s: "
        f"{batch.mean_seconds:.2f} s added, {batch.polls:.2f} polls a document."
    )
    return Section("When a Read is polled", "\n\n".join(text), found)


def main() -> int:
    """Print the tables; 1 if a goal is missed."""
    measured = section()
    print(measured.text, goals_table(measured.goals), sep="\n\n")
    return 0 if all(goal.held for goal in measured.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
