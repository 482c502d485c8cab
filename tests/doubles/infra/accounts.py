"""Rules of the accounts and their neighbours: flags that keep keys, strangers and needless copies out."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from deployment import event_subscriptions
from doubles import bicep
from doubles.bicep import Expression, Items, Loop, Value
from doubles.infra.inventory import name_of
from doubles.infra.project import Deployment
from doubles.infra.shapes import Shape, shapes

from shared import names
from shared.durable import purge

_NO_KEYS: dict[str, Value] = {
    "properties.allowSharedKeyAccess": False,
    "properties.allowBlobPublicAccess": False,
    "properties.allowCrossTenantReplication": False,
    "properties.defaultToOAuthAuthentication": True,
    "properties.supportsHttpsTrafficOnly": True,
    "properties.minimumTlsVersion": "TLS1_2",
    # A hierarchical namespace has other events, and folders that are renamed with all their files.
    "properties.isHnsEnabled": False,
    "properties.networkAcls.bypass": "AzureServices",
}
_DENY = "closedNetwork ? 'Deny' : 'Allow'"
_DISABLED = "closedNetwork ? 'Disabled' : 'Enabled'"
# `file.symbol`: a way through the body -> the literal, or the source of the expression, that has to stand there.
FLAGS: dict[str, dict[str, Value]] = {
    "images.account": {
        **_NO_KEYS,
        "properties.networkAcls.defaultAction": _DENY,
        "properties.publicNetworkAccess": _DISABLED,
    },
    "host-storage.account": {
        **_NO_KEYS,
        "properties.networkAcls.defaultAction": _DENY,
        # Event Grid writes dead letters through the firewall, as a service that it trusts.
        "properties.publicNetworkAccess": "Enabled",
    },
    # The ledger is overwritten every second: a copy of each would be kept and billed.
    "host-storage.blobs": {
        "properties.deleteRetentionPolicy.enabled": False,
        "properties.containerDeleteRetentionPolicy.enabled": False,
        "properties.isVersioningEnabled": False,
        "properties.changeFeed.enabled": False,
    },
    "vision.account": {
        "kind": "ComputerVision",
        "properties.disableLocalAuth": True,
        "properties.customSubDomainName": "'cv-${token}'",
        "properties.networkAcls.defaultAction": _DENY,
        "properties.publicNetworkAccess": _DISABLED,
    },
    "logs.workspace": {
        "properties.features.disableLocalAuth": True,
        "properties.retentionInDays": 30,
        "properties.sku.name": "PerGB2018",
    },
    "logs.insights": {"properties.DisableLocalAuth": True, "properties.WorkspaceResourceId": "workspace.id"},
    # /subscriptions/2/resourceGroups/4/providers/6/7/8
    "images-existing.account": {"scope": "resourceGroup(parts[2], parts[4])", "name": "parts[8]"},
    "vision-existing.account": {"scope": "resourceGroup(parts[2], parts[4])", "name": "parts[8]"},
    "alerts.logAlerts": {"properties.criteria.allOf.0.threshold": 0, "properties.criteria.allOf.0.query": "rule.query"},
    "alerts.deliveryAlerts": {
        "properties.criteria.allOf.0.threshold": 0,
        "properties.criteria.allOf.0.metricNamespace": "Microsoft.EventGrid/systemTopics",
        "properties.criteria.allOf.0.metricName": "delivery.metric",
    },
    "alerts.queueAlert": {
        "properties.scopes.0": "'${imagesAccountId}/queueServices/default'",
        "properties.criteria.allOf.0.threshold": 0,
        "properties.criteria.allOf.0.metricNamespace": "Microsoft.Storage/storageAccounts/queueServices",
        "properties.criteria.allOf.0.metricName": "QueueMessageCount",
    },
    "events.topic": {
        "identity.type": "SystemAssigned",
        "properties.topicType": "Microsoft.Storage.StorageAccounts",
    },
    "network.dnsLinks": {
        "properties.registrationEnabled": False,
        "properties.virtualNetwork.id": "network.id",
        "parent": "dnsZones[i]",
    },
    "network.endpoints": {"properties.subnet.id": "'${network.id}/subnets/private-endpoints'"},
    "network.dnsRecords": {"parent": "endpoints[i]"},
    "budget.budget": {
        "properties.category": "Cost",
        "properties.timeGrain": "Monthly",
        "properties.notifications.near.enabled": True,
        "properties.notifications.near.threshold": 80,
        # A budget needs a recipient, also without an address.
        "properties.notifications.near.contactRoles.0": "Owner",
        "properties.notifications.near.thresholdType": "Actual",
        "properties.notifications.reached.enabled": True,
        "properties.notifications.reached.threshold": 100,
        "properties.notifications.reached.contactRoles.0": "Owner",
        "properties.notifications.reached.thresholdType": "Actual",
    },
}
_HOST = frozenset({"host-storage.bicep account.id"})
_IMAGES = frozenset({"images.bicep account.id", "main.bicep imagesAccountId"})
_VISION = frozenset({"vision.bicep account.id", "main.bicep visionAccountId"})
# The private endpoints of the closed network: whose service, which one, and the zone in which its name is found.
ENDPOINTS = {
    (_HOST, "blob", "privatelink.blob"),
    (_HOST, "queue", "privatelink.queue"),
    (_HOST, "table", "privatelink.table"),
    (_IMAGES, "blob", "privatelink.blob"),
    (_IMAGES, "queue", "privatelink.queue"),
    (_VISION, "account", "privatelink.cognitiveservices"),
}
# `file.symbol`: a way through the body -> where the value comes from, as `Deployment.origins` tells it.
ORIGINS = {
    "events.topic": {
        "properties.source": set(_IMAGES),
        # A topic lies in the region of its account.
        "location": {"main.bicep location", "main.bicep imagesLocation"},
    },
    "vision.account": {"sku.name": {"main.bicep visionTier"}},
    "budget.budget": {
        "properties.amount": {"main.bicep monthlyBudget"},
        "properties.timePeriod.startDate": {"main.bicep budgetStart"},
    },
    "app.insights": {"name": {"logs.bicep insights.name"}},
    "workbook.workbook": {"properties.sourceId": {"logs.bicep insights.id"}},
    "alerts.logAlerts": {"properties.scopes.0": {"logs.bicep insights.id"}},
    "alerts.deliveryAlerts": {"properties.scopes.0": {"events.bicep topic.id", "main.bicep imagesTopicId"}},
}
# The same of parameters of modules.
PARAMETERS = {
    "images-existing.accountId": {"main.bicep imagesAccountId"},
    "vision-existing.accountId": {"main.bicep visionAccountId"},
    "budget.email": {"main.bicep alertEmail"},
    "alerts.insightsId": {"logs.bicep insights.id"},
    "alerts.topicId": {"events.bicep topic.id", "main.bicep imagesTopicId"},
    "alerts.alertEmail": {"main.bicep alertEmail"},
    "alerts.imagesAccountId": set(_IMAGES),
    "alerts.visionMonthlyLimit": {"main.bicep visionMonthlyLimit"},
    "workbook.insightsId": {"logs.bicep insights.id"},
}
# As docs/records.md says; the app itself deletes none.
_DEAD_LETTER_DAYS = 30
_LOCATION = {"main.bicep location"}
_TOKEN = {"main.bicep uniqueString(subscription().id, environmentName, location)"}


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the flags and sources that are not as they have to be."""
    found = {name_of(each.template, each.resource.symbol): each.resource for each in deployment.resources}
    for name, flags in FLAGS.items():
        for path, wanted in flags.items() if name in found else []:
            value = bicep.at(found[name].body, path)
            told = value.text if isinstance(value, Expression) else value
            if told != wanted or type(told) is not type(wanted):
                yield f"{found[name].where}: {path} is {told!r}; it has to be {wanted!r}"
    yield from _origins(deployment)
    yield from _lifecycle(deployment)
    yield from _endpoints(deployment)
    yield from _subnets(deployment)


