"""
Some of `bench.simulate`'s bursts on a real wire, ours beside the peers, with the simulation's own goals.

    python -m bench.burst.report [--images N] [--only-ours]
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench import simulate
from bench.burst.runs import CLIENTS, OURS, Burst, run
from bench.section import Goal, Section, goals_table, table
from bench.simulate import Result, Scenario
from bench.stack import running_storage
from bench.world import Faults
from local.vision.rate import Rate
from shared.pace import ledger

IMAGES = 1000
# Bursts of ten calls a second hardly need the machine, and the peers that wait do little else.
_AT_ONCE = 6
_WAITING_AT_ONCE = 12
# These never wait, and have the machine at work for the seconds that they take.
_HASTY = ("requests.Session", "computervision 0.9.1")
# The pace alone: nothing fails, so that every call that is missing was not made in time. Of the app's own pace, which
# is a little below the rate.
PACES = (10, 100, 200)
_PACE_SECONDS = 30
_LEAST_PACE = 0.99
_PACED = Scenario("pace", 4, 64, faults=Faults(0.0, 0.0), most_calls=1.0, most_throttled=0)

# By scenario, then by client.
Bursts = dict[str, dict[str, Burst]]


def chosen(images: int = IMAGES) -> list[Scenario]:
    """The scenarios that are run: at 10 calls a second, known to the app, behind a bucket and a fixed window."""
    return [
        replace(scenario, images=images)
        for scenario in simulate.scenarios()
        if scenario.images == IMAGES
        and scenario.believed is None
        and scenario.rate.kind in ("bucket", "fixed")
        and (scenario.foreign, scenario.clocks_apart_seconds, scenario.faults) == (0.0, 0.0, Faults())
    ]


def troubled(images: int = IMAGES) -> list[Scenario]:
    """Four processes at a wrong rate or beside another client, and an outage: for ours, which has to lose nothing."""
    return [
        replace(scenario, images=images)
        for scenario in simulate.scenarios()
        if (scenario.processes == 4 and (scenario.believed or scenario.foreign)) or any(scenario.faults.outage)
    ]


def result_of(scenario: Scenario, burst: Burst) -> Result:
    """A real burst in the simulation's terms."""
    counted = burst.calls if scenario.time_of == "calls" else scenario.images
    ideal = counted * scenario.rate.seconds / scenario.rate.calls
    calls = burst.calls / scenario.images
    return Result(burst.lost, calls, burst.seconds / ideal, burst.throttled, burst.in_outage, burst.deferred, 0)


def bursts(scenarios: Sequence[Scenario], clients: Sequence[str], storage: str) -> Bursts:
    """Run every scenario with every client: ours first, then those that wait, then those that do not."""
    found: Bursts = {scenario.name: {} for scenario in scenarios}
    ours = [client for client in clients if client == OURS]
    waiting = [client for client in clients if client not in (OURS, *_HASTY)]
    hasty = [client for client in clients if client in _HASTY]
    for group, at_once in ((ours, _AT_ONCE), (waiting, _WAITING_AT_ONCE), (hasty, 1)):
        print(f"bench: bursts of {', '.join(group) or 'nobody'}", file=sys.stderr, flush=True)
        with ThreadPoolExecutor(at_once) as pool:
            jobs = [
                (scenario, client, pool.submit(run, scenario, client, storage))
                for client in group
                for scenario in scenarios
            ]
            for scenario, client, job in jobs:
                found[scenario.name][client] = job.result()
    return found


def pace_scenarios(seconds: float = _PACE_SECONDS) -> list[Scenario]:
    """Four processes that have nothing but the pace to keep."""
    return [
        replace(_PACED, name=f"4 processes, {calls} calls a second", images=int(calls * seconds), rate=Rate(calls, 1.0))
        for calls in PACES
    ]


def pace_goal(scenario: Scenario, burst: Burst) -> Goal:
    """The whole pace, and not more than the rate."""
    share = burst.rate * ledger.Rate.for_tier(1, 1.0).interval_seconds
    held = share >= _LEAST_PACE and not burst.throttled and not burst.lost
    measured = f"{share:.1%}, {burst.throttled} 429s, {burst.lost} lost"
    return Goal(f"{scenario.name}: share of the pace", f"at least {_LEAST_PACE:.0%}, no 429, none lost", measured, held)


