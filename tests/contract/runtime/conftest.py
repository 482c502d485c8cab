"""On which Pythons of this machine the app ran in Microsoft's runtime, for the summary of the witnesses."""

import pytest
from doubles.runtime_environments import VERSIONS, found_pythons
from doubles.witness import covered


@pytest.fixture(autouse=True)
def _is_counted_by_environment(request: pytest.FixtureRequest) -> None:
    """One that fails is not counted."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if "environment" in parameters:
        covered(_witness(), f"checks on {parameters['environment']}")


def _witness() -> str:
    found = ", ".join(found_pythons())
    missing = ", ".join(version for version in VERSIONS if version not in found_pythons())
    return f"this app in Microsoft's runtime (found Python {found}{'; none of ' * bool(missing)}{missing})"
