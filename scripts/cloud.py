"""
The steps of a deployment that azd runs before and after its own; `python3 scripts/cloud.py` lists them.

azd's hooks in `azure.yaml` call it, and hand over the azd environment as environment variables.
It needs nothing but Python: hooks run under any `python3` of the machine, before anything is installed.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any

OLDEST_PYTHON = (3, 9)  # macOS brings it


@dataclass(frozen=True)
class Command:
    """
    One command.

    Attributes:
        module: below `deployment`; its `run()` does the work.
        again: what to run once the reason of a failure is mended.
        sentence: what it does.
    """

    module: str
    again: str
    sentence: str


COMMANDS = {
    "prepare": Command("prepare", "azd up", "Checks the inputs and the existing accounts before anything is made."),
    "connect": Command("connect", "azd up", "Gives the app its roles and containers on existing accounts."),
    "sign-in": Command(
        "sign_in", "azd hooks run postprovision", "Has the page's registration in Entra ID know the app, if asked for."
    ),
    "wait-for-roles": Command("roles", "azd up", "Waits until the youngest role of the app's identity works."),
    "subscribe": Command(
        "subscribe",
        "azd hooks run postdeploy",
        "Has uploads and deletions start the app, by event subscriptions.",
    ),
    "smoke": Command(
        "smoke",
        "azd hooks run postdeploy",
        "Uploads a sample, shows what the app found in it, deletes it.",
    ),
    "disconnect": Command(
        "disconnect", "azd down --purge --force", "Takes away the roles and the subscriptions on existing accounts."
    ),
    "remove-sign-in": Command(
        "remove_sign_in", "azd hooks run postdown", "Removes the page's registration in Entra ID that was made for it."
    ),
}


def usage() -> str:
    """Return each command with its sentence."""
    lines = [f"  {name:<16}{command.sentence}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: python3 scripts/cloud.py COMMAND [COMMAND ...]", "", *lines])


def main(arguments: list[str], **given: Any) -> int:
    """
    Run the commands in their order, up to the first that fails.

    Args:
        arguments: names of commands.
        given: handed to each command's `run`; tests bring a clock.

    Returns:
        0; 1 when a command failed; 2 when there is no such command, and then none has run.
    """
    unknown = [name for name in arguments if name not in COMMANDS]
    if unknown or not arguments:
        print(usage() if not unknown else f"There is no command {unknown[0]!r}.\n{usage()}", file=sys.stderr)
        return 2
    from deployment.failures import Failed

    for name in arguments:
        command = COMMANDS[name]
        try:
            importlib.import_module(f"deployment.{command.module}").run(**given)
        except Failed as failed:
            print(f"{name} failed: {failed}\nWhen that is mended, run: {command.again}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"{name} was interrupted. To go on, run: {command.again}", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; this is {sys.version.split()[0]}.")
    # What Azure or an image says can have letters that a Windows console does not; a failure follows what led to it.
    sys.stdout.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
