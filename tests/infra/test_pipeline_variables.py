"""What a user can set is the same in azure.yaml, in the parameters of the template, and in the deployment workflow."""

import re

import yaml
from doubles.workflows import PROJECT, workflow

# azd finds it out itself from who is signed in.
SET_BY_AZD = {"AZURE_PRINCIPAL_ID"}


def of_the_workflow() -> set[str]:
    return set(workflow("deploy.yml")["jobs"]["deploy"]["env"])


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("BLOBSIGHT_")}


def test_the_workflow_passes_every_variable_that_azd_copies_into_the_repository() -> None:
    pipeline = yaml.safe_load((PROJECT / "azure.yaml").read_text())["pipeline"]
    assert set(pipeline) - {"provider"} == {"variables"}
    assert len(pipeline["variables"]) == len(set(pipeline["variables"]))
    assert set(pipeline["variables"]) == ours(of_the_workflow())


def test_the_workflow_passes_every_variable_that_a_parameter_is_read_from() -> None:
    read = set(re.findall(r"\$\{(\w+)", (PROJECT / "infra" / "main.parameters.json").read_text()))
    assert ours(read) == ours(of_the_workflow())
    assert read - SET_BY_AZD <= of_the_workflow()
