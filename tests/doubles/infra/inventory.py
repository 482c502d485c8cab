"""Rules of the deployed resources: exactly these, under these conditions, in the group of the deployment alone."""

import re
from collections.abc import Iterator
from functools import lru_cache

from doubles import bicep
from doubles.bicep import Resource, Template
from doubles.infra.project import MAIN, Deployment

_STORAGE = "Microsoft.Storage/storageAccounts"
# Each deployed resource, as `file.symbol`: its type. Role assignments are in `roles`.
RESOURCES = {
    "main.group": "Microsoft.Resources/resourceGroups",
    "identity.identity": "Microsoft.ManagedIdentity/userAssignedIdentities",
    "images.account": _STORAGE,
    "images.containers": f"{_STORAGE}/blobServices/containers",
    "images.poison": f"{_STORAGE}/queueServices/queues",
    "host-storage.account": _STORAGE,
    "host-storage.blobs": f"{_STORAGE}/blobServices",
    "host-storage.packages": f"{_STORAGE}/blobServices/containers",
    "host-storage.deadLetters": f"{_STORAGE}/blobServices/containers",
    "host-storage.lifecycle": f"{_STORAGE}/managementPolicies",
    "vision.account": "Microsoft.CognitiveServices/accounts",
    "logs.workspace": "Microsoft.OperationalInsights/workspaces",
    "logs.insights": "Microsoft.Insights/components",
    "events.topic": "Microsoft.EventGrid/systemTopics",
    "network.network": "Microsoft.Network/virtualNetworks",
    "network.dnsZones": "Microsoft.Network/privateDnsZones",
    "network.dnsLinks": "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    "network.endpoints": "Microsoft.Network/privateEndpoints",
    "network.dnsRecords": "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "app.plan": "Microsoft.Web/serverfarms",
    "app.site": "Microsoft.Web/sites",
    "app.signIn": "Microsoft.Web/sites/config",
    "budget.budget": "Microsoft.Consumption/budgets",
    "alerts.people": "Microsoft.Insights/actionGroups",
    "alerts.logAlerts": "Microsoft.Insights/scheduledQueryRules",
    "alerts.deliveryAlerts": "Microsoft.Insights/metricAlerts",
    "alerts.queueAlert": "Microsoft.Insights/metricAlerts",
    "workbook.workbook": "Microsoft.Insights/workbooks",
}
# The services of the own account of images, which it has by itself. To deploy one takes away the rules for browsers
# that the user has set (learn.microsoft.com, Microsoft.Storage/storageAccounts/blobServices, "cors").
SERVICES = {"images.blobs": f"{_STORAGE}/blobServices", "images.queues": f"{_STORAGE}/queueServices"}
# Modules of main.bicep that are deployed only under a condition.
CONDITIONS = {
    "images": "ownImages",
    "imagesExisting": "!ownImages",
    "vision": "ownVision",
    "visionExisting": "!ownVision",
    "events": "ownTopic",
    "network": "closedNetwork",
    "budget": "monthlyBudget > 0 && !empty(budgetStart)",
}
VARIABLES = {
    "ownImages": "empty(imagesAccountId)",
    "ownVision": "empty(visionAccountId)",
    "ownTopic": "ownImages || empty(imagesTopicId)",
}
# Resources that are deployed only under a condition: their account, topic or person may not be there.
RESOURCE_CONDITIONS = {
    "images.deployerBlobs": "!empty(deployerId)",
    "host-storage.topicDeadLetters": "!empty(topicPrincipalId)",
    "alerts.people": "!empty(alertEmail)",
    # A deployment without sign-in has nothing of it.
    "app.signIn": "!empty(galleryClientId)",
    "alerts.queueAlert": "!empty(imagesAccountId)",
}
# Types that take no tags: parts of others, and facts about a resource.
_UNTAGGED = re.compile(
    r"(roleAssignments|budgets|blobServices.*|queueServices.*|managementPolicies|privateDnsZoneGroups|sites/config)$"
)
TAGS = "main.bicep tags"
_FORBIDDEN = {
    "utcNow": "gives another template each time, and a budget's start can never change",
    "newGuid": "gives another template each time",
    "listKeys": "reads a key, and there is none",
    "listAccountSas": "makes a key, and there is none",
    "listServiceSas": "makes a key, and there is none",
    "list": "may read a key, and there is none",
}
_SECRET = re.compile(r"key|secret|password|token|sas|credential|connection", re.IGNORECASE)


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield every resource that is missing, too much, or in a place that is not the deployment's own."""
    yield from _resources(deployment)
    yield from _conditions(deployment)
    for placed in deployment.resources:
        yield from _place(placed.template, placed.resource)
        yield from _name(placed.resource)
        yield from _tags(deployment, placed.template, placed.resource)
    for template, module in deployment.modules:
        if template.name != MAIN or module.scope != _GROUP:
            yield f"{module.where}: `azd down` deletes every group of a module, so its scope has to be the own group"
        if module.path.startswith(("br/", "br:", "ts/", "ts:")):
            yield f"{module.where}: a module of a registry cannot be read here"
    for template in deployment.templates.values():
        yield from _secrets(template)


_GROUP = "group"


def name_of(template: Template, symbol: str) -> str:
    """`file.symbol`, by which the rules name a resource."""
    return f"{template.name.rpartition('/')[2].removesuffix('.bicep')}.{symbol}"


