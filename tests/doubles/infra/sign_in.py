"""Rules of sign-in for the page: whom the platform lets through, which paths it leaves alone, and no secret."""

import re
from collections.abc import Iterator

from doubles import bicep
from doubles.bicep import Items, Resource
from doubles.infra.project import Deployment, Placed, parsed_json

# Microsoft Learn, "Use a managed identity instead of a secret": an app setting of this name, and its name here.
SECRET = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
_CLIENT = "main.bicep galleryClientId"
_SWITCH = "main.bicep gallerySignIn"
# The page is left to its own data routes to judge, and no request is sent to sign in by itself.
VALUES = {
    "platform.runtimeVersion": "~1",
    "globalValidation.requireAuthentication": False,
    "globalValidation.unauthenticatedClientAction": "AllowAnonymous",
    "httpSettings.requireHttps": True,
    "identityProviders.azureActiveDirectory.enabled": True,
    "identityProviders.azureActiveDirectory.registration.clientSecretSettingName": SECRET,
    "login.tokenStore.enabled": False,
}
_ISSUER = "'${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'"
_WEBHOOKS = "/runtime/webhooks/*"
_PREFIX = "/api/"


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the problems of the platform's sign-in."""
    configured = deployment.of_type("Microsoft.Web/sites/config")
    if [bicep.source(each.resource.body.get("name")) for each in configured] != ["authsettingsV2"]:
        yield "there is not one authsettingsV2, with which people sign in to the page"
    for each in configured:
        yield from _values(deployment, each)
        yield from _paths(deployment, each.resource)


def _values(deployment: Deployment, placed: Placed) -> Iterator[str]:
    where, properties = placed.resource.where, placed.resource.properties
    if placed.resource.parent != "site":
        yield f"{where}: it is not of the app"
    for path, wanted in VALUES.items():
        found = bicep.at(properties, path)
        if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
            yield f"{where}: {path} is {found!r}; it has to be {wanted!r}"
    directory = bicep.inner(properties, "identityProviders", "azureActiveDirectory", "registration")
    for value, wanted in (
        (directory.get("clientId"), _CLIENT),
        (bicep.at(properties, "platform.enabled"), _SWITCH),
    ):
        if deployment.origins(placed.template, value) != {wanted}:
            yield f"{where}: {bicep.source(value)} is not {wanted}"
    if bicep.source(directory.get("openIdIssuer")) != _ISSUER:
        yield f"{where}: its issuer is not the directory of the subscription"
    for key in set(bicep.inner(properties, "identityProviders")) - {"azureActiveDirectory"}:
        yield f"{where}: people sign in with Entra ID alone, and not with {key}"


def _paths(deployment: Deployment, resource: Resource) -> Iterator[str]:
    listed = bicep.at(resource.properties, "globalValidation.excludedPaths")
    found = [bicep.source(each) for each in listed] if isinstance(listed, Items) else []
    wanted = {_WEBHOOKS, *(path for route in _keyed(deployment) for path in _excluded(route))}
    for path in sorted(wanted - set(found)):
        yield f"{resource.where}: callers with a key would meet the sign-in at {path}"
    # What passes the sign-in by could bring a principal that a stranger has written.
    for path in sorted(set(found) - wanted):
        yield f"{resource.where}: {path} is no path of a keyed route, and passes the sign-in by"
    if len(found) != len(set(found)):
        yield f"{resource.where}: a path is excluded twice"


def _keyed(deployment: Deployment) -> Iterator[str]:
    """The routes that want a function key."""
    for path, text in deployment.files.items():
        bindings = (parsed_json(text) or {}).get("bindings", []) if path.endswith("/function.json") else []
        for binding in bindings:
            if (
                isinstance(binding, dict)
                and binding.get("type") == "httpTrigger"
                and binding["authLevel"] == "function"
            ):
                yield binding["route"]


def _excluded(route: str) -> Iterator[str]:
    """The paths of a route: what stands before its parameter, and all below where it has one."""
    fixed, parameter, _ = route.partition("/{")
    if not parameter or re.search(r"\{\*|\?\}", route):
        yield _PREFIX + fixed
    if parameter:
        yield f"{_PREFIX}{fixed}/*"
