"""
The time that a line of the index is of, and how old one may become before it is stored.
"""

from datetime import timedelta

from shared.clock import Clock
from shared.index.base import LATE_SECONDS
from shared.storage.blobs import Blobs

# Storage tells its time in whole seconds, and the answer's way counts as a delay. Clocks of two machines in Azure are
# nearer to each other than that.
_TOLERATED = timedelta(seconds=2)
# An older line might bring back a deleted image: the base forgets its tombstones after `LATE_SECONDS`, and a
# tail is minutes old when it is folded.
MOST_AGE_SECONDS = LATE_SECONDS / 2


def moment(blobs: Blobs, clock: Clock) -> float:
    """
    The time of a line, in seconds since 1970, by storage's clock where that is another one.

    Taken before storage is asked: a writer that has seen what another one wrote is later then.
    """
    ahead = blobs.clock_ahead or timedelta(0)
    return (clock.utc() + (ahead if abs(ahead) >= _TOLERATED else timedelta(0))).timestamp()