def _resources(deployment: Deployment) -> Iterator[str]:
    found = {name_of(each.template, each.resource.symbol): each.resource for each in deployment.resources}
    for name, kind in RESOURCES.items():
        if name not in found or found[name].type != kind or found[name].existing:
            yield f"{name} is missing, which is the {kind}"
    for name, kind in SERVICES.items():
        service = found.get(name)
        is_right = service is not None and service.existing and service.type == kind
        if not (is_right and service.parent == "account" and service.body.get("name") == "default"):
            yield f"{name} is not the {kind}/default that its own account has by itself"
    for name, resource in found.items():
        if name not in RESOURCES and not resource.existing and resource.type != _ROLE:
            yield f"{resource.where} is deployed, and no rule says that it has to be there: {name}"


_ROLE = "Microsoft.Authorization/roleAssignments"


def _conditions(deployment: Deployment) -> Iterator[str]:
    for module in deployment.main.modules:
        condition = _without_parentheses(module.condition)
        if condition != CONDITIONS.get(module.symbol, ""):
            yield f"{module.where}: its condition is {condition or 'none'}"
    for name, text in VARIABLES.items():
        variable = deployment.main.variables.get(name)
        if variable is None or bicep.source(variable.value) != text:
            yield f"{MAIN}: {name} is not {text}"
    for placed in deployment.resources:
        condition = _without_parentheses(placed.resource.condition)
        name = name_of(placed.template, placed.resource.symbol)
        if condition != RESOURCE_CONDITIONS.get(name, ""):
            yield f"{placed.resource.where}: its condition is {condition or 'none'}"


def _without_parentheses(text: str) -> str:
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _place(template: Template, resource: Resource) -> Iterator[str]:
    if template.target_scope == "subscription" and resource.type != "Microsoft.Resources/resourceGroups":
        yield f"{resource.where} is deployed to the subscription, outside the own group"
    if resource.existing:
        return
    for symbol in filter(None, (resource.scope, resource.parent.partition("[")[0])):
        owner = template.resource(symbol)
        if owner is not None and name_of(template, symbol) in SERVICES:
            # The compiler makes no order through a symbol that is not deployed (Azure/bicep issue 7296).
            if owner.parent not in resource.depends_on:
                yield f"{resource.where} does not wait for {owner.parent}"
            owner = template.resource(owner.parent)
        if owner is None or owner.existing:
            yield f"{resource.where} is deployed into {symbol}, which is not the deployment's own"


def _name(resource: Resource) -> Iterator[str]:
    """A name that is put together has the environment in it, so that two environments can stand side by side."""
    name = resource.body.get("name")
    of_the_loop = resource.loop is not None and bicep.source(name) == resource.loop.variables[0]
    if resource.existing or of_the_loop or (resource.parent and isinstance(name, str)):
        return
    text = bicep.source(name)
    if not (text.startswith("guid(") or "${token}" in text or "${environmentName}" in text):
        yield f"{resource.where}: another environment would have the same name: {text}"


def _tags(deployment: Deployment, template: Template, resource: Resource) -> Iterator[str]:
    if resource.existing or _UNTAGGED.search(resource.type):
        return
    value = resource.body.get("tags")
    parts = value.arguments if isinstance(value, bicep.Expression) and value.function == "union" else (value,)
    found = {text for part in parts if not isinstance(part, bicep.Body) for text in _tag(deployment, template, part)}
    if found != {"azd-env-name: environmentName"}:
        yield f"{resource.where}: azd finds it by the tag azd-env-name, which it lacks"


def _tag(deployment: Deployment, template: Template, value: bicep.Value) -> list[str]:
    source = bicep.source(value)
    if source != "tags" or (template.name != MAIN and "tags" not in template.parameters):
        return [source]
    for user, module in deployment.users(template):
        if bicep.source(module.params.get("tags")) != "tags" or user.name != MAIN:
            return [source]
    tags = deployment.main.variables.get("tags")
    own = tags.value if tags and isinstance(tags.value, bicep.Body) else bicep.Body()
    return [f"{key}: {bicep.source(each)}" for key, each in own.items()]


@lru_cache(maxsize=64)
def _secrets(template: Template) -> tuple[str, ...]:
    return tuple(_secret(template))


def _secret(template: Template) -> Iterator[str]:
    for name, line in template.calls:
        if name in _FORBIDDEN:
            yield f"{template.name}:{line} {name} {_FORBIDDEN[name]}"
    for method in ("listKeys", "listAccountSas", "listServiceSas"):
        if f".{method}(" in template.text:
            yield f"{template.name}: {method} {_FORBIDDEN[method]}"
    for output in template.outputs.values():
        text = bicep.source(output.value)
        if _SECRET.search(output.name) or _SECRET.search(text.rpartition(".")[2]):
            yield f"{template.name}:{output.line} the output {output.name} may be a secret: {text}"
    for parameter in template.parameters.values():
        default = parameter.default
        if _SECRET.search(parameter.name) and parameter.has_default and default not in ("", None):
            yield f"{template.name}:{parameter.line} the default of {parameter.name} may be a secret"
        if isinstance(default, str) and re.search(r"[A-Za-z0-9+/]{32,}", default):
            yield f"{template.name}:{parameter.line} the default of {parameter.name} looks like a key"