def _burst_row(client: str, scenario: Scenario, burst: Burst) -> tuple[str, ...]:
    ideal = scenario.images * scenario.rate.seconds / scenario.rate.calls
    failures = ", ".join(f"{count} {name}" for name, count in (burst.failures + burst.events).most_common())
    return (
        client,
        str(burst.lost),
        f"{burst.calls / scenario.images:.3f}",
        str(burst.throttled),
        f"{burst.seconds / ideal:.3f}",
        f"{burst.answered / scenario.images:.3f}",
        f"{burst.cpu_ms:.1f}",
        failures or "none",
    )


_HEADER = (
    "client",
    "lost",
    "calls an image",
    "429s",
    "time",
    "answers an image",
    "CPU ms an image",
    "errors raised, events",
)


def section(*, images: int = IMAGES, clients: Sequence[str] = CLIENTS, pace_seconds: float = _PACE_SECONDS) -> Section:
    """Run all."""
    scenarios, paces = chosen(images), pace_scenarios(pace_seconds)
    with tempfile.TemporaryDirectory() as folder, running_storage(Path(folder)) as storage:
        paced = [(scenario, run(scenario, OURS, storage)) for scenario in paces]
        found = bursts(scenarios, clients, storage)
        trouble = bursts(troubled(images), (OURS,), storage)
    text = [
        f"{images} images at once, on a real wire and unscaled: 10 calls a second, answers after 0.4 s (median, "
        "lognormal), 3 % of the calls fail with 503 and 1 % with a reset.\n"
        "Ours is wired as in the app, with the ledger of all processes in a real Azurite, and warm; one run of each, "
        "with the simulation's goals.\n"
        "Each peer is set up as under [Clients of Computer Vision](#clients-of-computer-vision), with 30 s for a call; "
        "an image is lost when it raises.\n"
        "Time is of the images at the rate, up to the last that was done; more than one answer an image is paid twice.",
    ]
    for scenario in scenarios:
        rows = [_burst_row(client, scenario, burst) for client, burst in found[scenario.name].items()]
        text += [f"### {scenario.name}", table(_HEADER, rows)]
    rows = [
        (*_burst_row(each.name, each, trouble[each.name][OURS]), str(trouble[each.name][OURS].in_outage))
        for each in troubled(images)
    ]
    text += [
        "### At a wrong rate, beside another client, and in an outage",
        "Ours alone.",
        table(("scenario", *_HEADER[1:], "calls into the outage"), rows),
    ]
    rows = [
        (
            scenario.name,
            f"{burst.rate:.1%}",
            str(burst.throttled),
            str(burst.lost),
            f"{burst.cpu_ms:.1f}",
            ", ".join(f"{count} {name}" for name, count in burst.events.most_common()) or "none",
        )
        for scenario, burst in paced
    ]
    text += [
        "### The pace alone",
        f"Four processes with 64 threads each and the ledger in Azurite, nothing fails, {pace_seconds:g} s.\n"
        "The share is of the calls that the rate allows from the first to the last; the app's pace is 98.5 % of it.",
        table(("scenario", "share of the rate", "429s", "lost", "CPU ms an image", "events"), rows),
    ]
    results = found | trouble
    judged = [*(scenarios if clients else []), *troubled(images)]
    goals = [simulate.goal_of(each, result_of(each, results[each.name][OURS])) for each in judged]
    return Section("Bursts, for real", "\n\n".join(text), [*goals, *(pace_goal(*each) for each in paced)])


def main() -> int:
    """Print the tables; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.burst.report")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--only-ours", action="store_true", help="without the peers")
    given = parser.parse_args()
    measured = section(images=given.images, clients=(OURS,) if given.only_ours else CLIENTS)
    print(measured.text, goals_table(measured.goals), sep="\n\n")
    return 0 if all(goal.held for goal in measured.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
