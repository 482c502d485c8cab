"""Rules of the roles: exactly those that are needed, each with its reason, and all of them before the app."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from doubles import bicep
from doubles.bicep import Expression, Resource, Template
from doubles.infra.project import Deployment, Placed

# Microsoft Learn, "Azure built-in roles".
ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "a97b65f3-24c7-4388-baec-2e87135dc908": "Cognitive Services User",
}
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Grant(NamedTuple):
    """A role on a resource (`file.symbol`), for the principal that an expression (`file expression`) names."""

    role: str
    on: str
    to: str


APP = "identity.bicep identity.properties.principalId"
TOPIC = "events.bicep topic.identity.principalId"
DEPLOYER = "main.bicep deployerId"
NEEDED = {
    Grant("Storage Blob Data Owner", "host-storage.account", APP),
    Grant("Storage Queue Data Contributor", "host-storage.account", APP),
    Grant("Storage Table Data Contributor", "host-storage.account", APP),
    Grant("Storage Blob Data Owner", "images.account", APP),
    Grant("Storage Queue Data Contributor", "images.account", APP),
    Grant("Cognitive Services User", "vision.account", APP),
    Grant("Monitoring Metrics Publisher", "logs.insights", APP),
    Grant("Storage Blob Data Contributor", "host-storage.deadLetters", TOPIC),
    Grant("Storage Blob Data Contributor", "images.account", DEPLOYER),
}


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the problems of the role assignments."""
    placed = deployment.of_type("Microsoft.Authorization/roleAssignments")
    grants = Counter(grant(deployment, each) for each in placed)
    for missing in sorted(NEEDED - set(grants)):
        yield f"no assignment gives {missing.role} on {missing.on} to {missing.to}"
    for extra, count in sorted(grants.items()):
        if extra not in NEEDED:
            yield f"{extra.role} on {extra.on} for {extra.to} is needed by nothing"
        elif count > 1:
            yield f"{extra.role} on {extra.on} is given to {extra.to} {count} times"
    for each in placed:
        yield from _assignment(deployment, each.template, each.resource)
    for template in deployment.templates.values():
        for guid in sorted(set(_GUID.findall(template.text))):
            if guid not in ROLES:
                yield f"{template.name}: {guid} is no role that the project gives"
    yield from _before_the_app(deployment, placed)


def grant(deployment: Deployment, placed: Placed) -> Grant:
    """What an assignment gives; parts that cannot be read stand as they are written."""
    template, body = placed.template, placed.resource.properties
    role = _one(deployment.origins(template, _role_id(body.get("roleDefinitionId")))).strip("'")
    file = template.name.rpartition("/")[2].removesuffix(".bicep")
    to = _one(deployment.origins(template, body.get("principalId")))
    return Grant(ROLES.get(role, role), f"{file}.{placed.resource.scope}", to)


def _one(found: set[str]) -> str:
    return " or ".join(sorted(found))


def _role_id(value: bicep.Value) -> bicep.Value:
    if isinstance(value, Expression) and value.function == "subscriptionResourceId" and len(value.arguments) == 2:
        kind, role = value.arguments
        return role if kind == "Microsoft.Authorization/roleDefinitions" else None
    return None


def _assignment(deployment: Deployment, template: Template, resource: Resource) -> Iterator[str]:
    reason = bicep.source(resource.properties.get("description"))
    if len(reason.split()) < 3:
        yield f"{resource.where}: the role has no reason in its description"
    if resource.scope == "":
        yield f"{resource.where}: the role is of the whole group; its scope has to be one resource"
    elif not _is_deployed(template, resource.scope):
        yield f"{resource.where}: its scope is no resource that is deployed beside it"
    name = resource.body.get("name")
    # Names of assignments are unique in a tenant, and the same at each deployment.
    if not isinstance(name, Expression) or name.function != "guid" or len(name.arguments) < 3:
        yield f"{resource.where}: its name is no guid() of the scope, the principal and the role"
    kind = resource.properties.get("principalType")
    to = grant(deployment, Placed(template, resource)).to
    if to != DEPLOYER and kind != "ServicePrincipal":
        yield f"{resource.where}: without principalType ServicePrincipal a new identity is not found yet"
    if to == DEPLOYER and deployment.origins(template, kind) != {"main.bicep deployerType"}:
        yield f"{resource.where}: a pipeline is no User; the type has to be the parameter deployerType"


def _is_deployed(template: Template, symbol: str) -> bool:
    found = template.resource(symbol)
    return found is not None and not found.existing


def _before_the_app(deployment: Deployment, placed: list[Placed]) -> Iterator[str]:
    """A role takes minutes to work, so each has to be there before the app: its module comes before the app's."""
    site = deployment.site
    user = next(iter(deployment.users(site.template)), None) if site else None
    before = deployment.modules_before(user[1]) if user else set()
    for each in placed:
        modules = {module.symbol for _, module in deployment.users(each.template)}
        if grant(deployment, each).to == APP and not modules & before:
            yield f"{each.resource.where}: nothing makes the app wait for this role"
