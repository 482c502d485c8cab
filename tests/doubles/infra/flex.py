"""Rules of the function app: what the Flex Consumption plan takes, and where app and platform have to agree."""

import re
from collections.abc import Iterator

from doubles import bicep
from doubles.bicep import Body, Expression, Items, Resource
from doubles.infra.project import Deployment, Placed

# Microsoft Learn, "Azure Functions Flex Consumption plan hosting": the languages, sizes and limits of the plan.
PYTHONS = ("3.10", "3.11", "3.12")
MEMORY_MEGABYTES = (512, 2048, 4096)
MOST_INSTANCES = 1000
IDENTITY = "identity.bicep identity.id"
SUBNET = "'${network.bicep network.id}/subnets/app'"
PACKAGE = "'${host-storage.bicep account.properties.primaryEndpoints.blob}app-package'"
# All else is refused with ARM's error 51021, in some regions only.
SITE_CONFIG = {"minTlsVersion", "appSettings"}
THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
_MINOR = re.compile(r"(>=|<)\s*3\.([0-9]+)")


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the problems of the plan and the app."""
    for plan in deployment.of_type("Microsoft.Web/serverfarms"):
        yield from _plan(plan.resource)
    for site in deployment.of_type("Microsoft.Web/sites"):
        yield from _site(deployment, site)


def _plan(plan: Resource) -> Iterator[str]:
    if bicep.at(plan.body, "sku.name") != "FC1" or bicep.at(plan.body, "sku.tier") != "FlexConsumption":
        yield f"{plan.where}: the plan is not FC1 of FlexConsumption"
    if plan.properties.get("reserved") is not True:
        yield f"{plan.where}: the plan is not reserved, which means Linux"
    if plan.body.get("kind") != "functionapp":
        yield f"{plan.where}: its kind is not functionapp"


def _site(deployment: Deployment, site: Placed) -> Iterator[str]:
    resource = site.resource
    where, properties = resource.where, resource.properties
    if resource.body.get("kind") != "functionapp,linux":
        yield f"{where}: its kind is not functionapp,linux"
    if properties.get("httpsOnly") is not True:
        yield f"{where}: it has to be httpsOnly"
    if "publicNetworkAccess" in properties:
        yield f"{where}: Event Grid comes from outside, so inbound stays open"
    config = bicep.inner(properties, "siteConfig")
    for key in set(config) - SITE_CONFIG:
        yield f"{where}: siteConfig.{key} is refused on Flex Consumption (51021)"
    if config.get("minTlsVersion") not in ("1.2", "1.3"):
        yield f"{where}: minTlsVersion is below 1.2"
    yield from _links(deployment, site)
    app = bicep.inner(properties, "functionAppConfig")
    yield from _runtime(deployment, site, bicep.inner(app, "runtime"))
    yield from _package(deployment, site, bicep.inner(app, "deployment", "storage"))
    yield from _scale(deployment, site, bicep.inner(app, "scaleAndConcurrency"))


def _links(deployment: Deployment, site: Placed) -> Iterator[str]:
    where, properties = site.resource.where, site.resource.properties
    plans = {f"{plan.resource.symbol}.id" for plan in deployment.of_type("Microsoft.Web/serverfarms")}
    if bicep.source(properties.get("serverFarmId")) not in plans:
        yield f"{where}: serverFarmId is not the plan"
    if bicep.at(site.resource.body, "identity.type") != "UserAssigned":
        yield f"{where}: it is not the user-assigned identity"
    assigned = list(bicep.inner(site.resource.body, "identity", "userAssignedIdentities"))
    found = {text for each in assigned for text in deployment.origins(site.template, Expression(each.strip("'${}")))}
    if found != {IDENTITY}:
        yield f"{where}: it is another identity than its settings name: {', '.join(sorted(found))}"
    if deployment.origins(site.template, properties.get("virtualNetworkSubnetId")) != {SUBNET}:
        yield f"{where}: its way out is not the subnet of the closed network"


def _runtime(deployment: Deployment, site: Placed, runtime: Body) -> Iterator[str]:
    where = site.resource.where
    if runtime.get("name") != "python":
        yield f"{where}: its runtime is not python"
    if deployment.origins(site.template, runtime.get("version")) != {"main.bicep pythonVersion"}:
        yield f"{where}: its runtime's version is not the parameter pythonVersion"
    parameter = deployment.main.parameters.get("pythonVersion")
    if parameter is None:
        return
    allowed = parameter.allowed or []
    if allowed != ["3.11", "3.12"] or parameter.default != "3.12":
        yield f"{deployment.main.name}: pythonVersion has to be 3.11 or 3.12, and 3.12 by default: {allowed}"
    for each in allowed:
        if each not in PYTHONS or not _is_required(deployment, str(each)):
            yield f"{deployment.main.name}: Python {each} is not offered by the plan or not in requires-python"


def _is_required(deployment: Deployment, python: str) -> bool:
    found = re.search(r'^requires-python = "([^"]+)"', deployment.files.get("pyproject.toml", ""), re.MULTILINE)
    minor = int(python.partition(".")[2])
    bounds = _MINOR.findall(found[1]) if found else []
    return bool(bounds) and all(minor >= int(at) if sign == ">=" else minor < int(at) for sign, at in bounds)


def _package(deployment: Deployment, site: Placed, storage: Body) -> Iterator[str]:
    where = site.resource.where
    if storage.get("type") != "blobContainer":
        yield f"{where}: the package is in no blobContainer"
    authentication = bicep.inner(storage, "authentication")
    if authentication.get("type") != "UserAssignedIdentity":
        yield f"{where}: the package is not fetched by the user-assigned identity"
    if deployment.origins(site.template, authentication.get("userAssignedIdentityResourceId")) != {IDENTITY}:
        yield f"{where}: the package is fetched by another identity than the app's"
    if deployment.origins(site.template, storage.get("value")) != {PACKAGE}:
        yield f"{where}: the package is not in the container of the host's account"


def _scale(deployment: Deployment, site: Placed, scale: Body) -> Iterator[str]:
    where = site.resource.where
    if scale.get("instanceMemoryMB") not in MEMORY_MEGABYTES:
        yield f"{where}: instanceMemoryMB is none of {MEMORY_MEGABYTES}"
    most = scale.get("maximumInstanceCount")
    if not isinstance(most, int) or not 1 <= most <= MOST_INSTANCES:
        yield f"{where}: maximumInstanceCount is none of 1 to {MOST_INSTANCES}"
    threads = {str(name): value for name, value in deployment.app_settings}.get(THREADS)
    at_once = bicep.at(scale, "triggers.http.perInstanceConcurrency")
    if not isinstance(at_once, int) or threads != str(at_once):
        yield f"{where}: {THREADS} and perInstanceConcurrency are not the same: {threads}, {at_once}"
    yield from _always_ready(deployment, site, scale.get("alwaysReady"))


def _always_ready(deployment: Deployment, site: Placed, value: bicep.Value) -> Iterator[str]:
    kinds = [each for each in bicep.possible(value) if isinstance(each, Items)]
    groups = [each for items in kinds for each in items]
    if [bicep.at(each, "name") for each in groups] != ["blob"]:
        yield f"{site.resource.where}: alwaysReady is not of the scale group blob"
    for each in groups:
        if deployment.origins(site.template, bicep.at(each, "instanceCount")) != {"main.bicep alwaysReady"}:
            yield f"{site.resource.where}: alwaysReady does not follow its parameter"
