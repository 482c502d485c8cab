"""
Bursts, outages and wrong rates on a virtual clock: what the app's own gate, quota and retries make of them.

`python -m bench.simulate` prints a table and exits 1 when a goal is missed; `--quick` runs less of each.
`bench.burst` has some of the scenarios on a real wire, with the same goals.
"""

import argparse
import heapq
import logging
import random
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, cast

from bench.section import Goal, Section, table
from bench.virtual import VirtualClock
from bench.world import Faults, QuotaBlob, Service, WrongClock
from local.vision.rate import Rate
from shared.errors import BlobsightError
from shared.images import ImageBytes
from shared.pace import ledger
from shared.pace.gate import Gate
from shared.pace.quota import Quota
from shared.storage.blobs import Blobs
from shared.vision import questions
from shared.vision.client import VisionClient

_QUESTION = questions.tag()
_IMAGE = ImageBytes(b"not looked at")
# As the app's settings are by default.
_TIMEOUT_SECONDS, _MAX_WAIT_SECONDS = 30.0, 20.0
_RUNS = 5
_TIER = Rate(10, 1.0)
_USUAL = Faults()


@dataclass(frozen=True)
class Scenario:
    """What happens, and the goals; None is no goal. `believed` is the rate that the app was told."""

    name: str
    processes: int = 1
    threads: int = 16
    images: int = 1000
    rate: Rate = _TIER
    believed: Rate | None = None
    faults: Faults = _USUAL
    foreign: float = 0.0
    clocks_apart_seconds: float = 0.0
    most_calls: float | None = 1.06
    most_time: float | None = None
    time_of: str = "images"
    most_throttled: int | None = None
    most_in_outage: int | None = None
    most_deferred: int | None = None


class Result(NamedTuple):
    """One run: `lost` images, `calls` an image, time against the ideal, 429s, calls into the outage, storage writes."""

    lost: int
    calls: float
    time: float
    throttled: int
    in_outage: int
    deferred: int
    writes: int


@dataclass
class Work:
    """The images that are left, by the time when each is due; what is deferred comes back later."""

    due: list[tuple[float, int]]
    done: int = 0
    deferred: int = 0
    under_way: int = 0
    finished_at: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)


def run(scenario: Scenario, seed: int) -> Result:
    """Run a scenario once. The same seed gives the same result."""
    random.seed(seed)  # the app's own jitter
    clock = VirtualClock()
    service = Service(clock, scenario.rate, scenario.faults, random.Random(seed + 1))
    blobs = QuotaBlob(clock, random.Random(seed + 2))
    work = Work([(0.0, number) for number in range(scenario.images)])
    believed = scenario.believed or scenario.rate
    pace = ledger.Rate.for_tier(believed.calls, believed.seconds)
    workers: list[Callable[[], None]] = []
    for number in range(scenario.processes):
        own = WrongClock(clock, number * scenario.clocks_apart_seconds)
        quota = Quota(cast(Blobs, blobs), "vision.json", pace, own)
        client = VisionClient(
            "https://vision.invalid",
            "key",
            transport=service,
            timeout_seconds=_TIMEOUT_SECONDS,
            max_wait_seconds=_MAX_WAIT_SECONDS,
            clock=own,
            gate=Gate(own, quota),
        )
        workers += [partial(_worker, clock, work, quota, client)] * scenario.threads
    if scenario.foreign:
        workers.append(lambda: _foreigner(clock, work, service, scenario, random.Random(seed + 3)))
    clock.run(workers)
    return _result(scenario, service, blobs, work)


def _worker(clock: VirtualClock, work: Work, quota: Quota, client: VisionClient) -> None:
    """What a thread of the app does: the next image that is due; what cannot be done now is postponed."""
    while work.due or work.under_way:
        if not work.due:
            clock.sleep(1.0)
            continue
        due, image = heapq.heappop(work.due)
        work.under_way += 1
        if due > clock.now():
            clock.sleep(due - clock.now())
        try:
            client.ask(_QUESTION, _IMAGE)
            work.done += 1
            work.finished_at = clock.now()
        except BlobsightError as error:
            work.failures[error.code] = work.failures.get(error.code, 0) + 1
            if error.transient:
                seconds = quota.postpone(at_least_seconds=error.retry_after_seconds or 1.0)
                work.deferred += 1
                heapq.heappush(work.due, (clock.now() + seconds, image))
        work.under_way -= 1


