"""
The peers' figures as tables, and the goals of ours.

    python -m bench.peers.report [--rounds N]
"""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.peers import answers, authority, rounds
from bench.peers.clients import PEERS
from bench.peers.environments import python_of, versions
from bench.peers.rounds import CALL_SECONDS, COSTS, MEMORY, RECOVERY_SECONDS, Faults, Figures
from bench.section import Goal, Section, goals_table, table

ROUNDS = 5
OURS, PACED, SESSION, SDK = "ours", "ours, paced", "requests.Session", "computervision 0.9.1"
LATE_SECONDS = 1.0
MAX_OF_SESSION = 0.8
MAX_OF_SDK = 0.3
MAX_OF_NEW_CONNECTION = 0.15
MAX_MEGABYTES = 0.1
_CALLS = tuple(cell.name for cell in COSTS[:4])
_CONNECTION = COSTS[4].name
# What the answers of a refused 100 MB may leave behind: the heads, and nothing of the bodies.
_UNREAD_MEGABYTES = 1.0


def ratio(figures: Figures, cell: str, peer: str, to: str) -> float:
    """The CPU of *peer* to that of *to*."""
    return _least(figures, peer, cell, "cpu_ms") / _least(figures, to, cell, "cpu_ms")


def cost_goals(figures: Figures) -> list[Goal]:
    """CPU and memory of ours."""
    found = []
    for client in (OURS, PACED):
        for cell in _CALLS:
            for other, most in ((SESSION, MAX_OF_SESSION), (SDK, MAX_OF_SDK)):
                measured = ratio(figures, cell, client, other)
                found.append(Goal.at_most(f"CPU of a call of {client}, {cell}, of {other}'s", most, measured))
    connecting = ratio(figures, _CONNECTION, OURS, SESSION)
    found.append(Goal.at_most(f"CPU of a {_CONNECTION}, of {SESSION}'s", MAX_OF_NEW_CONNECTION, connecting))
    for name in (cell.name for cell in MEMORY):
        above = max(_least(figures, OURS, name, kind) for kind in ("traced_mb", "resident_mb"))
        found.append(Goal.at_most(f"memory above a body, {name}", MAX_MEGABYTES, above, " MB"))
    return found


def fault_goals(faults: Faults) -> list[Goal]:
    """What ours makes of faults."""
    recovered = _recovered(faults, OURS)
    huge = faults[OURS]["endure"]["100 MB answer"]
    refused = huge["ended"] == "AnswerTooLargeError" and huge["resident_mb"] <= _UNREAD_MEGABYTES
    late = _late(faults, OURS)
    return [
        Goal.at_least("recovered of 11 single transient faults", len(answers.TRANSIENT), len(recovered)),
        Goal(
            "faults that outlast the call's deadline by more than a second", "none", ", ".join(late) or "none", not late
        ),
        Goal(
            "a 100 MB answer is refused unread",
            f"at most {_UNREAD_MEGABYTES:g} MB",
            f"{huge['ended']}, {huge['resident_mb']:.1f} MB",
            refused,
        ),
    ]


def _recovered(faults: Faults, peer: str) -> list[str]:
    return [fault for fault, outcome in faults[peer]["recover"].items() if not outcome["ended"]]


def _late(faults: Faults, peer: str) -> list[str]:
    """The endless faults that kept a call beyond its deadline."""
    endured = faults[peer]["endure"].items()
    return [fault for fault, outcome in endured if outcome["seconds"] > CALL_SECONDS + LATE_SECONDS]


def _least(figures: Figures, peer: str, cell: str, key: str) -> float:
    """Of all rounds: whatever else a machine does makes the same work dearer, never cheaper."""
    return min(each[key] for each in figures[peer][cell])


def _faults_text(faults: Faults) -> str:
    rows = []
    for peer in PEERS:
        recovered, late = _recovered(faults, peer), _late(faults, peer)
        lost = [fault for fault in answers.TRANSIENT if fault not in recovered]
        huge = faults[peer]["endure"]["100 MB answer"]
        rows.append(
            (
                peer,
                f"{len(recovered)} of {len(answers.TRANSIENT)}",
                "all" if len(lost) == len(answers.TRANSIENT) else ", ".join(lost) or "none",
                ", ".join(late) or "none",
                f"{huge['ended'] or 'answer'}, {huge['resident_mb']:.0f} MB",
            )
        )
    header = ("client", "recovered", "not recovered", "outlasts the deadline", "a 100 MB answer, memory grown by")
    return table(header, rows)


def _costs_text(figures: Figures) -> str:
    names = [cell.name for cell in COSTS]
    rows = [(peer, *(f"{_least(figures, peer, name, 'cpu_ms'):.2f}" for name in names)) for peer in PEERS]
    for to in (SESSION, SDK):
        for client in (OURS, PACED):
            ratios = (f"*{ratio(figures, name, client, to):.2f}*" for name in names)
            rows.append((f"*{client}, to {to}*", *ratios))
    return table(("client", *names), rows)


def _memory_text(figures: Figures) -> str:
    def both(peer: str, cell: str) -> str:
        return " / ".join(f"{_least(figures, peer, cell, kind):.2f}" for kind in ("traced_mb", "resident_mb"))

    names = [cell.name for cell in MEMORY]
    return table(("client", *names), [(peer, *(both(peer, name) for name in names)) for peer in PEERS])


def _versions_text() -> str:
    rows = []
    for lock in dict.fromkeys(PEERS.values()):
        found = versions(python_of(lock))
        names = sorted(set(found) - {"pip", "setuptools"})
        rows.append((f"`{lock}`", ", ".join(f"{name} {found[name]}" for name in names)))
    return table(("environment", "versions"), rows)


def section(*, number_of_rounds: int = ROUNDS) -> Section:
    """Measure all."""
    with tempfile.TemporaryDirectory() as folder:
        made = authority.make(Path(folder))
        faults = rounds.faults(made)
        figures = rounds.costs(made, number_of_rounds)
    text = [
        "Each client runs in a fresh process, in an environment of its own, against a service on loopback.",
        "### Faults",
        f"Recovered: one fault strikes once, and the call, which has {RECOVERY_SECONDS:g} s, still succeeds.\n"
        f"Outlasts: the fault strikes every time, and a call that has {CALL_SECONDS:g} s is still under way "
        f"{LATE_SECONDS:g} s later; tried are the eleven, {', '.join(answers.ENDLESS)}.\n"
        "Where a client knows no deadline, its timeout is that.",
        _faults_text(faults),
        "### CPU",
        f"Milliseconds of CPU (user and system) a call: the least of {number_of_rounds} rounds, in which the clients "
        "take turns, as what else the machine does only ever adds.\n"
        "A call asks about a URL, and gets 2 KB of JSON, read into what the client gives its caller.\n"
        f"The client alone is '{OURS}'; '{PACED}' has the gate and the ledger of the app too, without the storage in "
        "which they are kept, whose cost is in [the bursts](#bursts-for-real).\n"
        "A new TLS connection is a call included, against the public authorities and one of our own.",
        _costs_text(figures),
        "### Memory",
        "Megabytes above the body while it is sent, measured once: what Python allocated at most / what the process "
        "grew by at most.",
        _memory_text(figures),
        "### Versions",
        _versions_text(),
    ]
    return Section("Clients of Computer Vision", "\n\n".join(text), fault_goals(faults) + cost_goals(figures))


def main() -> int:
    """Print the tables; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers.report")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    measured = section(number_of_rounds=parser.parse_args().rounds)
    print(measured.text, goals_table(measured.goals), sep="\n\n")
    return 0 if all(goal.held for goal in measured.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
