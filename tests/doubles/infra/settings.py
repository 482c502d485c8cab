"""Rules of the app settings: all that the app can be told is given or left out on purpose, and nothing else is."""

from collections.abc import Iterator, Mapping
from typing import Any

from doubles import bicep
from doubles.bicep import Body, Expression, Value
from doubles.infra.project import Deployment, lists_of

from shared import settings

_SECRET = "it is a secret, and the deployment has none"
_PLAIN = "the account takes no keys; its parts below are given"
_ADDRESSES = "the addresses of its services are given, and the host takes the name before them"
_DEFAULT = "the default suits every resource that the deployment makes"
LEFT_AT_ITS_DEFAULT = {
    "VISION_KEY": _SECRET,
    "VISION_KEY_2": _SECRET,
    "HTTPS_PROXY": "it can have a password in it, and Azure reaches Computer Vision without one",
    "HEALTH_KEY": _SECRET,
    "GALLERY_KEY": _SECRET,
    "GALLERY_OPEN": "it counts on a developer's machine alone",
    "ImagesStorage": _PLAIN,
    "ImagesStorage__accountName": _ADDRESSES,
    "ImagesStorage__tableServiceUri": "no table is in the account of the images",
    "AzureWebJobsStorage": _PLAIN,
    "AzureWebJobsStorage__accountName": _ADDRESSES,
    "VISION_LANGUAGE": _DEFAULT,
    "VISION_MODEL_VERSION": _DEFAULT,
    "VISION_TIMEOUT_SECONDS": _DEFAULT,
    "VISION_DAILY_LIMIT": "one limit is enough for a budget, and that one is of the month",
    "VISION_STOP": "an operator sets it in the portal, and the next deployment takes it away",
    "ANSWER_LIFETIME_DAYS": _DEFAULT,
    "FORGET_AFTER_HOURS": _DEFAULT,
    "RECONCILE": _DEFAULT,
    "RECONCILE_SINCE": "the app notes its first start by itself",
    "RECONCILE_HOUR": _DEFAULT,
    "LOG_NAMES": _DEFAULT,
    "THUMBNAIL_MODE": _DEFAULT,
    "THUMBNAIL_SMART": _DEFAULT,
    "THUMBNAIL_FORMATS": _DEFAULT,
    "TEXT_MODE": _DEFAULT,
    "TEXT_READING_ORDER": _DEFAULT,
    "TEXT_MODEL_VERSION": _DEFAULT,
    "TEXT_DEADLINE_SECONDS": _DEFAULT,
    "MAX_WAIT_SECONDS": _DEFAULT,
    "URL_ALLOW": "callers name hosts of the public internet",
    "MAX_UPLOAD_MEGABYTES": _DEFAULT,
    "MAX_MEGAPIXELS": _DEFAULT,
    "SEARCH_RECORDS": "it is for Azure AI Search, which the deployment does not make",
    "VISION_PRICES": _DEFAULT,
    "REQUESTS_CA_BUNDLE": "Azure's certificates are of authorities that are built in",
    "PUBLIC_ADDRESS": "the app is reached by its own name, which the platform tells it",
}
# Not the app's own: who reads them, and what for.
PLATFORM = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "the host sends telemetry there",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "the host sends it as the identity: local authentication is off",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": "App Service authentication signs in as that identity, without a secret",
    "AZURE_TOKEN_CREDENTIALS": "azure-identity asks the managed identity only, and not six others before it",
}
# Flex Consumption refuses or ignores them (Microsoft Learn, "Flex Consumption plan deprecations" of the app settings;
# the last three: "Azure Functions Flex Consumption plan hosting", considerations).
_FORBIDDEN = (
    "ENABLE_ORYX_BUILD FUNCTIONS_EXTENSION_VERSION FUNCTIONS_MAX_HTTP_CONCURRENCY "
    "FUNCTIONS_WORKER_PROCESS_COUNT FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED FUNCTIONS_WORKER_RUNTIME "
    "FUNCTIONS_WORKER_RUNTIME_VERSION SCM_DO_BUILD_DURING_DEPLOYMENT "
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING WEBSITE_CONTENTOVERVNET WEBSITE_CONTENTSHARE "
    "WEBSITE_DNS_SERVER WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT WEBSITE_NODE_DEFAULT_VERSION "
    "WEBSITE_RUN_FROM_PACKAGE WEBSITE_SKIP_CONTENTSHARE_VALIDATION WEBSITE_VNET_ROUTE_ALL TZ "
    "WEBSITE_LOAD_CERTIFICATES WEBSITE_TIME_ZONE "
)
FORBIDDEN = frozenset(_FORBIDDEN.split())
_CLIENT = "identity.bicep identity.properties.clientId"
# Where each setting that is given comes from, as `Deployment.origins` tells it.
GIVEN = {
    "AzureWebJobsStorage__credential": {"'managedidentity'"},
    "AzureWebJobsStorage__clientId": {_CLIENT},
    "AzureWebJobsStorage__blobServiceUri": {"host-storage.bicep account.properties.primaryEndpoints.blob"},
    "AzureWebJobsStorage__queueServiceUri": {"host-storage.bicep account.properties.primaryEndpoints.queue"},
    "AzureWebJobsStorage__tableServiceUri": {"host-storage.bicep account.properties.primaryEndpoints.table"},
    "ImagesStorage__credential": {"'managedidentity'"},
    "ImagesStorage__clientId": {_CLIENT},
    "ImagesStorage__blobServiceUri": {
        "images.bicep account.properties.primaryEndpoints.blob",
        "images-existing.bicep account.properties.primaryEndpoints.blob",
    },
    "ImagesStorage__queueServiceUri": {
        "images.bicep account.properties.primaryEndpoints.queue",
        "images-existing.bicep account.properties.primaryEndpoints.queue",
    },
    "APPLICATIONINSIGHTS_CONNECTION_STRING": {"app.bicep insights.properties.ConnectionString"},
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": {f"'ClientId=${{{_CLIENT}}};Authorization=AAD'"},
    "AZURE_CLIENT_ID": {_CLIENT},
    "AZURE_TOKEN_CREDENTIALS": {"'ManagedIdentityCredential'"},
    "VISION_ENDPOINT": {
        "vision.bicep account.properties.endpoint",
        "vision-existing.bicep account.properties.endpoint",
    },
    "VISION_AUTH": {"'identity'"},
    "VISION_RATE": {"main.bicep visionRate", "'20/60'", "'10/1'"},
    "VISION_MONTHLY_LIMIT": {"main.bicep visionMonthlyLimit"},
    "VISION_FEATURES": {"main.bicep features"},
    "THUMBNAIL_SIZES": {"main.bicep thumbnailSizes"},
    "IMAGES_WRITABLE": {"'true'", "'false'"},
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID": {_CLIENT},
    "PYTHON_THREADPOOL_THREAD_COUNT": {"'16'"},
}
# Parameters of main.bicep that are a setting each: their defaults are the app's own.
SHARED_DEFAULTS = {"features": "VISION_FEATURES", "thumbnailSizes": "THUMBNAIL_SIZES"}


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the problems of the app's settings."""
    site = deployment.site
    if site is None:
        yield "there is no function app"
        return
    where = site.resource.where
    lists = list(lists_of(bicep.at(site.resource.properties, "siteConfig.appSettings")))
    if not lists or not all(isinstance(each, Body) for listed in lists for each in listed):
        yield f"{where}: appSettings has to be arrays of objects, so that it can be read without a compiler"
        return
    given = dict(_named(deployment.app_settings))
    if len(given) < len(deployment.app_settings):
        yield f"{where}: a setting is given twice, or its name is no literal"
    yield from _inventory(where, set(given))
    for name, value in given.items():
        yield from _value(where, name, value)
    for name, value in given.items():
        found = deployment.origins(site.template, value)
        if name in GIVEN and found != GIVEN[name]:
            yield f"{where}: the setting {name} comes from {', '.join(sorted(found)) or 'nothing'}"
    yield from _defaults(deployment)


