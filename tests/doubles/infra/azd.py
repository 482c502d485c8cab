"""Rules of azure.yaml and the hooks: what azd reads, and what templates and programs have to agree on."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from doubles import bicep
from doubles.bicep import Body
from doubles.infra.language import ASKED_FOR, PLACEHOLDER
from doubles.infra.project import AZURE_YAML, COMMANDS, MAIN, PARAMETERS, Deployment, parsed_python

# azd's schema allows any key of its own choice beside these, and then does nothing with it.
KEYS = {"name", "metadata", "requiredVersions", "infra", "services", "hooks", "pipeline"}
SERVICES = {"app": {"project": ".", "language": "python", "host": "function", "remoteBuild": True}}
INFRA = {"provider": "bicep", "path": "infra", "module": "main"}
# remoteBuild is known since azd 1.23.5.
OLDEST_AZD = ">= 1.23.5"
HOOKS = {
    "preprovision": "prepare",
    "postprovision": "connect sign-in",
    "predeploy": "wait-for-roles",
    "postdeploy": "subscribe smoke",
    "predown": "disconnect",
    "postdown": "remove-sign-in",
}
# The variable of each parameter of main.bicep; those with a prefix of azd's are set by azd itself.
VARIABLES = {
    **ASKED_FOR,
    "visionTier": "BLOBSIGHT_VISION_TIER",
    "visionRate": "BLOBSIGHT_VISION_RATE",
    "visionMonthlyLimit": "BLOBSIGHT_VISION_MONTHLY_LIMIT",
    "features": "BLOBSIGHT_FEATURES",
    "thumbnailSizes": "BLOBSIGHT_THUMBNAIL_SIZES",
    "monthlyBudget": "BLOBSIGHT_MONTHLY_BUDGET",
    "budgetStart": "BLOBSIGHT_BUDGET_START",
    "alertEmail": "BLOBSIGHT_ALERT_EMAIL",
    "closedNetwork": "BLOBSIGHT_CLOSED_NETWORK",
    "alwaysReady": "BLOBSIGHT_ALWAYS_READY",
    "pythonVersion": "BLOBSIGHT_PYTHON",
    "imagesAccountId": "BLOBSIGHT_EXISTING_IMAGES_ACCOUNT_ID",
    "visionAccountId": "BLOBSIGHT_EXISTING_VISION_ACCOUNT_ID",
    "imagesTopicId": "BLOBSIGHT_EXISTING_TOPIC_ID",
    "imagesLocation": "BLOBSIGHT_IMAGES_LOCATION",
    "imagesWritable": "BLOBSIGHT_IMAGES_WRITABLE",
    "gallerySignIn": "BLOBSIGHT_GALLERY_SIGN_IN",
    "galleryClientId": "BLOBSIGHT_GALLERY_CLIENT_ID",
    "deployerId": "AZURE_PRINCIPAL_ID",
    "deployerType": "AZURE_PRINCIPAL_TYPE",
}
# What azd puts into every environment, without a parameter or an output.
FROM_AZD = {"AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID"}
# Outputs that azd itself reads.
FOR_AZD = {"AZURE_LOCATION", "AZURE_RESOURCE_GROUP"}
# Outputs, and where each comes from, as `Deployment.origins` tells it.
OUTPUTS = {
    "AZURE_LOCATION": {"main.bicep location"},
    "AZURE_RESOURCE_GROUP": {"main.bicep group.name"},
    "AZURE_FUNCTION_APP_NAME": {"app.bicep site.name"},
    "BLOBSIGHT_APP_URL": {"'https://${app.bicep site.properties.defaultHostName}'"},
    "BLOBSIGHT_IDENTITY_PRINCIPAL_ID": {"identity.bicep identity.properties.principalId"},
    "BLOBSIGHT_IMAGES_ACCOUNT_ID": {"images.bicep account.id", "main.bicep imagesAccountId"},
    "BLOBSIGHT_IMAGES_BLOB_URL": {
        "images.bicep account.properties.primaryEndpoints.blob",
        "images-existing.bicep account.properties.primaryEndpoints.blob",
    },
    "BLOBSIGHT_VISION_ACCOUNT_ID": {"vision.bicep account.id", "main.bicep visionAccountId"},
    "BLOBSIGHT_TOPIC_ID": {"events.bicep topic.id", "main.bicep imagesTopicId"},
    "BLOBSIGHT_HOST_ACCOUNT_ID": {"host-storage.bicep account.id"},
    "BLOBSIGHT_WORKSPACE_ID": {"logs.bicep workspace.properties.customerId"},
    "BLOBSIGHT_DEPLOYER_ID": {"main.bicep deployerId"},
    "BLOBSIGHT_DEPLOYER_TYPE": {"main.bicep deployerType"},
    "BLOBSIGHT_RUNTIME_PYTHON": {"main.bicep pythonVersion"},
}
_VARIABLE = re.compile(r"(?:AZURE|BLOBSIGHT)_[A-Z0-9_]+")


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the problems of azure.yaml, the hooks, and the variables between templates and programs."""
    document = deployment.azure
    if not document:
        yield f"{AZURE_YAML} is missing, or no YAML"
        return
    if set(document) != KEYS:
        yield f"{AZURE_YAML} has other keys than azd and this project know: {sorted(set(document) ^ KEYS)}"
    yield from _project(deployment, document)
    yield from _hooks(deployment, document.get("hooks"))
    yield from _parameters(deployment, document)
    yield from _outputs(deployment)


