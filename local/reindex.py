"""The command `reindex`: have the running app make its index of images anew from the records."""

import argparse
import sys
import time

from local.addresses import add_stack_options
from local.app import function_key
from local.counts import images
from local.errors import INTERRUPTED, LocalError
from local.stack.state_lock import stack_port
from local.unfinished.api import Api, Json, NoAnswerError, NotThereError
from local.unfinished.pauses import Pauses
from local.wording import program

POLL_SECONDS = 0.5
# A host that was killed is started again within that, and the run goes on where it was.
PATIENCE_SECONDS = 60.0


def main(argv: list[str]) -> int:
    """Return 0 when the index is made, 1 when the app does not answer or gave it up, 130 when Ctrl-C came before."""
    options = _parser().parse_args(argv)
    try:
        return reindex(Api(stack_port(options.port, options.state), function_key(options.state)))
    except LocalError as error:
        print(f"reindex: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} reindex",
        description="Have the running app make its index of images anew from their records. Nothing is asked of"
        " Computer Vision for it, and searches go on meanwhile. The app does the same by itself at its first start,"
        " and puts right every night what differs.",
    )
    add_stack_options(parser)
    return parser


def reindex(api: Api) -> int:
    """Have it done, and look on until its end."""
    try:
        begun = api.rebuild()
    except NotThereError:
        raise LocalError("this app has no index: it is older than this command") from None
    is_new = begun["rebuild"] == "started"
    try:
        print("the app makes its index anew" if is_new else "the app makes its index anew already", flush=True)
        state = _ended(api)
    except KeyboardInterrupt:
        print("reindex: stopped looking on; the app goes on with it", file=sys.stderr)
        return INTERRUPTED
    if state["state"] != "ended":
        print(f"reindex: the app gave it up: {state.get('problem') or 'host.log says why'}", file=sys.stderr)
        return 1
    gone = f"; {state['gone']} of images that are gone went" if state["gone"] else ""
    print(f"{images(state['images'])} looked at, {state['changed']} written to the index{gone}")
    return 0


def _ended(api: Api) -> Json:
    """Wait for the end, also over a restart, and return how it ended; tells now and then how far it is."""
    state: Json = {}
    pauses = Pauses(lambda: f"going on; {images(state.get('images', 0))} so far", command="reindex")
    answered = time.monotonic()
    while True:
        try:
            state = api.rebuild_state()
        except NoAnswerError:
            if time.monotonic() - answered >= PATIENCE_SECONDS:
                raise
        else:
            answered = time.monotonic()
            if state["state"] != "running":
                return state
        pauses.passed()
        time.sleep(POLL_SECONDS)
