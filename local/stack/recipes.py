"""What the stack consists of: the command, the environment and the sign of readiness of each part."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from local.addresses import LOOPBACK, Addresses
from local.app_settings import environment, of_page
from local.errors import LocalError
from local.health_key import NAME as HEALTH_KEY
from local.node import find_node
from local.private import private_folder
from local.stack.service import Recipe
from local.vision.recognition.own_settings import with_whole_paths

PROJECT = Path(__file__).resolve().parents[2]
AZURITE = PROJECT / "local" / "azurite"
AZURITE_MAIN = AZURITE / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
AZURITE_LOADED = ("as_azure.js", "many_blobs.js", "durable.js", "part_of_a_stack.js")
# What sends work comes first, so that nothing is refused because its receiver has already gone.
STOP_ORDER = ("events", "host", "vision", "azurite")


def azurite(addresses: Addresses, state: Path) -> Recipe:
    """Blob, queue and table storage, kept under `<state>/azurite`."""
    if not AZURITE_MAIN.exists():
        raise LocalError("Azurite is not installed: run `make setup` (or `local/setup.sh azurite`)")
    location = private_folder(state, "azurite")
    loaded = [word for name in AZURITE_LOADED for word in ("--require", str(AZURITE / name))]
    command = [str(find_node()), *loaded, str(AZURITE_MAIN)]
    command += ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--location", str(location)]
    for service in ("blob", "queue", "table"):
        command += [f"--{service}Host", LOOPBACK, f"--{service}Port", str(addresses.ports[f"{service} storage"])]
    return Recipe(
        "azurite", command, "Table service is successfully listening", _log(state, "azurite"), addresses.blob_url
    )


def vision(addresses: Addresses, state: Path) -> Recipe:
    """The Computer Vision service."""
    port = str(addresses.ports["vision"])
    recipe = _python_part("vision", ["--port", port], addresses, state, addresses.vision_url)
    # The part runs in the project's folder, and the files of own models are named from where the person is.
    return replace(recipe, environment=with_whole_paths(recipe.environment))


def host(
    addresses: Addresses, state: Path, *, enable_auth: bool, own_service: bool = False, health_key: str = ""
) -> Recipe:
    """
    The Functions host with the app in it, which tells of its health to who has the *health_key*.

    With the developer's *own service* the app uses that of VISION_ENDPOINT.
    """
    options = ["--port", str(addresses.port), *(["--enable-auth"] if enable_auth else [])]
    own = environment(addresses, os.environ, own_service=own_service)
    key = {HEALTH_KEY: health_key} if health_key else {}
    recipe = _python_part("host", options, addresses, state, addresses.host_url)
    return replace(recipe, environment={**own, **of_page(os.environ, enable_auth=enable_auth), **key})


def events(addresses: Addresses, state: Path) -> Recipe:
    """The watcher that stands in for Event Grid."""
    return _python_part("events", ["--port", str(addresses.port)], addresses, state, "watches the container images")


def _python_part(name: str, options: list[str], addresses: Addresses, state: Path, address: str) -> Recipe:
    command = [sys.executable, "-m", "local", name, *options, "--state", str(state)]
    return Recipe(name, command, f"{name} ready", _log(state, name), address, environment(addresses, os.environ))


def _log(state: Path, name: str) -> Path:
    return state / "logs" / f"{name}.log"
