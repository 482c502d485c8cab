"""What a process and those that it has started hold: memory and descriptors, as Linux tells them in `/proc`."""

from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class Held(NamedTuple):
    """Resident memory in bytes, and the number of open descriptors."""

    memory: int
    descriptors: int


def held(pid: int) -> Held:
    """What the process *pid* and all below it hold at this moment. Raises OSError if there is no such process."""
    family = [pid, *_below(pid)]
    return Held(sum(map(_resident, family)), sum(map(_descriptors, family)))


def _below(pid: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    parents = {int(path.parent.name): _parent(path) for path in _PROC.glob("[0-9]*/stat")}
    found, left = list[int](), [pid]
    while left:
        parent = left.pop()
        children = [child for child, its_parent in parents.items() if its_parent == parent]
        found += children
        left += children
    return found


def _parent(stat: Path) -> int:
    try:
        # The name, in brackets, may have anything in it; state and parent follow it.
        return int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0


def _resident(pid: int) -> int:
    lines = (_PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)


def _descriptors(pid: int) -> int:
    return len(list((_PROC / str(pid) / "fd").iterdir()))
