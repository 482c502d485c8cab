"""
Which models the service uses, by its settings; each is loaded once.

This module imports no library, so that the service checks its settings and listens before any is loaded.
"""

import threading
from collections.abc import Mapping

from local.models.catalogue import chosen
from local.vision.recognition.seen import NO_RECOGNIZERS, Recognizers


class Models:
    """The models that *environment* names and set-up has made. Raises LocalError for a setting that is wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._chosen = chosen(environment)
        self._lock = threading.Lock()
        self._loaded: Recognizers | None = None

    def __call__(self) -> Recognizers:
        """Return them, loaded by the first who asks."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Recognizers:
        return NO_RECOGNIZERS


def no_models() -> Recognizers:
    """Return none of them, as with MODELS=off."""
    return NO_RECOGNIZERS
