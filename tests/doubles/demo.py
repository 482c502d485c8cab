"""`make demo`, run once: what it printed, and the stack that it has left."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from doubles.ports import five_free_ports
from doubles.running_stack import PROJECT, READY_SECONDS, RunningStack

from local.addresses import Addresses


@dataclass(frozen=True)
class Demo:
    """What it printed, and its stopped stack, whose state has every sample with its records."""

    answer: "subprocess.CompletedProcess[str]"
    stack: RunningStack


def run_demo(state: Path) -> Demo:
    """Run it with the models that set-up made, as a user does."""
    stack = RunningStack(Addresses(five_free_ports()), state)
    words = ["start", "--once", "--port", str(stack.addresses.port), "--state", str(state)]
    environment = {name: value for name, value in os.environ.items() if name != "MODELS"}
    answer = subprocess.run(
        [sys.executable, "-m", "local", *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=READY_SECONDS,
    )
    return Demo(answer, stack)