def _origins(deployment: Deployment) -> Iterator[str]:
    for placed in deployment.resources:
        resource = placed.resource
        wanted = dict(ORIGINS.get(name_of(placed.template, resource.symbol), {}))
        shape = shapes().get(f"{resource.type}@{resource.version}", Shape()).properties.get("location")
        if shape and shape.choices != ("global",) and not resource.existing:
            wanted.setdefault("location", _LOCATION)
        for path, origins in wanted.items():
            found = deployment.origins(placed.template, bicep.at(resource.body, path))
            if found != origins:
                yield f"{resource.where}: {path} comes from {', '.join(sorted(found)) or 'nothing'}"
    for template in deployment.templates.values():
        for name in template.parameters:
            known = PARAMETERS.get(name_of(template, name), _TOKEN if name == "token" else None)
            found = deployment.origins(template, Expression(name))
            if known is not None and found != known:
                yield f"{template.name}: {name} comes from {', '.join(sorted(found))}"


def _lifecycle(deployment: Deployment) -> Iterator[str]:
    """Only inputs and dead letters go by themselves; answers are paid for, and the rest is the platform's."""
    wanted = {f"{names.INPUTS}/": purge.KEPT.days, f"{event_subscriptions.DEAD_LETTERS}/": _DEAD_LETTER_DAYS}
    for placed in deployment.of_type("Microsoft.Storage/storageAccounts/managementPolicies"):
        rules = _items(bicep.at(placed.resource.properties, "policy.rules"))
        found = {}
        for rule in rules:
            if _items(bicep.at(rule, "definition.filters.blobTypes")) != ["blockBlob"]:
                yield f"{placed.resource.where}: its rule is not of block blobs"
            if bicep.at(rule, "enabled") is not True:
                yield f"{placed.resource.where}: its rule is not enabled"
            prefixes = bicep.at(rule, "definition.filters.prefixMatch")
            if not isinstance(prefixes, Items) or len(prefixes) != 1 or next(iter(prefixes)) not in wanted:
                yield f"{placed.resource.where}: its rule deletes something else than {', '.join(wanted)}: {prefixes}"
                continue
            found[str(next(iter(prefixes)))] = bicep.at(
                rule, "definition.actions.baseBlob.delete.daysAfterModificationGreaterThan"
            )
        if found != wanted or len(rules) != len(wanted):
            yield f"{placed.resource.where}: kept for days {found} by {len(rules)} rules, and not {wanted}"