def _project(deployment: Deployment, document: dict[str, Any]) -> Iterator[str]:
    version = re.search(r'^version = "([^"]+)"', deployment.files.get("pyproject.toml", ""), re.MULTILINE)
    wanted: dict[str, Any] = {
        "name": "blobsight",
        "metadata": {"template": f"blobsight@{version[1] if version else ''}"},
        "requiredVersions": {"azd": OLDEST_AZD},
        "infra": INFRA,
        "services": SERVICES,
    }
    for key, value in wanted.items():
        if document.get(key) != value:
            yield f"{AZURE_YAML}: {key} is {document.get(key)}; it has to be {value}"
    services = {_service(placed.resource.body.get("tags")) for placed in deployment.of_type("Microsoft.Web/sites")}
    if services != set(SERVICES):
        yield f"azd finds an app by the tag azd-service-name, which is {services} and not {set(SERVICES)}"


def _service(tags: bicep.Value) -> str:
    for part in bicep.walk(tags):
        if isinstance(part, Body) and "azd-service-name" in part:
            return bicep.source(part["azd-service-name"])
    return ""


def _hooks(deployment: Deployment, hooks: Any) -> Iterator[str]:
    found = hooks if isinstance(hooks, dict) else {}
    if set(found) != set(HOOKS):
        yield f"{AZURE_YAML}: the hooks are {sorted(found)}; they have to be {sorted(HOOKS)}"
    for name, commands in HOOKS.items():
        # One line each, the same but for the name of Python, because no machine tries both.
        wanted = {
            system: {"shell": shell, "run": f"{python} {COMMANDS} {commands}", "interactive": True}
            for system, shell, python in (("posix", "sh", "python3"), ("windows", "pwsh", "python"))
        }
        if found.get(name) != wanted:
            yield f"{AZURE_YAML}: the hook {name} is {found.get(name)}; it has to be {wanted}"
    known = _commands(deployment.files.get(COMMANDS, ""))
    used = {command for line in HOOKS.values() for command in line.split()}
    if known != used:
        yield f"hooks and {COMMANDS} know other commands: {sorted(known ^ used)}"


def _commands(text: str) -> set[str]:
    """The keys of the dictionary COMMANDS in a program."""
    for node in ast.walk(parsed_python(text) or ast.Module([], [])):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if names == ["COMMANDS"]:
                return {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    return set()


def variables(deployment: Deployment) -> dict[str, str]:
    """The parameters of main.bicep with the variable that sets each, as main.parameters.json has them."""
    found = {}
    for name, given in deployment.parameters.items():
        placeholder = PLACEHOLDER.fullmatch(str(given.get("value"))) if isinstance(given, dict) else None
        found[name] = placeholder[1] if placeholder else ""
    return found


def _parameters(deployment: Deployment, document: dict[str, Any]) -> Iterator[str]:
    found = variables(deployment)
    for name in sorted(set(found) | set(VARIABLES)):
        if found.get(name) != VARIABLES.get(name):
            yield f"{PARAMETERS}: the variable of {name} is {found.get(name)}, and not {VARIABLES.get(name)}"
    pipeline = document.get("pipeline")
    listed = pipeline.get("variables") if isinstance(pipeline, dict) and set(pipeline) == {"variables"} else None
    # azd hands its own ones to a pipeline by itself.
    own = sorted(name for name in found.values() if not name.startswith("AZURE_"))
    if not isinstance(listed, list) or sorted(map(str, listed)) != own:
        yield f"{AZURE_YAML}: `azd pipeline config` hands over {listed}; main.parameters.json takes {own}"


def _outputs(deployment: Deployment) -> Iterator[str]:
    outputs = deployment.main.outputs
    for name in sorted(set(outputs) ^ set(OUTPUTS)):
        yield f"{MAIN}: the output {name} is missing, or known to no rule"
    for name, output in outputs.items():
        found = deployment.origins(deployment.main, output.value)
        if found != OUTPUTS.get(name, found):
            yield f"{MAIN}:{output.line} {name} comes from {', '.join(sorted(found))}"
        if not _VARIABLE.fullmatch(name):
            yield f"{MAIN}:{output.line} {name} is no name of a variable of azd or Blobsight"
    read = {word for word in deployment.words if _VARIABLE.fullmatch(word)}
    given = set(outputs) | set(variables(deployment).values()) | FROM_AZD
    for name in sorted(read - given):
        yield f"scripts/ reads {name}, which is no output, no parameter's variable, and not azd's own"
    for name in sorted(set(outputs) - read - FOR_AZD):
        yield f"{MAIN}: nothing reads the output {name}"
