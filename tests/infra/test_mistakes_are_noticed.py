"""Every rule can fail: each mistake that is made in a copy of the deployment files is noticed."""

import pytest
from doubles.infra import mutations, project, rules

# How many there are at least, so that a kind does not become empty when a file changes its form.
FEWEST = {
    "resources_removed": 50,
    "resources_altered": 100,
    "roles": 60,
    "app_settings": 60,
    "outputs": 60,
    "properties": 300,
    "modules": 100,
    "declarations": 100,
    "defaults_of_azd": 100,
    "azure_yaml": 100,
    "programs": 40,
    "the_app": 16,
    "additions": 18,
    "alerts": 20,
    "pages": 40,
    "choices": 20,
    "values": 38,
    "syntax": 20,
}


@pytest.mark.parametrize("kind", mutations.KINDS)
def test_every_mistake_is_noticed(kind: str) -> None:
    files = project.files()
    made = list(mutations.KINDS[kind](files))
    unnoticed = [each.description for each in made if rules.first_problem(each.applied(files)) is None]
    assert not unnoticed, "\n".join(unnoticed)
    assert len(made) >= FEWEST[kind]
