"""
`make bench`: run every benchmark and write docs/benchmarks.md. Exits 1 if a goal is missed.

    python -m bench [--rounds N] [--output FILE]
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import cold_start, look, machine, poll_schedule, simulate
from bench.burst import report as burst
from bench.peers import report
from bench.section import Section, goals_table, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

`make bench` writes this page, with the peers side by side in one run.
Milliseconds are of the machine below and of what else it did; ratios between clients of one run hold elsewhere.
`make bench` takes about half an hour and ends with 1 if a goal is missed.
"""


def page(sections: list[Section], about: dict[str, str]) -> str:
    """The page in Markdown."""
    parts = [HEAD, table(("machine", ""), about.items())]
    for section in sections:
        parts += [f"## {section.title}", goals_table(section.goals), section.text]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main() -> int:
    """Run all."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rounds", type=int, default=report.ROUNDS, help="of the clients' costs")
    parser.add_argument("--output", type=Path, default=PAGE)
    given = parser.parse_args()
    command = f"`python -m bench --rounds {given.rounds}`"
    about = {"command": command, "date": f"{datetime.now(UTC):%Y-%m-%d}", **machine.described()}
    sections = [
        burst.section(),
        simulate.section(),
        report.section(number_of_rounds=given.rounds),
        poll_schedule.section(),
        look.section(),
        cold_start.section(),
    ]
    given.output.write_text(page(sections, about), encoding="utf-8")
    goals = [goal for section in sections for goal in section.goals]
    print(goals_table(goals))
    return 0 if all(goal.held for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
