"""
`make lock`: compile pyproject.toml into requirements.txt (what Azure installs) and the locks of the other groups.

The machine's own pip and uv configuration is kept out, so that no address of it gets into a lock: `uv` asks the public
index, and nothing but names, versions, markers and hashes is written.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PYPROJECT = "pyproject.toml"

# Each is compiled on the constraint of the one before, so that one environment can hold them all.
LOCKS: tuple[tuple[str, list[str]], ...] = (
    ("requirements.txt", [_PYPROJECT]),
    ("locks/local.txt", [_PYPROJECT, "--group", "local", "--constraint", "requirements.txt"]),
    (
        "locks/dev.txt",
        [_PYPROJECT, "--group", "local", "--group", "dev", "--constraint", "locks/local.txt"],
    ),
    ("locks/node.txt", ["--group", "node"]),
    # It says that it needs 3.13, and brings what the other locks have already.
    ("locks/runtime.txt", ["--group", "runtime", "--no-deps", "--python-version", "3.13"]),
    ("locks/functions-1.22.txt", ["--group", "functions-old", "--no-deps"]),
    ("locks/models.txt", ["--group", "models", "--no-deps"]),
    # The benchmarks' peers, in environments of their own, on the same requests and urllib3 as the app.
    *(
        (f"bench/peers/locks/{peer}.txt", [f"bench/peers/locks/{peer}.in", "--constraint", "locks/dev.txt"])
        for peer in ("requests", "stamina", "computervision", "imageanalysis")
    ),
)


def untold() -> dict[str, str]:
    """Return the environment without what it tells pip and uv."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


def compile_lock(output: Path, sources: list[str]) -> None:
    """Compile one lock; pins that *output* already has stay as long as they satisfy the sources."""
    subprocess.run(
        [
            sys.executable,
            *("-m", "uv", "pip", "compile", *sources),
            *("--quiet", "--universal", "--generate-hashes", "--no-header"),
            *(() if "--python-version" in sources else ("--python-version", "3.11")),
            *("--no-config", "--no-annotate", "--output-file", str(output)),
        ],
        cwd=ROOT,
        env=untold(),
        check=True,
        # Without --quiet's silence the whole lock would be printed as well.
        stdout=subprocess.DEVNULL,
    )


def main() -> int:
    """Compile all."""
    for name, sources in LOCKS:
        compile_lock(ROOT / name, sources)
        print(f"locks: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
