"""
What `make lint` asks of the page: its types by those of the contract, its lint rules, its format.

    python tests/page/tools/check.py            all of it; the exit status is 0 if nothing was found
    python tests/page/tools/check.py --format   bring the page into its format, and ask nothing

The packages are installed by `make lint`, or by `npm ci` in this folder.
"""

import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parents[2]
PACKAGES = TOOLS / "node_modules"
# Of the page, and of these tools.
FORMATTED = ("gallery/*.js", "gallery/*.css", "gallery/*.ts", "gallery/*.json", "tests/page/tools/*.js")
TYPES = "tests/page/tools/generated/contract.d.ts"
CONTRACT = ("openapi-typescript/bin/cli.js", "docs/openapi.json", "--output", TYPES)
# Each schema by its own name.
NAMES = ("--root-types", "--root-types-no-schema-prefix")
PRETTIER = ("prettier/bin/prettier.cjs", "--config", "tests/page/tools/.prettierrc.json", "--log-level", "warn")
CHECKS = (
    ("typescript/bin/tsc", "--project", "gallery"),
    ("eslint/bin/eslint.js", "--config", "tests/page/tools/eslint.config.js", "--max-warnings", "0", "gallery"),
    (*PRETTIER, "--check", *FORMATTED),
)


def main(options: list[str]) -> int:
    """Check or format; return the exit status."""
    sys.path.insert(0, str(ROOT))
    from local.node import find_node

    node = str(find_node())
    if options == ["--format"]:
        return _run(node, (*PRETTIER, "--write", *FORMATTED))
    # The types that the page is checked by are those of the contract of this moment.
    if status := _run(node, (*CONTRACT, *NAMES), quiet=True):
        return status
    return max([_run(node, check) for check in CHECKS])


def _run(node: str, command: tuple[str, ...], quiet: bool = False) -> int:
    script, *options = command
    done = subprocess.run([node, str(PACKAGES / script), *options], cwd=ROOT, capture_output=quiet, text=True)
    if quiet and done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
