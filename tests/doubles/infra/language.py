"""Rules of the language: what Bicep's compiler would refuse, and what main.parameters.json has to be for azd."""

import re
from collections.abc import Iterator
from functools import lru_cache

from doubles import bicep
from doubles.bicep import Body, Expression, Items, Loop, Module, Template, Value
from doubles.infra.project import PARAMETERS, Deployment, parsed_json

# azd asks for these two, because only its user can know them.
ASKED_FOR = {"environmentName": "AZURE_ENV_NAME", "location": "AZURE_LOCATION"}
PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?:=([^}]*))?\}")
# Functions and decorators of Bicep that a template may call; others are added here when they are needed.
_FUNCTIONS = (
    "allowed batchSize description maxLength maxValue metadata minLength minValue any concat contains "
    "empty endsWith environment first format guid join last length loadJsonContent loadTextContent map "
    "max min range replace resourceGroup resourceId split startsWith string subscription "
    "subscriptionResourceId substring take toLower union uniqueString "
)
FUNCTIONS = frozenset(_FUNCTIONS.split())
_RETURNS = {"uniqueString": "string", "toLower": "string", "guid": "string", "empty": "bool", "length": "int"}
_TYPES = {"string": str, "int": int, "bool": bool, "object": Body, "array": Items}


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the problems of the templates as programs, and of the parameters that azd gives to them."""
    for template in deployment.templates.values():
        yield from _alone(template)
    for template, module in deployment.modules:
        yield from _module(deployment, template, module)
    yield from _outputs(deployment)
    yield from _unused_files(deployment)
    if deployment.main.target_scope != "subscription":
        yield f"{deployment.main.name}: azd deploys it to the subscription, so its targetScope has to say so"
    yield from _parameters(deployment)


@lru_cache(maxsize=64)
def _alone(template: Template) -> tuple[str, ...]:
    """The problems of a template that do not depend on the others."""
    return (*template.errors, *template.redeclared, *_names(template), *_defaults(template))


def _names(template: Template) -> Iterator[str]:
    known = template.symbols
    for name, line in sorted(set(template.read)):
        if name not in known:
            yield f"{template.name}:{line} {name} is not declared"
    for name, line in sorted(set(template.calls)):
        if name not in FUNCTIONS:
            yield f"{template.name}:{line} {name} is no function that the templates may call"
    used = {name for name, _ in template.read}
    lines = {name: each.line for name, each in template.parameters.items()}
    lines |= {name: each.line for name, each in template.variables.items()}
    for name, line in lines.items():
        if name not in used:
            yield f"{template.name}:{line} {name} is never used"
    for resource in template.resources:
        if resource.existing and resource.symbol not in used and not resource.parent:
            yield f"{resource.where} is never used"


def _defaults(template: Template) -> Iterator[str]:
    for parameter in template.parameters.values():
        where = f"{template.name}:{parameter.line} {parameter.name}"
        if parameter.type.rstrip("?") not in _TYPES:
            yield f"{where} has no type of {', '.join(_TYPES)}"
        elif parameter.has_default and not _fits(parameter.default, parameter.type):
            yield f"{where} has a default that is no {parameter.type}"
        if parameter.allowed is not None and parameter.has_default and parameter.default not in parameter.allowed:
            yield f"{where} has a default that it does not allow"


def _fits(value: Value, kind: str) -> bool:
    """Whether a literal is of a type; an expression is judged only as far as its type is certain."""
    if isinstance(value, Expression):
        if value.branches:
            return all(_fits(each, kind) for each in value.branches)
        return not value.is_string or kind.startswith("string")
    if isinstance(value, Loop):
        return kind.startswith("array")
    if value is None:
        return kind.endswith("?")
    wanted = _TYPES.get(kind.rstrip("?"), object)
    return isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))


def _module(deployment: Deployment, template: Template, module: Module) -> Iterator[str]:
    made_of = deployment.templates.get(deployment.module_file(template, module))
    if made_of is None:
        yield f"{module.where}: {module.path} is no file beside it"
        return
    same = [other.where for _, other in deployment.modules if other.body.get("name") == module.body.get("name")]
    if not isinstance(module.body.get("name"), str) or len(same) != 1:
        yield f"{module.where}: a deployment in the group needs a name of its own"
    for key in module.body:
        if key not in ("name", "scope", "params", "dependsOn"):
            yield f"{module.where}: a module has no {key}"
    for name, value in module.params.items():
        parameter = made_of.parameters.get(name)
        if parameter is None:
            yield f"{module.where}: {module.path} has no parameter {name}"
        elif not _fits(value, parameter.type):
            yield f"{module.where}: {name} is no {parameter.type}"
        elif (kind := type_of(deployment, template, value)) not in (None, parameter.type.rstrip("?")):
            yield f"{module.where}: {name} is given {kind}, and is {parameter.type}"
    for name, parameter in made_of.parameters.items():
        if not parameter.is_optional and name not in module.params:
            yield f"{module.where}: {module.path} needs {name}"
        elif name not in module.params:
            yield f"{module.where}: {name} of {module.path} is never given, so that it is none"
    if made_of.target_scope != ("resourceGroup" if module.scope else template.target_scope):
        yield f"{module.where}: its scope is not the {made_of.target_scope} that {module.path} is for"


def type_of(deployment: Deployment, template: Template, value: Value) -> str | None:
    """The type of a value, as far as literals, declarations and the functions of `_RETURNS` tell it; else None."""
    for kind, literal in _TYPES.items():
        if isinstance(value, literal) and (kind != "int" or not isinstance(value, bool)):
            return kind
    if isinstance(value, Loop):
        return "array"
    if not isinstance(value, Expression):
        return None
    if value.branches:
        return type_of(deployment, template, value.branches[0])
    if value.is_string or value.function in _RETURNS:
        return _RETURNS.get(value.function, "string")
    if value.text in template.variables:
        return type_of(deployment, template, template.variables[value.text].value)
    return _declared(deployment, template, value.text)


def _declared(deployment: Deployment, template: Template, text: str) -> str | None:
    """The type of a parameter, or of an output of a module."""
    symbol, _, output = text.replace("!", "").partition(".outputs.")
    module = template.module(symbol)
    made_of = deployment.templates.get(deployment.module_file(template, module)) if module else None
    declared = template.parameters.get(text) or (made_of.outputs.get(output) if made_of else None)
    return declared.type.rstrip("?") if declared else None


def _outputs(deployment: Deployment) -> Iterator[str]:
    for template in deployment.templates.values():
        files = {each.symbol: deployment.module_file(template, each) for each in template.modules}
        for symbol, name in sorted(template.outputs_read):
            made_of = deployment.templates.get(files.get(symbol, ""))
            if made_of is None:
                yield f"{template.name}: {symbol} is no module, so it has no output {name}"
            elif name not in made_of.outputs:
                yield f"{template.name}: {made_of.name} has no output {name}"
        for output in template.outputs.values():
            kind = type_of(deployment, template, output.value)
            if not _fits(output.value, output.type) or kind not in (None, output.type):
                yield f"{template.name}:{output.line} {output.name} is no {output.type}"
    for template in deployment.templates.values():
        read = {name for user, module in deployment.users(template) for name in _read_of(user, module)}
        for output in template.outputs.values():
            if template is not deployment.main and output.name not in read:
                yield f"{template.name}:{output.line} {output.name} is never read"


def _read_of(user: Template, module: Module) -> set[str]:
    return {name for symbol, name in user.outputs_read if symbol == module.symbol}


def _unused_files(deployment: Deployment) -> Iterator[str]:
    for template in deployment.templates.values():
        if template is not deployment.main and not deployment.users(template):
            yield f"{template.name} is no module of any template"


def _parameters(deployment: Deployment) -> Iterator[str]:
    document = parsed_json(deployment.files.get(PARAMETERS, ""))
    if not isinstance(document, dict) or set(document) != {"$schema", "contentVersion", "parameters"}:
        yield f"{PARAMETERS} is no file of parameters: it has $schema, contentVersion and parameters"
        return
    declared = deployment.main.parameters
    for name in sorted(set(declared) - set(deployment.parameters)):
        yield f"{PARAMETERS} gives nothing for {name}, so that no variable can set it"
    for name, given in deployment.parameters.items():
        if name not in declared:
            yield f"{PARAMETERS}: main.bicep has no parameter {name}"
        elif not isinstance(given, dict) or set(given) != {"value"} or not isinstance(given["value"], str):
            yield f"{PARAMETERS}: {name} has to be a value of one placeholder"
        else:
            yield from _placeholder(deployment.main, name, given["value"])


def _placeholder(main: Template, name: str, text: str) -> Iterator[str]:
    found = PLACEHOLDER.fullmatch(text)
    if not found:
        yield f"{PARAMETERS}: {name} is no placeholder such as ${{NAME=default}}: {text}"
        return
    variable, default = found.groups()
    parameter = main.parameters[name]
    if name in ASKED_FOR:
        if variable != ASKED_FOR[name] or default is not None or parameter.has_default:
            yield f"{PARAMETERS}: {name} is azd's own ${{{ASKED_FOR[name]}}}, without a default"
    elif default is None:
        yield f"{PARAMETERS}: {name} has no default, so that azd asks for it"
    elif not parameter.has_default or default != _as_text(parameter.default):
        yield f"{PARAMETERS}: {name} is {default!r} there and {_as_text(parameter.default)!r} in main.bicep"
    if not parameter.description:
        yield f"{main.name}:{parameter.line} {name} has no description"
    if parameter.type not in ("string", "int", "bool"):
        yield f"{main.name}:{parameter.line} {name} is {parameter.type}, and azd's variables are texts"


def _as_text(value: Value) -> str:
    """A literal as azd's placeholders write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else bicep.source(value)
