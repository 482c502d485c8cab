"""Have what is unfinished tried again, and say what was put to be tried, and when."""

import sys
from collections.abc import Sequence

from local.durations import duration
from local.errors import INTERRUPTED, LocalError
from local.printable import printable
from local.unfinished.api import Api, Json, NotThereError
from local.unfinished.pauses import Pauses

# The body of a request that names what is to be tried again.
Wish = Json
SHOWN = 20


def retry(api: Api, wishes: Sequence[Wish]) -> int:
    """Return 0 when something of each wish is tried again, 1 otherwise, and 130 when Ctrl-C came before the end."""
    retrying = _Retrying(api)
    try:
        missed = sum(not retrying.grant(wish) for wish in wishes)
    except KeyboardInterrupt:
        so_far = f"so far {retrying.told}; the request under way may have reached more"
        print(f"unfinished: stopped: {so_far}", file=sys.stderr)
        return INTERRUPTED
    except LocalError as error:
        if not retrying.count:
            raise
        raise LocalError(f"{error}\nunfinished: so far {retrying.told}") from error
    retrying.tell_sum()
    return 1 if missed else 0


class _Retrying:
    """What has been put to be tried again so far."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._last_seconds = 0.0
        self._pauses = Pauses(lambda: f"going on; so far {self.told}")
        self.count = 0

    @property
    def told(self) -> str:
        """How many steps are tried again, and how long the last of them takes to be."""
        steps = "1 step is" if self.count == 1 else f"{self.count} steps are"
        last = f", the last of them {_when(self._last_seconds)}" if self.count > 1 and self._last_seconds >= 1 else ""
        return f"{steps} tried again{last}"

    def grant(self, wish: Wish) -> bool:
        """Have it tried again; False when there is nothing of it, which is told."""
        before = self.count
        try:
            for answer in self._api.retries(wish):
                for retried in answer["retried"]:
                    self._take(retried)
                self._pauses.passed()
        except NotThereError as error:
            print(f"unfinished: {error}", file=sys.stderr)
            return False
        if self.count == before:
            print(_nothing_of(wish))
        return self.count > before

    def tell_sum(self) -> None:
        """Say how many there were in all."""
        if self.count > SHOWN:
            print(f"and {self.count - SHOWN} more")
        if self.count:
            print(self.told)

    def _take(self, retried: Json) -> None:
        self.count += 1
        self._last_seconds = max(self._last_seconds, retried["inSeconds"])
        if self.count <= SHOWN:
            are = "are" if retried["step"] == "thumbnails" else "is"
            print(f"{printable(retried['name'])}: {retried['step']} {are} tried again {_when(retried['inSeconds'])}")
            self._pauses.printed()


def _nothing_of(wish: Wish) -> str:
    if "pending" in wish:
        return "nothing is pending"
    if "all" in wish:
        return "nothing has failed; `unfinished` lists what is deferred, and `--code CODE` has that tried now"
    return f"nothing is unfinished with the code {wish['code']}" if "code" in wish else "nothing is unfinished"


def _when(seconds: float) -> str:
    return "at once" if seconds < 1 else f"in {duration(seconds)}"
