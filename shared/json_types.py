"""JSON as Python holds it."""

from typing import Any

# An object. Its members are checked where they are read.
Json = dict[str, Any]
