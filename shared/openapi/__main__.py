"""`python -m shared.openapi` writes `docs/openapi.json` and `docs/connector.swagger.json`."""

import json
from pathlib import Path

from shared.openapi.connector import connector
from shared.openapi.document import document

_DOCS = Path(__file__).resolve().parents[2] / "docs"


def files() -> dict[Path, str]:
    """The content of each file."""
    documents = {"openapi.json": document(), "connector.swagger.json": connector()}
    return {
        _DOCS / name: json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in documents.items()
    }


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
