"""
Print the text of a PDF, a TIFF or an image that need not be in storage.

python examples/read_pdf.py FILE
"""

import os
import sys
import time
from pathlib import Path
from urllib.parse import urljoin

import requests

APP = os.environ.get("BLOBSIGHT_URL", "http://127.0.0.1:7071")
KEY = {"x-functions-key": os.environ.get("BLOBSIGHT_KEY")}  # requests leaves a header of None out


def read(document: bytes, patience_seconds: float = 600.0) -> str:
    """The text of all pages; a document that was read before is answered at once and costs nothing."""
    deadline = time.monotonic() + patience_seconds
    headers = {**KEY, "Content-Type": "application/octet-stream"}
    method, address, body = "POST", f"{APP}/api/ocr", document
    while True:
        answer = requests.request(method, address, data=body, headers=headers, timeout=120)
        if answer.status_code == 200:
            return str(answer.json()["text"])
        # 202: it is being read, and Location is where to ask. 429 and 503 say how long to wait, too.
        wait_seconds = float(answer.headers.get("Retry-After", "inf"))
        if time.monotonic() + wait_seconds > deadline:
            raise RuntimeError(reason(answer))
        if answer.status_code == 202:
            method, address, body = "GET", urljoin(address, answer.headers["Location"]), b""
        time.sleep(wait_seconds)


def reason(answer: requests.Response) -> str:
    """What was wrong and what to do, in the app's words; the platform in front of it has a status alone."""
    if "problem+json" in answer.headers.get("Content-Type", ""):
        return "{detail} {action}".format(**answer.json())
    return f"{answer.status_code} {answer.reason} {answer.text[:300]}".strip()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print(read(Path(sys.argv[1]).read_bytes()), end="")
    except (OSError, RuntimeError) as error:  # the errors of requests are OSErrors
        sys.exit(str(error))