def _foreigner(clock: VirtualClock, work: Work, service: Service, scenario: Scenario, chance: random.Random) -> None:
    """Another client that spends a share of the same limit, and knows nothing of anybody."""
    interval = scenario.rate.seconds / scenario.rate.calls / scenario.foreign
    while work.due or work.under_way:
        clock.sleep(chance.expovariate(1 / interval))
        service.limit.wait_seconds()


def _result(scenario: Scenario, service: Service, blobs: QuotaBlob, work: Work) -> Result:
    calls_a_second = scenario.rate.calls / scenario.rate.seconds
    counted = service.calls if scenario.time_of == "calls" else scenario.images
    return Result(
        lost=scenario.images - work.done,
        calls=service.calls / scenario.images,
        time=work.finished_at / (counted / calls_a_second),
        throttled=service.throttled,
        in_outage=service.during_outage,
        deferred=work.deferred,
        writes=blobs.writes,
    )


def median(results: list[Result]) -> Result:
    """The median of each figure, but the worst of what must never happen: lost images."""
    figures = Result(*(statistics.median_low(values) for values in zip(*results, strict=True)))
    return figures._replace(lost=max(result.lost for result in results))


def judged(scenario: Scenario, result: Result) -> list[Goal]:
    """The scenario's goals."""
    goals = [
        ("lost", result.lost, 0),
        ("calls an image", result.calls, scenario.most_calls),
        ("time", result.time, scenario.most_time),
        ("429s", result.throttled, scenario.most_throttled),
        ("calls into the outage", result.in_outage, scenario.most_in_outage),
        ("deferred", result.deferred, scenario.most_deferred),
    ]
    return [
        Goal(name, f"{limit:g}", f"{value:.3f}".rstrip("0").rstrip("."), value <= limit)
        for name, value, limit in goals
        if limit is not None
    ]


def missed(scenario: Scenario, result: Result) -> list[str]:
    """The goals that the result misses."""
    return [f"{goal.what} {goal.measured} > {goal.limit}" for goal in judged(scenario, result) if not goal.held]


def goal_of(scenario: Scenario, result: Result) -> Goal:
    """All goals of a scenario as one line of the page."""
    goals = judged(scenario, result)
    limits = ", ".join(f"{goal.what} {goal.limit}" for goal in goals)
    return Goal(scenario.name, limits, ", ".join(goal.measured for goal in goals), all(goal.held for goal in goals))


def scenarios() -> Iterator[Scenario]:
    """Everything that is run."""
    fixed, sliding = replace(_TIER, kind="fixed"), replace(_TIER, kind="sliding")
    for threads in (16, 64):
        alone = Scenario(f"1 process, {threads} threads", threads=threads)
        yield replace(_named(alone, "bucket"), most_time=1.03, time_of="calls", most_throttled=0)
        yield replace(_named(alone, "fixed window"), rate=fixed, most_time=1.15)
        yield replace(_named(alone, "sliding window"), rate=sliding, most_calls=None)
    four = Scenario("4 processes", 4)
    yield replace(_named(four, "bucket"), most_time=1.10, most_throttled=0)
    yield replace(_named(four, "fixed window"), rate=fixed, most_time=1.20, most_throttled=0)
    yield replace(_named(four, "sliding window"), rate=sliding, most_calls=None)
    apart = replace(_named(four, "clocks 0.05 s apart"), clocks_apart_seconds=0.05)
    yield replace(apart, most_time=1.10, most_throttled=0, most_deferred=0)
    # A minute of calls: the last answer comes a second or two after the last call, however many there were.
    fast = replace(_named(four, "200/s"), threads=64, images=12_000, rate=Rate(200, 1))
    yield replace(fast, most_time=1.10, most_throttled=0)
    yield Scenario("F0: 20 in 60 s", 1, 4, 100, Rate(20, 60), most_calls=1.10, most_time=1.15, most_throttled=0)
    wrong = Scenario("set twice too high", believed=Rate(20, 1), most_calls=None)
    yield _named(wrong, "bucket")
    yield replace(_named(wrong, "no Retry-After"), faults=Faults(retry_after=False))
    yield replace(_named(wrong, "fixed window"), rate=fixed)
    yield replace(_named(wrong, "4 processes"), processes=4)
    shared = Scenario("another client takes 30%", foreign=0.3, most_calls=None)
    yield shared
    yield replace(_named(shared, "4 processes"), processes=4)
    yield Scenario("60 s outage", faults=Faults(outage=(40, 100)), most_calls=None, most_in_outage=20)


