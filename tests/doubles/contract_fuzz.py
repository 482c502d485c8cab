"""
Requests that the contract says are possible, and some that it says are not, against a running app.

Schemathesis makes them from the document: the same ones at every run. Its own checks judge the answers, and so does
`doubles.conformance`.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import schemathesis
from doubles.conformance import Contract
from doubles.exchanges import Exchange, of_wire
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

SEED = 20261130
# A skill may be given 230 seconds.
LONGEST_SECONDS = 240
# Checks that are off, and why.
OFF = {
    "unsupported_method": "the platform answers 404 to a method that no function has, where the check wants 405",
}
_NO_SCHEMA_SAYS = (
    "what no schema can say: rules between two parameters, languages that Computer Vision has for some features only,"
    " an image, a Read that failed, a search for a state or a date that can never be"
)
# Checks that are off for some operations, by their paths, and why; all others have them.
OFF_FOR = {
    r"^/(analyze|describe|domains/.*|images|thumbnail.*|ocr.*|search|unfinished/retry|operations/.*)$": {
        "positive_data_acceptance": _NO_SCHEMA_SAYS,
    },
    "^/skills/.*$": {
        "positive_data_acceptance": _NO_SCHEMA_SAYS,
        "negative_data_rejection": "a wrong record of a batch is answered with an error of its own",
    },
}
# Requests of which schemathesis thinks wrongly, and why. `doubles.conformance` judges them all the same.
MISUNDERSTOOD = {
    ("/images/", "name"): "the same address without the name is another operation, the list",
}
# With which a request that the contract does not allow may be refused.
REFUSALS = [400, 401, 404, 409, 410, 411, 413, 414, 422]


class Found(NamedTuple):
    """
    What a run found.

    Attributes:
        failures: what a check or the run itself complains of, each once for an operation.
        exchanges: all of them.
        seconds: how long it took.
    """

    failures: list[str]
    exchanges: list[Exchange]
    seconds: float


def run(document: dict[str, Any], address: str, key: str, *, examples: int, images: Mapping[str, bytes]) -> Found:
    """
    Have so many requests of each kind made for each operation at *address*, which ends with `/api`.

    *images* are uploaded there: a request that the contract allows names or brings one of them.
    """
    contract = Contract(document)
    schema = schemathesis.openapi.from_dict(document, config=_config(address, key, examples))
    before_call = _meant(images)
    schemathesis.hook(before_call)
    try:
        return _told(contract, from_schema(schema).execute())
    finally:
        GLOBAL_HOOK_DISPATCHER.unregister(before_call)


def _told(contract: Contract, happened: Iterable[events.EngineEvent]) -> Found:
    failures: dict[str, str] = {}
    exchanges: list[Exchange] = []
    seconds = 0.0
    for event in happened:
        if isinstance(event, events.ScenarioFinished):
            exchanges += _exchanges(event.recorder)
            for node, failure in _failures(event.recorder):
                failures.setdefault(f"{event.recorder.label} {failure.title}", f"{failure.message}\n{node}")
        elif isinstance(event, events.NonFatalError | events.FatalError):
            said = event.value if isinstance(event, events.NonFatalError) else event.exception
            failures.setdefault(f"{getattr(event, 'label', 'run')} {said!r}"[:300], repr(said))
        elif isinstance(event, events.EngineFinished):
            seconds = event.running_time
    for exchange in exchanges:
        for breach in contract.breaches(exchange):
            failures.setdefault(breach[:120], breach)
    return Found([f"{what}: {said}" for what, said in sorted(failures.items())], exchanges, seconds)


def _config(address: str, key: str, examples: int) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "suppress-health-check": ["all"],
            "base-url": address,
            "headers": {"x-functions-key": key},
            "continue-on-failure": True,
            "request-timeout": LONGEST_SECONDS,
            # Hypothesis reads the source of what it runs, which two threads cannot do at once.
            "workers": 1,
            "generation": {
                "deterministic": True,
                "max-examples": examples,
                "no-shrink": True,
                "database": "none",
                "with-security-parameters": False,
            },
            "checks": {
                **{name: {"enabled": False} for name in OFF},
                "negative_data_rejection": {"expected-statuses": REFUSALS},
                # 503 comes where a busy machine leaves no time; it has to be documented, as every status has.
                "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 503]},
                "max_response_time": LONGEST_SECONDS,
            },
            "operations": [
                {"include-path-regex": paths, "checks": {check: {"enabled": False} for check in checks}}
                for paths, checks in OFF_FOR.items()
            ],
            # It follows links, and the document has none: importers do not take them.
            "phases": {"stateful": {"enabled": False}},
            "warnings": False,
        }
    )


def _meant(images: Mapping[str, bytes]) -> Callable[..., None]:
    """A hook that gives allowed requests what no schema can: the name or the bytes of an image that is there."""
    names = sorted(images)

    def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
        if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
            return
        # The same for the same request at every run.
        chosen = names[zlib.crc32(repr((case.query, case.path_parameters)).encode(errors="replace")) % len(names)]
        for values in (case.query, case.path_parameters):
            if values and "name" in values:
                values["name"] = chosen
        if case.media_type == "application/octet-stream":
            case.body = images[chosen]
        elif isinstance(case.body, dict) and case.path == "/unfinished/retry":
            case.body = {"all": True}
        elif isinstance(case.body, dict) and "/skills/" not in case.path:
            case.body = {"name": chosen}

    return before_call


def _failures(recorder: Any) -> Iterator[tuple[str, Failure]]:
    for case_id, nodes in recorder.checks.items():
        case = recorder.cases[case_id].value
        if any(case.path == path and name not in (case.query or {}) for path, name in MISUNDERSTOOD):
            continue
        for node in nodes:
            if node.failure_info is not None:
                yield case.as_curl_command(), node.failure_info.failure


def _exchanges(recorder: Any) -> Iterator[Exchange]:
    for interaction in recorder.interactions.values():
        request, response = interaction.request, interaction.response
        if response is not None:
            yield of_wire(
                request.method,
                request.uri,
                response.status_code,
                sent={name: values[0] for name, values in request.headers.items()},
                sent_body=request.body or b"",
                headers={name: ", ".join(values) for name, values in response.headers.items()},
                body=response.content or b"",
            )
