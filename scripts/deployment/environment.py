"""
The values of the azd environment, which a hook finds as environment variables.

azd hands over every value of its environment, the outputs of `infra/main.bicep` included.
"""

from __future__ import annotations

import os

from deployment.failures import Failed

# Everything else is an output of main.bicep, or has a default there.
_WRITTEN_BY_AZD = ("AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID")


class Missing(Failed):
    """A variable is not set that a command cannot do without."""


def required(name: str) -> str:
    """
    Return the variable's value, without white space around it.

    Raises:
        Missing: if it is not set or empty; the text names the command that writes it.
    """
    value = optional(name)
    if value:
        return value
    writer = "`azd env new`, `azd provision` or `azd up`" if name in _WRITTEN_BY_AZD else "`azd provision`"
    raise Missing(f"{name} is not set. {writer} writes it; `azd hooks run` and azd's hooks hand it over.")


def optional(name: str, default: str = "") -> str:
    """Return the variable's value without white space around it, or the default where it is not set or empty."""
    return os.environ.get(name, "").strip() or default


def is_on(name: str) -> bool:
    """
    Tell whether a variable says true; not set is false.

    Raises:
        Failed: if it is neither `true` nor `false`, in any case.
    """
    text = optional(name, "false").lower()
    if text not in ("true", "false"):
        raise Failed(f"{name} is {text!r}; it has to be true or false: `azd env set {name} true`.")
    return text == "true"
