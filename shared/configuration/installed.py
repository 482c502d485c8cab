"""
The packages that were deployed: whether they were built for the Python that runs.

The build of a deployment and the app's runtime name their Python in two places. Where they differ, pure Python
still works, and the first import of a compiled library fails late, with an error that names neither. The tags of
a wheel are in its metadata (packaging.python.org, "Binary distribution format"): `cp312-cp312-manylinux...` holds for
3.12 alone, `cp311-abi3-...` for 3.11 and all after it.
"""

import re
import sys
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from shared.errors import PythonMismatchError

# The one compiled package that has no stable ABI and no second implementation: cryptography loads it, and storage that.
_COMPILED = "cffi"
_LIBRARY = "_cffi_backend"
_FOR_ONE_PYTHON = r"(?m)^Tag: *cp(\d)(\d+)-cp\1\2-"


def check() -> None:
    """
    Look, at the first call of the process; packages and Python change with a restart only.

    Raises:
        PythonMismatchError: they were built for another Python.
    """
    built = _built_for()
    runs = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if built and runs not in built:
        raise PythonMismatchError(
            f"The app's packages were built for Python {' and '.join(built)}, and the app runs on Python {runs}, which "
            "cannot load them."
        )


@cache
def _built_for() -> tuple[str, ...]:
    """The Pythons for which the package was built, as `3.12`; none where nothing is known of it, or where it loads."""
    try:
        found = distribution(_COMPILED)
        tags = found.read_text("WHEEL") or ""
        # Metadata of an older version can be left beside that of the one that is installed; what loads is none of it.
        if any(Path(str(found.locate_file(_LIBRARY + suffix))).exists() for suffix in EXTENSION_SUFFIXES):
            return ()
    except (PackageNotFoundError, OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(f"{major}.{minor}" for major, minor in re.findall(_FOR_ONE_PYTHON, tags)))
