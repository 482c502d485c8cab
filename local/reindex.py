"""The command `reindex`: have the running app make its index of images anew from the records."""

import argparse
import sys

from local.addresses import add_stack_options
from local.app import function_key
from local.counts import images
from local.errors import INTERRUPTED, LocalError
from local.stack.state_lock import stack_port
from local.unfinished import watching
from local.unfinished.api import Api, Json, NotThereError
from local.wording import program


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
        state = watching.ended(api.rebuild_state, _is_under_way, _how_far, command="reindex")
    except KeyboardInterrupt:
        print("reindex: stopped looking on; the app goes on with it", file=sys.stderr)
        return INTERRUPTED
    if state["state"] != "ended":
        print(f"reindex: the app gave it up: {state.get('problem') or 'host.log says why'}", file=sys.stderr)
        return 1
    gone = f"; {state['gone']} of images that are gone went" if state["gone"] else ""
    print(f"{images(state['images'])} looked at, {state['changed']} written to the index{gone}")
    return 0


def _is_under_way(state: Json) -> bool:
    return bool(state["state"] == "running")


def _how_far(state: Json) -> str:
    return f"{images(state.get('images', 0))} so far"
