"""`python -m shared.openapi` writes `docs/openapi.json`."""

import json
from pathlib import Path

from shared.openapi.document import document

_DOCS = Path(__file__).resolve().parents[2] / "docs"


def files() -> dict[Path, str]:
    """The content of each file."""
    return {_DOCS / "openapi.json": json.dumps(document(), indent=1, ensure_ascii=False) + "\n"}


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
