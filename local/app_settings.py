"""The settings with which the app runs in one local stack."""

from collections.abc import Mapping

from local.addresses import LOOPBACK, Addresses

VISION_KEY = "local-vision-key"  # the local vision service's default


def environment(addresses: Addresses, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of every part: *inherited*, with the app's settings pointing at this stack."""
    own = {
        "VISION_ENDPOINT": addresses.vision_url,
        "VISION_KEY": VISION_KEY,
        "ImagesStorage": addresses.connection_string,
        "AzureWebJobsStorage": addresses.connection_string,
        "PYTHONUNBUFFERED": "1",
    }
    # A proxy for the internet must not be asked for loopback.
    for name in ("NO_PROXY", "no_proxy"):
        own[name] = ",".join(filter(None, [inherited.get(name, ""), LOOPBACK, "localhost"]))
    # Set on machines that read many files and write none; here it would make every start compile every module.
    return {**{name: value for name, value in inherited.items() if name != "PYTHONDONTWRITEBYTECODE"}, **own}