def _named(settings_given: list[tuple[Value, Value]]) -> Iterator[tuple[str, Value]]:
    return ((name, value) for name, value in settings_given if isinstance(name, str))


def _inventory(where: str, given: set[str]) -> Iterator[str]:
    known = {each["name"] for each in settings.described()}
    for name in sorted(set(GIVEN) - given):
        yield f"{where}: the setting {name} is missing"
    for name in sorted(known - set(GIVEN) - set(LEFT_AT_ITS_DEFAULT)):
        yield f"{where}: the setting {name} is neither given nor left at its default on purpose"
    for name in sorted(given & set(LEFT_AT_ITS_DEFAULT)):
        yield f"{where}: the setting {name} is given, although {LEFT_AT_ITS_DEFAULT[name]}"
    for name in sorted(given - known - set(PLATFORM)):
        yield f"{where}: the setting {name} is neither the app's nor the platform's"
    for name in sorted(given & FORBIDDEN):
        yield f"{where}: the setting {name} is refused or ignored on Flex Consumption"
    for name in sorted(set(LEFT_AT_ITS_DEFAULT) - known):
        yield f"LEFT_AT_ITS_DEFAULT names {name}, which is no setting"


def _value(where: str, name: str, value: Value) -> Iterator[str]:
    described: dict[str, Mapping[str, Any]] = {each["name"]: each for each in settings.described()}
    parse = described.get(name, {}).get("parse")
    for each in bicep.possible(value):
        if isinstance(each, str) and each and parse:
            try:
                parse(each)
            except ValueError as error:
                yield f"{where}: the setting {name} is {each!r}: it {error}"
        elif not isinstance(each, str | Expression):
            yield f"{where}: the setting {name} is no string"


def _defaults(deployment: Deployment) -> Iterator[str]:
    own = {each["name"]: each["default"] for each in settings.described()}
    for parameter, name in SHARED_DEFAULTS.items():
        declared = deployment.main.parameters.get(parameter)
        if declared is None or declared.default != own[name]:
            yield f"the default of {parameter} in main.bicep is not the one of {name}: {own[name]}"
    # What Azure allows each tier; the app's own default is of S1.
    if f"visionTier == 'F0' ? '20/60' : '{own['VISION_RATE']}'" not in deployment.main.text:
        yield "the rate of a tier is not 20/60 of F0 and the default of VISION_RATE of S1"
