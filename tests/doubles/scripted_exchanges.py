"""
One pass over every route of the app, in this process: what goes well, and each fault that the contract documents.

Its exchanges are what the contract is compared with: they have to show all that it claims, and a lie in it has to show.
Computer Vision is one that answers with every member that v3.2 has.
"""

import pytest
from doubles.exchanges import Exchange
from doubles.judged_answers import recorded
from doubles.scripted_corrections import corrections
from doubles.scripted_deployment import contract_served, health_told, misdeployed, of_platform
from doubles.scripted_images import images_asked_about, thumbnails
from doubles.scripted_operations import operations
from doubles.scripted_pass import begun
from doubles.scripted_receipts import receipts
from doubles.scripted_search import rebuilt, searched
from doubles.scripted_skills import skills
from doubles.scripted_states import states, unfinished
from doubles.scripted_texts import texts
from doubles.scripted_writing import written


def exchanges() -> list[Exchange]:
    """All of one pass."""
    found: list[Exchange] = []
    for script in _SCRIPTS:
        with pytest.MonkeyPatch.context() as patched, recorded() as seen:
            run = begun(patched)
            script(run)
            found += [*seen, *run.seen]
    return found


_SCRIPTS = (
    images_asked_about,
    thumbnails,
    texts,
    states,
    receipts,
    unfinished,
    searched,
    rebuilt,
    corrections,
    written,
    skills,
    operations,
    health_told,
    contract_served,
    misdeployed,
    of_platform,
)
