"""The operations that Azure AI Search calls: each skill has a contract of its own."""

from shared import names
from shared.json_types import Json
from shared.openapi import parameters as given
from shared.openapi import problems
from shared.openapi.members import named
from shared.openapi.operations import Body, Operation, json_answer
from shared.openapi.skill_schemas import DATA, answer_of

_SUMMARIES = {
    "describe": "Describe images of a batch",
    "analyze": "Analyze images of a batch",
    "read": "Read the text of a batch",
}
_QUESTIONS: dict[str, tuple[Json, ...]] = {
    "describe": (given.CANDIDATES, given.LANGUAGE, given.EXCLUDE, given.MODEL),
    "analyze": (given.VISUAL_FEATURES, given.VISION_DETAILS, given.LANGUAGE, given.EXCLUDE, given.MODEL),
    "read": given.READ,
}


def operations() -> list[Operation]:
    """In the order of the document."""
    return [
        Operation(
            f"{skill.title()}Skill",
            "SkillsHttp",
            "post",
            f"/skills/{skill}",
            _SUMMARIES[skill],
            "A custom skill of Azure AI Search. A record that is wrong is answered with its own error.",
            "Skills",
            {200: json_answer("The records, answered before the time is over.", answer_of(skill))},
            (problems.BATCH,),
            (given.SKILL_TIMEOUT, *_QUESTIONS[skill]),
            Body("A batch of records.", {names.JSON: named("SkillRequest")}),
            connector={"x-ms-visibility": "internal"},
        )
        for skill in DATA
    ]
