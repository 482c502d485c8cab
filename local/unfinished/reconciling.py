"""Have the app compare images and records now, and say how far it is and what it has found."""

import sys
from collections.abc import Iterator
from contextlib import suppress

from local.counts import images
from local.errors import INTERRUPTED, LocalError
from local.json_text import NotJsonError, read_json
from local.reconciliation import told_of_starts, waiting
from local.unfinished import watching
from local.unfinished.api import Api, Json, NotThereError

UNDER_WAY = ("Pending", "Running", "ContinuedAsNew")
PHASES = {
    "report": "beginning or ending",
    "images": "looking for images without a result",
    "analysis": "looking for analyses of images that are gone",
    "thumbnails": "looking for thumbnails of images that are gone",
    "text": "looking for texts of images that are gone",
    "unfinished": "looking for unfinished records of images that are gone",
    "corrections": "looking for corrections of images that are gone",
    "owners": "looking at what the images' bytes are",
}


def reconcile(api: Api) -> int:
    """Return 0 when the comparison has ended, 1 when the app gave it up, and 130 when Ctrl-C came before its end."""
    try:
        api.reconcile()
    except NotThereError:
        raise LocalError("this app compares nothing: it is older than this command") from None
    print("the app compares images and records", flush=True)
    try:
        status = watching.ended(api.reconciliation, _is_under_way, _how_far)
    except KeyboardInterrupt:
        print("unfinished: stopped looking on; the app goes on with the comparison", file=sys.stderr)
        return INTERRUPTED
    except LocalError as error:
        raise LocalError(
            f"{error}\nunfinished: the app goes on with the comparison; `doctor` says what it found"
        ) from error
    outcome = _object(status.get("output"))
    if outcome.get("state") != "ended":
        problem = outcome.get("problem") or status.get("output") or "host.log says why"
        print(f"unfinished: the app gave the comparison up: {problem}", file=sys.stderr)
        return 1
    plan = _object(status.get("input"))
    mode = _object(plan.get("plan", plan)).get("mode")
    for line in _found(_object(outcome.get("counts")), mode):
        print(line)
    return 0


def _is_under_way(status: Json) -> bool:
    return status.get("runtimeStatus") in UNDER_WAY


def _how_far(status: Json) -> str:
    told = _object(status.get("customStatus"))
    counts = _object(told.get("counts"))
    phase = PHASES.get(told.get("phase", "report"), "forgetting answers that no image needs")
    return f"{phase}; {images(counts.get('images', 0))} so far"


def _object(value: object) -> Json:
    """Return an object, also from its JSON, as the host tells an input; an empty one in place of anything else."""
    if isinstance(value, str):
        with suppress(NotJsonError):
            value = read_json(value)
    return value if isinstance(value, dict) else {}


def _found(counts: Json, mode: object) -> Iterator[str]:
    count = {name: int(value) for name, value in counts.items()}
    lost, started, older = (count.get(name, 0) for name in ("without_result", "started", "older"))
    starts = f"; {told_of_starts(lost, started, mode)}" if lost else ""
    # The older ones have no result either.
    those = "of those since the app's first start" if older else "of them"
    yield f"{images(count.get('images', 0))}, {lost or 'none'} {those} without a result{starts}"
    if older:
        yield waiting(older)
    gone = f"of {images(count.get('orphans', 0))} no longer there"
    if deleted := count.get("records_deleted", 0):
        yield f"deleted: {deleted} record{'s' * (deleted != 1)} {gone}"
    elif count.get("orphans", 0):
        yield f"not deleted, as RECONCILE is `report`: the records {gone}"
    if forgotten := count.get("answers_forgotten", 0):
        what = "1 file or address" if forgotten == 1 else f"{forgotten} files or addresses"
        yield f"forgotten: the answers about {what} that no image needs"
