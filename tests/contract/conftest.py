"""Which services have to keep the contract."""

import os
from collections.abc import Iterator

import pytest
from doubles.vision_services import RESOURCE, ServiceUnderContract, in_process, own_process, real_resource
from doubles.witness import not_asked

SERVICES = {"in-process": in_process, "own-process": own_process, "real": real_resource}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """
    Give each contract case its services; Azure where the environment names a resource.

    Where it does not, there are no such cases, hence none that is skipped; the summary of the witnesses says why.
    """
    if "service" not in metafunc.fixturenames:
        return
    missing = [name for name in RESOURCE if not os.environ.get(name, "").strip()]
    if missing:
        reason = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
        not_asked("contract of v3.2, Azure", reason)
    services = [name for name in SERVICES if name != "real" or not missing]
    parameters = [pytest.param(name, marks=[pytest.mark.real] if name == "real" else []) for name in services]
    metafunc.parametrize("service", parameters, indirect=True, scope="session")


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest) -> Iterator[ServiceUnderContract]:
    with SERVICES[request.param]() as running:
        yield running
