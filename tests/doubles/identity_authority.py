"""The authority that gives the app's identity its tokens, as a function; `identity_endpoint` is the one on the wire."""

import threading
from typing import Any

from azure.core.credentials import AccessToken
from doubles.clock import EPOCH


def token(text: str, seconds: float) -> AccessToken:
    """Make a token that ends so many seconds after the fake clock's beginning."""
    return AccessToken(text, int(EPOCH.timestamp() + seconds))


class Authority:
    """
    Answers each asking for a token when it is told to.

    Attributes:
        answers: one for each asking; an exception is raised.
        asked: the scopes so far, each with the options that came with it.
        free: while it is clear, whoever asks has to wait.
    """

    def __init__(self, *answers: AccessToken | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, scope: str, **options: Any) -> AccessToken:
        """Answer as azure-identity's `get_token` does."""
        self.asked.append((scope, options))
        assert self.free.wait(60), "nobody set it free"
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def settle() -> None:
    """Wait until nobody asks for a token any more."""
    for thread in threading.enumerate():
        if thread.name == "fetch a token":
            thread.join()
