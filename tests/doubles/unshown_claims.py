"""Claims of the contract that the scripted pass cannot show, each with its reason."""

from collections.abc import Iterable
from typing import NamedTuple

from doubles.contract_coverage import Fact


class Excuse(NamedTuple):
    """Facts that begin and end as these words, where `*` is any word, and the reason why none is shown."""

    words: tuple[str, ...]
    reason: str

    def covers(self, fact: Fact) -> bool:
        """Whether it is one of these facts."""
        return len(fact) == len(self.words) and all(
            word in ("*", said) for word, said in zip(self.words, fact, strict=True)
        )


EXCUSES: tuple[Excuse, ...] = (
    Excuse(
        ("item", "ImagesWithResults", "images"),
        "a poll with nothing new has none; the trigger of the connector has them under the same name",
    ),
)


def is_excused(fact: Fact) -> bool:
    """Whether a reason is known."""
    return any(excuse.covers(fact) for excuse in EXCUSES)


def reasons_without_use(unshown: Iterable[Fact]) -> list[str]:
    """The excuses of which every fact is shown."""
    facts = list(unshown)
    return [excuse.reason for excuse in EXCUSES if not any(excuse.covers(fact) for fact in facts)]