def _named(scenario: Scenario, what: str) -> Scenario:
    return replace(scenario, name=f"{scenario.name}, {what}")


def quick() -> list[Scenario]:
    """One of each kind, small, for the tests: goals are as wide as the fewer images make their chances."""
    rate = Rate(10, 1)
    return [
        Scenario("1 process", images=300, most_calls=1.09, most_time=1.05, time_of="calls", most_throttled=0),
        Scenario("64 threads, fixed window", 1, 64, 300, replace(rate, kind="fixed"), most_calls=1.09, most_time=1.2),
        Scenario("4 processes", 4, images=300, most_calls=1.09, most_time=1.15, most_throttled=0),
        Scenario("set twice too high", 4, images=300, believed=Rate(20, 1), most_calls=1.25),
        Scenario("another client takes 30%", images=300, foreign=0.3, most_calls=1.2),
        Scenario("60 s outage", images=300, faults=Faults(outage=(10, 70)), most_calls=None, most_in_outage=20),
        Scenario("F0", 1, 4, 40, Rate(20, 60), most_calls=1.2, most_time=1.3, most_throttled=0),
    ]


def results(chosen: Iterable[Scenario], runs: int = _RUNS) -> Iterator[tuple[Scenario, Result]]:
    """Run them, each so many times, for the medians."""
    for scenario in chosen:
        yield scenario, median([run(scenario, seed) for seed in range(runs)])


def section(chosen: Iterable[Scenario] | None = None, runs: int = _RUNS) -> Section:
    """Simulate all."""
    # The table is what counts; what goes wrong on the way goes wrong on purpose.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        found = list(results(scenarios() if chosen is None else chosen, runs))
    finally:
        logging.disable(before)
    header = ("scenario", "lost", "calls an image", "time", "429s", "calls into the outage", "deferred", "writes")
    rows = [
        (
            scenario.name,
            str(result.lost),
            f"{result.calls:.3f}",
            f"{result.time:.3f}",
            *(str(value) for value in result[3:]),
        )
        for scenario, result in found
    ]
    text = [
        "The app's own gate, ledger and retries in real threads on a virtual clock, against a service that fails 3 % "
        "of the calls, resets 1 %, and takes 0.4 s (median, lognormal).\n"
        f"Medians of {runs} runs; of lost images, the worst.",
        "Time is that of the images at the service's rate; where it has to be at most 1.03, that of the calls.\n"
        "What is deferred comes back and is done; writes are those of the ledger in storage.",
        table(header, rows),
    ]
    return Section("Bursts, outages and wrong rates, simulated", "\n\n".join(text), [goal_of(*each) for each in found])


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small run of each kind")
    options = parser.parse_args(arguments)
    failed = False
    print(
        f"{'scenario':<42}{'lost':>5}{'calls/img':>10}{'time':>7}{'429s':>6}{'outage':>7}{'deferred':>9}{'writes':>7}"
    )
    for scenario, result in results(quick(), 1) if options.quick else results(scenarios()):
        problems = missed(scenario, result)
        failed = failed or bool(problems)
        print(
            f"{scenario.name:<42}{result.lost:>5}{result.calls:>10.3f}{result.time:>7.3f}{result.throttled:>6.0f}"
            f"{result.in_outage:>7.0f}{result.deferred:>9.0f}{result.writes:>7.0f}  {'; '.join(problems) or 'ok'}"
        )
    return int(failed)


if __name__ == "__main__":
    # The table is what counts; what goes wrong on the way goes wrong on purpose.
    logging.disable(logging.WARNING)
    sys.exit(main())
