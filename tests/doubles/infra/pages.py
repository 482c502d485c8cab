"""Rules of the documentation: its tables of roles and of variables are those of the templates."""

import re
from collections.abc import Iterator

from doubles.infra.azd import variables
from doubles.infra.language import PLACEHOLDER
from doubles.infra.project import Deployment
from doubles.infra.roles import APP, DEPLOYER, NEEDED, TOPIC

SECURITY = "docs/security.md"
DEPLOYING = "docs/deploying.md"
# How docs/security.md names what a role is on, and who has it.
_ON = {
    "host-storage.account": "host account",
    "host-storage.deadLetters": "container `deadletters`",
    "images.account": "images account",
    "vision.account": "Computer Vision",
    "logs.insights": "Application Insights",
}
_TO = {APP: "the app", TOPIC: "Event Grid", DEPLOYER: "you"}
_VARIABLE = re.compile(r"\bBLOBSIGHT_[A-Z_]+\b")


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the tables of the documentation that differ from the templates."""
    yield from _roles(deployment.files.get(SECURITY, ""))
    yield from _variables(deployment, deployment.files.get(DEPLOYING, ""))


def _rows(text: str, header: str) -> list[list[str]]:
    """The cells of each row of the table with that header."""
    lines = text.partition(f"\n{header}\n")[2].splitlines()[1:]
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


def _roles(text: str) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [tuple(row[:3]) for row in _rows(text, "| role | on | who | why |")]
    wanted: list[tuple[str, ...]] = [(grant.role, _ON[grant.on], _TO[grant.to]) for grant in NEEDED]
    for row in sorted({*rows, *wanted}):
        if rows.count(row) != wanted.count(row):
            yield f"{SECURITY} has {rows.count(row)} rows of {' | '.join(row)}; the templates give {wanted.count(row)}"


def _variables(deployment: Deployment, text: str) -> Iterator[str]:
    own = {variable for variable in variables(deployment).values() if variable.startswith("BLOBSIGHT_")}
    told = set(_VARIABLE.findall(text))
    for name in sorted(own - told):
        yield f"{DEPLOYING} does not name {name}"
    for name in sorted(told - own - set(deployment.main.outputs)):
        yield f"{DEPLOYING} names {name}, which is no variable of the deployment"
    defaults = dict(_defaults(deployment))
    for row in (line.split("|") for line in text.splitlines() if line.startswith("| `BLOBSIGHT_")):
        name = row[1].strip(" `")
        default, shown = defaults.get(name, ""), row[3].strip() if len(row) > 3 else ""
        if not shown.startswith(f"`{default}`" if default else "empty"):
            yield f"{DEPLOYING}: the default of {name} is {default or 'empty'}, and not {shown}"


def _defaults(deployment: Deployment) -> Iterator[tuple[str, str]]:
    for given in deployment.parameters.values():
        found = PLACEHOLDER.fullmatch(str(given.get("value"))) if isinstance(given, dict) else None
        if found and found[2] is not None:
            yield found[1], found[2]
