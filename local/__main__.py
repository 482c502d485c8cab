"""
`python -m local COMMAND`, and from any folder `blobsight COMMAND`: the one entry of the local stack.

Each command is imported when it is asked for, so that none pays for the start-up of another.
"""

import argparse
import importlib
import importlib.util
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from local.errors import INTERRUPTED, LocalError
from local.notices import final_status
from local.private import UMASK
from local.signals import end_at_once, signals_call
from local.wording import program

COMMANDS = {
    "start": ("local.stack.cli", "start the whole stack, process the samples, stay until Ctrl-C"),
    "add": ("local.adding.cli", "upload images into the running stack and print what was found in them"),
    "remove": ("local.remove", "delete images from the running stack"),
    "unfinished": (
        "local.unfinished.cli",
        "list what the running app has failed or deferred, and why; retry has it tried again",
    ),
    "reindex": ("local.reindex", "have the running app make its index of images anew from their records"),
    "vision": ("local.vision.cli", "the Computer Vision service alone"),
    "host": ("local.host.cli", "the Functions host alone"),
    "events": ("local.events.cli", "the watcher that tells the host about uploads, alone"),
    "cer": ("local.vision.text.cer", "read drawn samples and print the share of characters that are wrong"),
    "doctor": ("local.doctor", "say what this machine lacks, and the command that mends it"),
}
PIPE_CLOSED = 141  # the exit status that a shell tells of a command whose reader is gone
PROJECT = Path(__file__).resolve().parent.parent
NEEDED = ("azure", "rich", "PIL")


def main(argv: list[str]) -> int:
    """Run one command; returns the exit status (0 done, 1 failed, 2 wrong usage, 130 interrupted)."""
    if argv[:1] == ["--version"]:
        print(f"blobsight {_version()}")
        return 0
    if not argv or argv[0] not in COMMANDS:
        return _usage(argv)
    try:
        _change_to_project_python(argv)
        name, _ = COMMANDS[argv[0]]
        with signals_call(end_at_once, signal.SIGINT):
            module = importlib.import_module(name)
        return int(module.main(argv[1:]))
    except LocalError as error:
        from local.wrapping import complain

        complain(argv[0], error)
        return final_status()
    except KeyboardInterrupt:
        return INTERRUPTED


def _usage(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=program(), description="Blobsight's local stack: all of it on one machine, with no cloud."
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (_, what) in COMMANDS.items():
        commands.add_parser(name, help=what)
    parser.epilog = f"`{program()} COMMAND --help` tells the options of one command."
    if not argv:
        parser.print_help(sys.stderr)
        return 2
    parser.parse_args(argv)  # Prints the help, or says what is wrong with the command, and exits.
    return 2


def _version() -> str:
    # An older Python has none, and is changed for the project's before anything else needs it.
    import tomllib

    return str(tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"])


def _change_to_project_python(argv: list[str]) -> None:
    """Start over with the virtual environment's Python when this one lacks the packages and that one exists."""
    environment = PROJECT / ".venv"
    python = environment / "bin" / "python"
    inside = Path(sys.prefix).resolve() == environment.resolve()
    if inside or not python.exists() or all(importlib.util.find_spec(name) for name in NEEDED):
        return
    sys.stdout.flush()
    os.execv(python, [str(python), "-m", "local", *argv])  # noqa: S606


def run() -> NoReturn:
    """Run the command of this process, and end it."""
    # What any part makes, Azurite's files and those of the app included, is its owner's alone.
    os.umask(UMASK)
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has read enough, as `head` does; what Python still wants to write goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = PIPE_CLOSED
    except KeyboardInterrupt:
        # A further Ctrl-C, after that which ended the command.
        status = INTERRUPTED
    _leave_ctrl_c_unheard()
    sys.exit(status)


def _leave_ctrl_c_unheard() -> None:
    """Nothing is left to stop: a further Ctrl-C would only show where Python is in ending."""
    while signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        # One that was pressed a moment ago is raised by the call that would leave it unheard.
        with suppress(KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    # `namedtuple` and others run text by `exec`. If a Ctrl-C ends such text, Python remembers it and in the end kills
    # itself by SIGINT, whatever its status. Other text that runs resets that (`run_eval_code_obj` of CPython).
    exec("")  # noqa: S102 - it is empty


if __name__ == "__main__":
    run()
