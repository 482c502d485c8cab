"""The settings with which the app runs in one local stack, and where they come from."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from local.addresses import LOOPBACK, Addresses
from local.errors import LocalError
from local.local_settings import read_local_settings
from local.wording import start_command

PROJECT = Path(__file__).resolve().parent.parent
EXAMPLE = PROJECT / "local.settings.example.json"
VISION_KEY = "local-vision-key"  # the local vision service's default


def environment(addresses: Addresses, inherited: Mapping[str, str], *, own_service: bool = False) -> dict[str, str]:
    """
    Return the environment of every part: *inherited*, with the app's settings pointing at this stack.

    With the developer's *own service*, those of Computer Vision are left as they are.
    """
    own = {**_of_storage(addresses), **({} if own_service else _of_vision(addresses)), "PYTHONUNBUFFERED": "1"}
    own["URL_ALLOW"] = _url_allow(inherited)
    # A proxy for the internet must not be asked for loopback.
    for name in ("NO_PROXY", "no_proxy"):
        own[name] = ",".join(filter(None, [inherited.get(name, ""), LOOPBACK, "localhost"]))
    # Set on machines that read many files and write none; here it would make every start compile every module.
    return {**{name: value for name, value in inherited.items() if name != "PYTHONDONTWRITEBYTECODE"}, **own}


def of_page(inherited: Mapping[str, str], *, enable_auth: bool) -> dict[str, str]:
    """
    Return who may see the page, the people at this machine, and that images are stored by HTTP: unless the developer
    has set something else.

    Where keys are asked for, as in Azure, local.settings.json does not open it: a copy of the example would.
    """
    given = inherited.get("GALLERY_OPEN", "").strip()
    if not given and not enable_auth:
        given = _of_file().get("GALLERY_OPEN", "").strip() or "true"
    return {
        "GALLERY_OPEN": given or "false",
        "IMAGES_WRITABLE": with_defaults({**_of_file(), **inherited})["IMAGES_WRITABLE"],
    }


def with_defaults(settings: Mapping[str, str]) -> dict[str, str]:
    """Return *settings* with the default in the place of each that is not set."""
    return {**_example(), **{name: value for name, value in settings.items() if value.strip()}}


def overridden(
    addresses: Addresses, inherited: Mapping[str, str], of_file: Mapping[str, str], *, own_service: bool
) -> Iterator[str]:
    """Say which settings of *inherited* or of local.settings.json the stack replaces by others of its own."""
    example = _example()
    uses_it = f"`{start_command(vision='azure')}` uses your own service"
    groups = [(_of_storage(addresses), "the stack has its own storage, and images in Azure stay where they are")]
    groups += [] if own_service else [(_of_vision(addresses), f"the stack has a Computer Vision of its own; {uses_it}")]
    for own, why in groups:
        for source, values in (("the environment", inherited), ("local.settings.json", of_file)):
            unused = [
                name
                for name, value in own.items()
                if values.get(name, "").strip() not in ("", value, example[name])
                and not (values is of_file and name in inherited)
            ]
            if unused:
                yield f"{', '.join(unused)} of {source} {'is' if len(unused) == 1 else 'are'} not used: {why}"


def _example() -> dict[str, str]:
    values: dict[str, str] = json.loads(EXAMPLE.read_text())["Values"]
    return values


def _url_allow(inherited: Mapping[str, str]) -> str:
    """Return where callers' addresses may lead: what the developer has set, or else this machine."""
    return with_defaults({**_of_file(), **inherited})["URL_ALLOW"]


def _of_file() -> dict[str, str]:
    with suppress(LocalError):  # which `start` and the host tell
        return read_local_settings(PROJECT)
    return {}


def _of_vision(addresses: Addresses) -> dict[str, str]:
    return {"VISION_ENDPOINT": addresses.vision_url, "VISION_AUTH": "key", "VISION_KEY": VISION_KEY}


def _of_storage(addresses: Addresses) -> dict[str, str]:
    return {
        "ImagesStorage": addresses.connection_string,
        "AzureWebJobsStorage": addresses.connection_string,
    }
