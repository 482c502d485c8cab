"""Storage connections by name, and settings inside binding properties."""

import re
from collections.abc import Mapping

from local.host.errors import FunctionLoadError

DEFAULT_CONNECTION = "Storage"  # AzureWebJobsStorage
DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    # Published with the emulator and the same on every machine: it protects nothing.
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1"
)
SETTING = re.compile(r"%([^%]+)%")


def connection_string(name: str, environment: Mapping[str, str]) -> str:
    """
    Return the connection string that a binding's `connection` *name* stands for.

    It is the setting `AzureWebJobs<name>`, else `<name>`; no name means AzureWebJobsStorage. Raises FunctionLoadError.
    """
    name = name or DEFAULT_CONNECTION
    candidates = (f"AzureWebJobs{name}", name)
    value = next((environment[candidate] for candidate in candidates if environment.get(candidate)), None)
    if value is None:
        shown = "AzureWebJobsStorage" if name == DEFAULT_CONNECTION else name
        if any(setting.startswith(f"{candidate}__") for candidate in candidates for setting in environment):
            raise FunctionLoadError(
                f"the connection {shown} is set up for an identity; this local host needs a connection string there"
            )
        raise FunctionLoadError(
            f"Storage account connection string '{shown}' does not exist. Make sure that it is a defined app setting: "
            "in the environment, or in the Values of local.settings.json."
        )
    return DEVELOPMENT_STORAGE if value.strip(" ;").lower() == "usedevelopmentstorage=true" else value


def fill_settings(text: str, environment: Mapping[str, str]) -> str:
    """Replace each `%NAME%` in *text* by that setting; raises FunctionLoadError for one that is not set."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in environment:
            raise FunctionLoadError(f"'%{found[1]}%' does not resolve to a value: set {found[1]}.")
        return environment[found[1]]

    return SETTING.sub(value, text)