def _endpoints(deployment: Deployment) -> Iterator[str]:
    template = deployment.templates.get("infra/network.bicep")
    if template is None:
        return
    zones, links = _items(template.value("zones")), _items(template.value("links"))
    found = set()
    for link in links:
        number = bicep.at(link, "zone")
        zone = bicep.source(zones[number]) if isinstance(number, int) and 0 <= number < len(zones) else ""
        service = bicep.source(bicep.at(link, "service"))
        target = frozenset(deployment.origins(template, bicep.at(link, "target")))
        found.add((target, service, ".".join(zone.strip("'").split(".")[:2])))
    if len({bicep.source(bicep.at(link, "name")) for link in links} - {""}) != len(links):
        yield f"{template.name}: two links have the same name, or one has none"
    for owner, service, zone in ENDPOINTS ^ found:
        yield f"{template.name}: {service} of {set(owner)} in {zone} is missing among the endpoints, or too much"
    for symbol, items in (
        ("dnsZones", "zones"),
        ("dnsLinks", "zones"),
        ("endpoints", "links"),
        ("dnsRecords", "links"),
    ):
        resource = template.resource(symbol)
        if resource is None or resource.loop is None or bicep.source(resource.loop.items) != items:
            yield f"{template.name}: {symbol} is not made of each of {items}"
    yield from _expected(template.name, template.resource("endpoints"), "privateLinkServiceConnections", _CONNECTION)
    yield from _expected(template.name, template.resource("dnsRecords"), "privateDnsZoneConfigs", _RECORD)


_CONNECTION: dict[str, str | list[str]] = {
    "properties.privateLinkServiceId": "link.target",
    "properties.groupIds": ["link.service"],
}
_RECORD = {"properties.privateDnsZoneId": "dnsZones[link.zone].id"}


def _expected(
    file: str, resource: bicep.Resource | None, path: str, wanted: Mapping[str, str | list[str]]
) -> Iterator[str]:
    """Of an array with one object below the properties, what stands at each path."""
    for each in _items(bicep.at(resource.properties, path)) or [None] if resource else []:
        for way, text in wanted.items():
            value = bicep.at(each, way)
            told = [bicep.source(item) for item in value] if isinstance(value, Items) else bicep.source(value)
            if told != text:
                yield f"{file}: {path}.{way} is {told!r}; it has to be {text!r}"


def _items(value: Value) -> list[Value]:
    return list(value) if isinstance(value, Items) else []


def _subnets(deployment: Deployment) -> Iterator[str]:
    for placed in deployment.of_type("Microsoft.Network/virtualNetworks"):
        subnets = _items(bicep.at(placed.resource.properties, "subnets"))
        by_name = {bicep.source(bicep.at(each, "name")): each for each in subnets}
        if set(by_name) != {"app", "private-endpoints"}:
            yield f"{placed.resource.where}: its subnets are not app and private-endpoints"
        yield from _addresses(placed.resource, subnets)
        delegations = _items(bicep.at(by_name.get("app"), "properties.delegations"))
        services = [bicep.at(each, "properties.serviceName") for each in delegations]
        if services != ["Microsoft.App/environments"]:
            yield f"{placed.resource.where}: the subnet app is not delegated to Flex Consumption"


def _addresses(network: bicep.Resource, subnets: list[Value]) -> Iterator[str]:
    spaces = _items(bicep.at(network.properties, "addressSpace.addressPrefixes"))
    texts = [*spaces, *(bicep.at(each, "properties.addressPrefix") for each in subnets)]
    try:
        space, *parts = [ip_network(str(text)) for text in texts]
    except ValueError as error:
        yield f"{network.where}: {error}"
        return
    if not all(part.subnet_of(space) for part in parts) or parts[0].overlaps(parts[-1]):  # type: ignore[arg-type]
        yield f"{network.where}: its subnets are not parts of its addresses: {texts}"


def containers(deployment: Deployment, file: str) -> list[str]:
    """The names of the containers that a file makes, in alphabetical order."""
    found: set[str] = set()
    for placed in deployment.of_type("Microsoft.Storage/storageAccounts/blobServices/containers"):
        if name_of(placed.template, "").removesuffix(".") == file:
            found |= set(_names(deployment, placed.template, placed.resource))
    return sorted(found)


def _names(deployment: Deployment, template: bicep.Template, resource: bicep.Resource) -> Iterator[str]:
    name, loop = resource.body.get("name"), resource.loop
    if isinstance(loop, Loop) and bicep.source(name) == loop.variables[0]:
        listed = template.value(bicep.source(loop.items)) or loop.items
        yield from (bicep.source(each) for each in _items(listed))
    elif isinstance(name, str):
        yield name
