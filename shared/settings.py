"""
The app settings: the only reader of the environment.

`Settings.from_env()` reads all, reports every problem at once, and never shows a key, nor a value in which one may have
been put by mistake. `shared.configuration.declared` says what each is.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from shared.configuration import contradictions, gallery_access, parse, public_addresses, storage_accounts
from shared.configuration.declared import Declared
from shared.configuration.fields import read
from shared.configuration.storage_accounts import Principal
from shared.errors import SettingsError


@dataclass(frozen=True)
class Settings(Declared):
    """The app settings, parsed. Immutable; made by `from_env`."""

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """
        Read the settings.

        Args:
            environment: the variables; the process's own by default.

        Raises:
            SettingsError: with every problem, each naming its setting.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        problems: list[str] = []
        for each in fields(cls):
            if "needs" in each.metadata:
                continue
            try:
                values[each.name] = read(each.metadata, environment)
            except ValueError as error:
                problems.append(f"{each.metadata['name']} {error}")
        own = Principal(_has_managed_identity(environment), values.get("principal"))
        values["principal"] = own
        for each in fields(cls):
            if "needs" in each.metadata:
                name, needs = each.metadata["name"], each.metadata["needs"]
                values[each.name], found = storage_accounts.read(name, environment, needs, own)
                problems += found
        problems += contradictions.find(values)
        if problems:
            raise SettingsError(problems)
        return cls(**values)


def _has_managed_identity(environment: Mapping[str, str]) -> bool:
    """Whether Azure gives the app tokens: App Service, Functions and Container Apps set both of these."""
    return bool(environment.get("IDENTITY_ENDPOINT") and environment.get("IDENTITY_HEADER"))


def described() -> list[Mapping[str, Any]]:
    """Every setting: its name, help, default (None is required) and whether it is a secret."""
    return [setting for each in fields(Settings) for setting in (each.metadata, *each.metadata.get("parts", ()))]


def health_key(environment: Mapping[str, str] | None = None) -> str | None:
    """HEALTH_KEY alone: it has to open the health report even where the other settings are wrong."""
    environment = os.environ if environment is None else environment
    return environment.get("HEALTH_KEY", "").strip() or None


def gallery(environment: Mapping[str, str] | None = None) -> gallery_access.GalleryAccess:
    """Who may see the page: it holds where other settings are wrong."""
    return gallery_access.read(os.environ if environment is None else environment)


def log_names(environment: Mapping[str, str] | None = None) -> parse.LogNames:
    """LOG_NAMES alone: it holds where other settings are wrong. Where it is wrong itself, names are hidden."""
    environment = os.environ if environment is None else environment
    found = next(each.metadata for each in fields(Settings) if each.name == "log_names")
    with suppress(ValueError):
        value: parse.LogNames = read(found, environment)
        return value
    return "hash"


def max_wait_seconds(environment: Mapping[str, str] | None = None) -> float:
    """MAX_WAIT_SECONDS alone: a request ends in time even where other settings are wrong; the default where it is."""
    environment = os.environ if environment is None else environment
    found = next(each.metadata for each in fields(Settings) if each.name == "max_wait_seconds")
    with suppress(ValueError):
        return float(read(found, environment))
    return float(found["default"])


def public_address(environment: Mapping[str, str] | None = None) -> str:
    """
    The address by which callers reach the app, without a slash at its end; empty if it has none.

    Read alone, because a caller that asks for a state must get it even where other settings are wrong.
    """
    return public_addresses.public(os.environ if environment is None else environment)
