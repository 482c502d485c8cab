"""The question that the query of a request asks; what it leaves out is as the settings say, as uploads ask it."""

import azure.functions as func

from shared.api import parameters
from shared.settings import Settings
from shared.vision import questions
from shared.vision.questions import Question

ANALYZE = ("visualFeatures", "details", "language", "descriptionExclude", "model-version")
DESCRIBE = ("maxCandidates", "language", "descriptionExclude", "model-version")


def analyze(req: func.HttpRequest, settings: Settings) -> Question:
    """
    What `analyze` is asked by the parameters `ANALYZE`.

    Raises:
        BadRequestError: `bad_parameter`.
    """
    return questions.analyze(
        parameters.list_of(req, "visualFeatures") or settings.vision_features,
        details=parameters.list_of(req, "details"),
        language=parameters.text(req, "language") or settings.vision_language,
        description_exclude=parameters.list_of(req, "descriptionExclude"),
        model_version=parameters.text(req, "model-version") or settings.vision_model_version,
    )


def describe(req: func.HttpRequest, settings: Settings) -> Question:
    """
    What `describe` is asked by the parameters `DESCRIBE`.

    Raises:
        BadRequestError: `bad_parameter`.
    """
    return questions.describe(
        max_candidates=parameters.integer(req, "maxCandidates", 1),
        language=parameters.text(req, "language") or settings.vision_language,
        description_exclude=parameters.list_of(req, "descriptionExclude"),
        model_version=parameters.text(req, "model-version") or settings.vision_model_version,
    )
