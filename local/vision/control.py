"""
The control address `/_control/`: faults, keys, statistics and the hold, for tests and demonstrations.

It lies outside `/vision/`, needs no key and is reachable from this machine only, as the whole service is.
"""

import json
from http import HTTPStatus
from typing import Any

from local.vision.admission import KeysError, parse_keys
from local.vision.body import BodyReader, BodyTooLargeError
from local.vision.faults import Faults, FaultsError, Latency, parse_faults
from local.vision.hold import HoldError
from local.vision.replies import Reply, json_reply
from local.vision.service import Delivery, Request, VisionService

CONTROL_PATH = "/_control/"
MAX_CONTROL_BYTES = 64 * 1024


def control(service: VisionService, request: Request) -> Delivery:
    """Answer one call below /_control/."""
    try:
        return Delivery(_control(service, request))
    except (FaultsError, HoldError, KeysError, BodyTooLargeError, ValueError, RecursionError) as error:
        message = str(error) if isinstance(error, FaultsError | HoldError | KeysError) else "The body is not JSON."
        return Delivery(_error(HTTPStatus.BAD_REQUEST, message))


def _control(service: VisionService, request: Request) -> Reply:
    match request.method, request.path.rstrip("/").removeprefix(CONTROL_PATH):
        case "GET", "stats":
            return json_reply(200, service.ledger.snapshot())
        case "GET", "calls":
            return json_reply(200, {"calls": service.ledger.calls()})
        case "DELETE", "stats":
            service.ledger.clear()
        case "GET", "faults":
            return json_reply(200, _faults(service.admission.faults))
        case "PUT", "faults":
            service.admission.set_faults(parse_faults(_json(request.body)))
        case "DELETE", "faults":
            service.admission.set_faults(Faults())
        case "GET", "keys":
            return json_reply(200, {"keys": list(service.admission.keys)})
        case "PUT", "keys":
            service.admission.set_keys(parse_keys(_json(request.body)))
        case "DELETE", "keys":
            service.admission.set_keys(None)
        case "GET", "hold":
            return json_reply(200, service.hold.snapshot())
        case "PUT", "hold":
            service.hold.set(_json(request.body))
        case "DELETE", "hold":
            service.hold.release()
        case _:
            return _error(
                HTTPStatus.NOT_FOUND,
                "Use GET or DELETE /_control/stats; GET /_control/calls; GET, PUT or DELETE /_control/faults; "
                "GET, PUT or DELETE /_control/keys; GET, PUT or DELETE /_control/hold.",
            )
    return Reply(HTTPStatus.NO_CONTENT, content_type=None)


def _json(body: BodyReader) -> Any:
    return json.loads(body.read(MAX_CONTROL_BYTES))


def _faults(faults: Faults) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "retry_after": faults.retry_after,
        "throttle_every": dict(faults.throttle_every),
        "status": {str(status): chance for status, chance in faults.status.items()},
        "reset": faults.reset,
        "reset_body": faults.reset_body,
        "drip": faults.drip,
        "broken_json": faults.broken_json,
        "latency_seconds": _duration(faults.latency),
        "outage_until": faults.outage_until,
        "read_seconds": _duration(faults.read_time),
        "read_failed": faults.read_failed,
    }
    if faults.has_rate:
        rate = faults.rate
        shown["rate"] = {"calls": rate.calls, "seconds": rate.seconds, "kind": rate.kind} if rate else None
    if faults.seed is not None:
        shown["seed"] = faults.seed
    return shown


def _duration(duration: Latency) -> float | dict[str, float]:
    is_constant = duration.median == duration.p99
    return duration.median if is_constant else {"median": duration.median, "p99": duration.p99}


def _error(status: int, message: str) -> Reply:
    return json_reply(status, {"error": {"code": "BadArgument" if status == 400 else "NotFound", "message": message}})
