"""The command `unfinished`: what the running app could not do, and why; `unfinished retry` has it tried again."""

import argparse
import http.client
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from local.addresses import LOOPBACK, add_stack_options
from local.app import function_key
from local.errors import LocalError
from local.stack.state_lock import stack_port
from local.wording import program

ANSWER_SECONDS = 60.0
STEPS = ("analysis", "thumbnails", "text")
Json = dict[str, Any]


def main(argv: list[str]) -> int:
    """List or retry; returns 0, 1 when the app does not answer or there is nothing to retry, 2 for wrong usage."""
    options = _parser().parse_args(argv)
    if options.action == "retry" and sum([bool(options.names), bool(options.code), options.all]) != 1:
        print("unfinished: retry what? Give NAME..., --code CODE or --all", file=sys.stderr)
        return 2
    if options.action == "list" and (options.names or options.all):
        print("unfinished: NAME and --all are for `unfinished retry`", file=sys.stderr)
        return 2
    try:
        api = _Api(stack_port(options.port, options.state), function_key(options.state))
        return _retry(api, options) if options.action == "retry" else _list(api, options)
    except LocalError as error:
        print(f"unfinished: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} unfinished",
        description="List what the running app has deferred or failed, and why; `retry` has it tried again.",
    )
    parser.add_argument("action", nargs="?", choices=["list", "retry"], default="list")
    parser.add_argument("names", nargs="*", metavar="NAME", help="images to retry")
    add_stack_options(parser)
    parser.add_argument("--step", choices=STEPS, help="only this step")
    parser.add_argument("--only", choices=["deferred", "failed"], help="list only these")
    parser.add_argument("--code", help="only what has this code, such as vision_refused")
    parser.add_argument("--all", action="store_true", help="retry everything that failed")
    return parser


class _Api:
    """The app's HTTP API as far as it is needed here."""

    def __init__(self, port: int, key: str | None) -> None:
        self._port = port
        self._key = key

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask; LocalError for any answer that is not 2xx."""
        headers = {"Content-Type": "application/json", **({"x-functions-key": self._key} if self._key else {})}
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise LocalError(f"no app answers on port {self._port}; is `make start` running?") from error
        finally:
            connection.close()
        document: Json = json.loads(text) if text.startswith(b"{") else {}
        if answer.status >= 300:
            raise LocalError(f"{document.get('detail', answer.status)} {document.get('action', '')}".strip())
        return document


def _list(api: _Api, options: argparse.Namespace) -> int:
    count = 0
    for entry in _entries(api, options):
        count += 1
        until = f", tried again at {entry['until']}" if entry["until"] and entry["state"] == "deferred" else ""
        print(
            f"{entry['name']}: {entry['step']} is {entry['state']} ({entry['code']}, tried {entry['attempts']}x{until})"
        )
        print(f"  {entry['message']} {entry['action']}")
    print(f"{count} unfinished" if count else "nothing is unfinished")
    return 0


def _entries(api: _Api, options: argparse.Namespace) -> Iterator[Json]:
    query = {"limit": "200", "step": options.step, "state": options.only, "code": options.code}
    while True:
        answer = api.ask("GET", f"/api/unfinished?{urlencode({key: value for key, value in query.items() if value})}")
        yield from answer["unfinished"]
        if answer["continuation"] is None:
            return
        query["continuation"] = answer["continuation"]


def _retry(api: _Api, options: argparse.Namespace) -> int:
    step = {"step": options.step} if options.step else {}
    which: list[Json] = [{"name": name} for name in options.names]
    which = which or [{"code": options.code} if options.code else {"all": True}]
    count = 0
    for each in which:
        body = {**each, **step}
        while True:
            answer = api.ask("POST", "/api/unfinished/retry", body)
            for retried in answer["retried"]:
                print(f"{retried['name']}: {retried['step']} is tried again in {retried['inSeconds']:.0f} s")
            count += len(answer["retried"])
            if answer["continuation"] is None:
                break
            body["continuation"] = answer["continuation"]
    print(f"{count} tried again" if count else "nothing is unfinished")
    return 0 if count else 1
