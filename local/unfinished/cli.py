"""The command line of `unfinished`: what is listed, what is tried again, or that images and records are compared."""

import argparse
import shlex
import sys

from local.addresses import add_stack_options, stack_words
from local.app import durable_key, function_key
from local.errors import LocalError
from local.stack.state_lock import stack_port
from local.unfinished.api import Api
from local.unfinished.listing import list_pending, list_unfinished
from local.unfinished.reconciling import reconcile
from local.unfinished.retrying import Wish, retry
from local.wording import program

STEPS = ("analysis", "thumbnails", "text")
STATES = ("failed", "deferred", "pending")


def main(argv: list[str]) -> int:
    """Do what is asked; returns 0, 1 when the app does not answer or there is nothing to retry, 2 for wrong usage."""
    parser = _parser()
    options = parser.parse_args(argv)
    if complaint := _complaint(options):
        parser.error(complaint)
    try:
        port, state = stack_port(options.port, options.state), options.state
        api = Api(port, function_key(state), durable_key(state))
        if options.action == "reconcile":
            return reconcile(api)
        if options.action == "retry":
            return retry(api, _wishes(options))
        if options.in_state == "pending":
            list_pending(api, step=options.step, code=options.code, retry=_retry_of_pending(options))
        else:
            list_unfinished(api, state=options.in_state, step=options.step, code=options.code)
    except LocalError as error:
        print(f"unfinished: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} unfinished",
        description="List what the running app has failed or deferred, and why; `retry` has it tried again. `reconcile`"
        " has images and records compared now, as the app does every night: lost images are started, and records of"
        " deleted ones go.",
    )
    parser.add_argument("action", nargs="?", choices=["list", "retry", "reconcile"], default="list")
    parser.add_argument("names", nargs="*", metavar="NAME", help="images to retry")
    add_stack_options(parser)
    parser.add_argument("--step", choices=STEPS, help="only this step")
    parser.add_argument("--in-state", choices=STATES, help="list only these (default: failed and deferred)")
    # The name of the option in the version before.
    parser.add_argument("--only", dest="in_state", choices=STATES, help=argparse.SUPPRESS)
    parser.add_argument("--code", help="only what has this code, such as vision_refused")
    parser.add_argument("--all", action="store_true", help="retry everything that failed")
    parser.add_argument("--pending", action="store_true", help="retry everything that is pending")
    return parser


def _complaint(options: argparse.Namespace) -> str | None:
    """Return what is wrong with the options as they are given together; None if nothing is."""
    if options.action == "reconcile":
        is_alone = not (_count(options) or options.step or options.in_state)
        return None if is_alone else "reconcile compares all images: it takes neither NAME nor --step and the like"
    if options.action == "list":
        return "NAME, --all and --pending are for `unfinished retry`" if _count(options) - bool(options.code) else None
    if options.in_state:
        return "--in-state is for the list: give `retry` NAME..., --code CODE, --all or --pending"
    return None if _count(options) == 1 else "retry what? Give NAME..., --code CODE, --all or --pending"


def _retry_of_pending(options: argparse.Namespace) -> str:
    """Return the command that has the pending images of the same stack tried again, or that step of them."""
    words = [*program().split(), "unfinished", "retry", "--pending"]
    words += ["--step", options.step] if options.step else []
    return shlex.join(words + stack_words(options.port, options.state))


def _count(options: argparse.Namespace) -> int:
    return sum([bool(options.names), bool(options.code), options.all, options.pending])


def _wishes(options: argparse.Namespace) -> list[Wish]:
    step = {"step": options.step} if options.step else {}
    if options.names:
        return [{"name": name, **step} for name in dict.fromkeys(options.names)]
    if options.code:
        return [{"code": options.code, **step}]
    return [{"pending" if options.pending else "all": True, **step}]
