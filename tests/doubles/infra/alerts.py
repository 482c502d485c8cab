"""Rules of the alerts and the workbook: which there are, that they reach a person, and that their files are there."""

from collections.abc import Iterator
from functools import lru_cache

from doubles import bicep
from doubles.bicep import Body, Expression, Template
from doubles.infra.inventory import name_of
from doubles.infra.project import Deployment, Placed

# The alerts, by the `key` of the objects of which they are made.
KEYS = {"failures", "appointments", "poison", "lost", "spending", "deadletters", "dropped"}
_ALERTS = ("Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts")
# Which variable each loop is over.
LOOPS = {"alerts.logAlerts": "rules", "alerts.deliveryAlerts": "deliveries"}


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the problems of the alerts and of the files that templates load."""
    for kind in _ALERTS:
        for placed in deployment.of_type(kind):
            yield from _alert(placed)
    for placed in deployment.of_type(_ALERTS[0]):
        # The tables of a new workspace are not there yet.
        if placed.resource.properties.get("skipQueryValidation") is not True:
            yield f"{placed.resource.where}: without skipQueryValidation it cannot be made on a new workspace"
    for placed in deployment.of_type("Microsoft.Insights/actionGroups"):
        yield from _people(placed)
    yield from _keys(deployment)
    yield from _loaded(deployment)


def _alert(placed: Placed) -> Iterator[str]:
    resource = placed.resource
    for flag in ("enabled", "autoMitigate"):
        if resource.properties.get(flag) is not True:
            yield f"{resource.where}: {flag} is not true"
    if not bicep.source(resource.properties.get("description")):
        yield f"{resource.where}: it does not say what to do"
    actions = [bicep.source(each) for each in bicep.walk(resource.properties.get("actions"))]
    # It is there wherever the array is not empty, which the exclamation mark says to the compiler.
    if "people!.id" not in actions:
        yield f"{resource.where}: it reaches no action group"
    name = name_of(placed.template, resource.symbol)
    if name in LOOPS and (resource.loop is None or bicep.source(resource.loop.items) != LOOPS[name]):
        yield f"{resource.where}: it is not made of each of {LOOPS[name]}"


def _people(placed: Placed) -> Iterator[str]:
    where, properties = placed.resource.where, placed.resource.properties
    if properties.get("enabled") is not True:
        yield f"{where}: it is not enabled"
    receiver = bicep.at(properties, "emailReceivers.0")
    if bicep.source(bicep.at(receiver, "emailAddress")) != "alertEmail":
        yield f"{where}: it writes to another address than alertEmail"
    if bicep.at(receiver, "useCommonAlertSchema") is not True:
        yield f"{where}: it does not use the schema that all alerts have in common"


def _keys(deployment: Deployment) -> Iterator[str]:
    found = {
        bicep.source(value["key"])
        for placed in deployment.of_type(_ALERTS[0])
        for variable in placed.template.variables.values()
        for value in bicep.walk(variable.value)
        if isinstance(value, Body) and "key" in value
    }
    if found != KEYS:
        yield f"the alerts are {sorted(found)}; they have to be {sorted(KEYS)}"


def _loaded(deployment: Deployment) -> Iterator[str]:
    """Every file that a template loads is there, and every query is loaded."""
    loaded = {path: template.name for template in deployment.templates.values() for path in _loads(template)}
    for path in sorted(set(loaded) - set(deployment.files)):
        yield f"{loaded[path]} loads {path}, which is not there"
    for path in sorted(deployment.files):
        if path.endswith(".kql") and path not in loaded:
            yield f"{path} is loaded by no template"


@lru_cache(maxsize=64)
def _loads(template: Template) -> tuple[str, ...]:
    """The paths of the files whose content a template takes in."""
    roots = [variable.value for variable in template.variables.values()]
    roots += [resource.body for resource in template.resources]
    calls = [each for root in roots for each in bicep.walk(root) if isinstance(each, Expression) and each.arguments]
    folder = template.name.rpartition("/")[0]
    return tuple(f"{folder}/{bicep.source(call.arguments[0])}" for call in calls if call.function.startswith("load"))
