"""
Which models the service uses, by its settings; each is loaded once.

This module imports no library, so that the service checks its settings and listens before any is loaded.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from local.models.catalogue import ADULT, CLASSIFIER, DETECTOR, FACES, Model, chosen
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
        return Recognizers(**_set_ups(self._chosen))


def no_models() -> Recognizers:
    """Return none of them, as with MODELS=off."""
    return NO_RECOGNIZERS


def _set_ups(models: Iterable[Model]) -> dict[str, Any]:
    """Return a recognizer for each role in Recognizers that set-up has a sound model for; stderr has the others."""
    there = [model for model in models if model.is_there]
    if not there:
        return {}
    from local.vision.recognition.adult import OpenNsfw
    from local.vision.recognition.classifier import LiteClassifier
    from local.vision.recognition.detector import CenterNet
    from local.vision.recognition.faces import CenterFace
    from local.vision.recognition.sessions import DamagedModelError

    makers: dict[Model, tuple[str, Callable[[Path], object]]] = {
        CLASSIFIER: ("classifier", LiteClassifier),
        DETECTOR: ("detector", CenterNet),
        FACES: ("faces", CenterFace),
        ADULT: ("adult", OpenNsfw),
    }
    found = {}
    for model in there:
        role, make = makers[model]
        try:
            found[role] = make(model.path)
        except DamagedModelError as error:
            print(f"vision: no {model.tells}: {error}; `make setup` makes it anew", file=sys.stderr, flush=True)
    return found
