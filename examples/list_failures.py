"""
List what the app could not do: the image, the step, the code, and what to do about it.

python examples/list_failures.py [failed | deferred]
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import requests

APP = os.environ.get("BLOBSIGHT_URL", "http://127.0.0.1:7071")
KEY = {"x-functions-key": os.environ.get("BLOBSIGHT_KEY")}  # requests leaves a header of None out


def unfinished(state: str = "failed") -> Iterator[dict[str, Any]]:
    """Every entry of every page; a page can be empty and still have a continuation."""
    asked = {"state": state, "limit": "200"}
    while True:
        answer = requests.get(f"{APP}/api/unfinished", params=asked, headers=KEY, timeout=60)
        if not answer.ok:
            raise RuntimeError(reason(answer))
        page = answer.json()
        yield from page["unfinished"]
        if not page["continuation"]:
            return
        asked["continuation"] = page["continuation"]


def reason(answer: requests.Response) -> str:
    """What was wrong and what to do, in the app's words; the platform in front of it has a status alone."""
    if "problem+json" in answer.headers.get("Content-Type", ""):
        return "{detail} {action}".format(**answer.json())
    return f"{answer.status_code} {answer.reason} {answer.text[:300]}".strip()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    try:
        for each in unfinished(*sys.argv[1:]):
            print("{name}: {step} {code}: {action}".format(**each))
    except (OSError, RuntimeError) as error:  # the errors of requests are OSErrors
        sys.exit(str(error))
