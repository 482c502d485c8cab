"""
Which models the service uses, by its settings; each is loaded once.

This module imports no library, so that the service checks its settings and listens before any is loaded: of set-up's
models the first call loads them, of a person's own the start does, which tells their faults.
"""

import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from local.models.catalogue import ADULT, CLASSIFIER, DETECTOR, FACES, Model, chosen
from local.models.recipes import DAMAGED, RECIPES, fault
from local.vision.recognition.own_settings import own_settings
from local.vision.recognition.seen import NO_RECOGNIZERS, Recognizers


class Models:
    """
    The models that *environment* names: a person's own for their roles, else those that set-up has made.

    Raises LocalError for a setting that is wrong, and for a model of a person's own that cannot be used.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._chosen = chosen(environment)
        self._own = _own(environment)
        self._lock = threading.Lock()
        self._loaded: Recognizers | None = None

    def __call__(self) -> Recognizers:
        """Return them, loaded by the first who asks."""
        with self._lock:
            if self._loaded is None:
                self._loaded = Recognizers(**self._own, **_set_ups(self._chosen, but_not=self._own))
            return self._loaded


def _own(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what a person brings, by its role."""
    settings = own_settings(environment)
    found: dict[str, Any] = {}
    if settings.classifier:
        from local.vision.recognition.own_classifier import OwnClassifier

        found["classifier"] = OwnClassifier(settings.classifier, settings.mean, settings.std)
    if settings.detector:
        from local.vision.recognition.own_detector import OwnDetector

        found["detector"] = OwnDetector(settings.detector)
    if settings.chat:
        from local.vision.recognition.captions_by_chat import ChatCaptioner

        found["captioner"] = ChatCaptioner(settings.chat)
    return found


def no_models() -> Recognizers:
    """Return none of them, as with MODELS=off."""
    return NO_RECOGNIZERS


def _set_ups(models: Iterable[Model], *, but_not: Collection[str]) -> dict[str, Any]:
    """
    Return a recognizer for each role in Recognizers that set-up has a sound model for, except for the roles *but_not*.

    Standard error has the models that are not sound.
    """
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
    recipes = {recipe.model: recipe for recipe in RECIPES}
    found = {}
    for model in there:
        role, make = makers[model]
        if role in but_not:
            continue
        try:
            # Another model can be read, and fails at every picture.
            if fault(recipes[model]) == DAMAGED:
                raise DamagedModelError(f"{model.path} is not the file that set-up made")
            found[role] = make(model.path)
        except DamagedModelError as error:
            print(f"vision: no {model.tells}: {error}; `make models` makes it anew", file=sys.stderr, flush=True)
    return found
