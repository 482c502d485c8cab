"""The project's own deployment files keep every rule, which needs neither Azure nor a compiler."""

import pytest
from doubles.infra import project, rules


@pytest.mark.parametrize("topic", rules.TOPICS)
def test_the_deployment_files_have_no_problem(topic: str) -> None:
    found = list(rules.TOPICS[topic](project.Deployment(project.files())))
    assert not found, "\n".join(found)
