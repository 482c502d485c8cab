"""
Mistakes that a deployment's files can have, each in a copy of its own: what a rule has to notice.

`KINDS` has the kinds of mistakes. Each is a function that takes the files and gives the mistakes, one by one.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from doubles import bicep
from doubles.bicep import Body, Expression, Items, Loop, Module, Parameter, Resource, Span, Template, Value, Variable
from doubles.infra.project import AZURE_YAML, COMMANDS, MAIN, PARAMETERS, lists_of, parsed_json, parsed_yaml
from doubles.infra.roles import ROLES
from doubles.infra.shapes import Shape, shapes

Files = Mapping[str, str]
_ROLE = "Microsoft.Authorization/roleAssignments"
_SITE = "Microsoft.Web/sites"


@dataclass(frozen=True)
class Mutation:
    """A mistake: what it is, and the text of the one file that has it (None: the file is missing)."""

    description: str
    path: str
    text: str | None

    def applied(self, files: Files) -> dict[str, str]:
        """The files with the mistake."""
        changed = {**files, self.path: self.text or ""}
        if self.text is None:
            del changed[self.path]
        return changed


def _templates(files: Files) -> list[Template]:
    return list(bicep.read_all(dict(files)).values())


def _changed(template: Template, what: str, place: Span, text: str = "") -> Mutation:
    return Mutation(
        f"{template.name}: {what}", template.name, template.text[: place.start] + text + template.text[place.end :]
    )


def resources_removed(files: Files) -> Iterator[Mutation]:
    """A resource, a module or a whole file is missing."""
    for template in _templates(files):
        declared: list[Resource | Module] = [*template.resources, *template.modules]
        for each in declared:
            yield _changed(template, f"{each.symbol} is missing", each.place)
        if template.name != MAIN:
            yield Mutation(f"{template.name} is missing", template.name, None)


def resources_altered(files: Files) -> Iterator[Mutation]:
    """A resource has another type or version, or is deployed always, elsewhere or under no condition."""
    seen: set[str] = set()
    for template in _templates(files):
        for resource in template.resources:
            place = resource.place
            told = f"{resource.type}@{resource.version}"
            text = template.text[slice(*place)]
            for wrong in (told.replace("@20", "@19"), told.replace("/", "/x", 1)) if told not in seen else ():
                yield _changed(template, f"{resource.symbol} is {wrong}", place, text.replace(told, wrong, 1))
            seen.add(told)
            if not resource.existing:
                wrong = text.replace("' =", "' existing =", 1)
                yield _changed(template, f"{resource.symbol} is existing", place, wrong)
        declared: list[Resource | Module] = [*template.resources, *template.modules]
        for each in declared:
            text = template.text[slice(*each.place)]
            if each.condition:
                wrong = text.replace(f"if {each.condition} ", "", 1)
                yield _changed(template, f"{each.symbol} is there always", each.place, wrong)
                wrong = text.replace(f"if {each.condition}", f"if (!{each.condition})", 1)
                yield _changed(template, f"{each.symbol} is there in the other case", each.place, wrong)
        for resource in template.resources:
            for key in ("scope", "parent"):
                if key in resource.body and not resource.existing:
                    yield _given(template, resource.symbol, resource.body, key, "subscription()")
            if "dependsOn" in resource.body:
                yield _removed(template, resource.symbol, resource.body, "dependsOn")
        for module in template.modules:
            yield _given(template, module.symbol, module.body, "scope", "resourceGroup('another')")
            yield _removed(template, module.symbol, module.body, "scope")


def roles(files: Files) -> Iterator[Mutation]:
    """A role is another one, is given to another principal, or has no reason."""
    other = dict(zip(ROLES, [*list(ROLES)[1:], next(iter(ROLES))], strict=True))
    for template in _templates(files):
        for guid in ROLES:
            if guid in template.text:
                yield Mutation(f"{template.name}: {guid} is misspelt", template.name, _all(template, guid, guid[:-1]))
                wrong = _all(template, guid, other[guid])
                yield Mutation(f"{template.name}: {ROLES[guid]} is {ROLES[other[guid]]}", template.name, wrong)
        for resource in template.of_type(_ROLE):
            properties = resource.properties
            key = bicep.source(properties["roleDefinitionId"]).rpartition("roles.")[2].rstrip(")")
            own = bicep.at(template.value("roles"), key)
            wrong = f"subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{other.get(str(own))}')"
            yield _given(template, resource.symbol, properties, "roleDefinitionId", wrong)
            yield _given(template, resource.symbol, properties, "principalId", "token")
            yield _given(template, resource.symbol, properties, "principalType", "'Group'")
            yield _given(template, resource.symbol, properties, "description", "''")
            yield _removed(template, resource.symbol, properties, "description")
            yield _removed(template, resource.symbol, properties, "principalType")
            yield _given(template, resource.symbol, resource.body, "name", "'role'")


def _all(template: Template, text: str, wrong: str) -> str:
    return template.text.replace(text, wrong)


def app_settings(files: Files) -> Iterator[Mutation]:
    """A setting is missing, misspelt, given twice, or has another value."""
    for template in _templates(files):
        for site in template.of_type(_SITE):
            lists = list(lists_of(bicep.at(site.properties, "siteConfig.appSettings")))
            for item, place in (pair for each in lists for pair in zip(each, each.places, strict=True)):
                if not isinstance(item, Body):
                    continue
                name = bicep.source(item["name"])
                text = template.text[slice(*place)]
                yield _changed(template, f"the setting {name} is missing", place)
                yield _changed(template, f"the setting {name} is given twice", place, f"{text}\n{text}")
                yield _given(template, name, item, "name", f"'{name}x'")
                yield _given(template, name, item, "value", "token")


def outputs(files: Files) -> Iterator[Mutation]:
    """An output is missing, misspelt, of another type, or another value."""
    for template in _templates(files):
        for output in template.outputs.values():
            text = template.text[slice(*output.place)]
            yield _changed(template, f"the output {output.name} is missing", output.place)
            wrong = text.replace(output.name, f"{output.name}X", 1)
            yield _changed(template, f"the output {output.name} is misspelt", output.place, wrong)
            yield _changed(template, f"the output {output.name} is a token", output.place, _with_value(text, "token"))


def _with_value(text: str, value: str) -> str:
    return f"{text.partition('=')[0]}= {value}"


def properties(files: Files) -> Iterator[Mutation]:
    """A property of a resource is missing, misspelt, of another type, or the other truth."""
    seen: set[str] = set()
    for template in _templates(files):
        for resource in template.resources:
            shape = shapes().get(f"{resource.type}@{resource.version}", Shape())
            for where, body, key, known in () if resource.existing else _known(resource.body, shape, resource.symbol):
                yield _removed(template, where, body, key)
                if isinstance(body[key], bool):
                    yield _given(template, where, body, key, "false" if body[key] else "true")
                # What else is wrong with a property of the same name is judged by the same rule.
                if key not in seen:
                    yield from _wrong(template, where, body, key, known)
                seen.add(key)


def _known(value: Value, shape: Shape, where: str) -> Iterator[tuple[str, Body, str, Shape]]:
    """Every property with a shape: where it is, the object, its name, and its shape."""
    if isinstance(value, Items | Loop):
        for each in value if isinstance(value, Items) else [value.body]:
            yield from _known(each, shape.items or Shape(), f"{where}[]")
    if isinstance(value, Expression):
        for each in (*value.branches, *value.arguments):
            yield from _known(each, shape, where)
    if not isinstance(value, Body):
        return
    for key, each in value.items():
        known = shape.properties.get(key) or shape.properties.get("*")
        if known is not None:
            yield where, value, key, known
            yield from _known(each, known, f"{where}.{key}")


def _wrong(template: Template, where: str, body: Body, key: str, known: Shape) -> Iterator[Mutation]:
    yield _misspelt(template, where, body, key)
    value = body[key]
    if known.type == "any" or (isinstance(value, Expression) and not value.is_string and not value.branches):
        return
    yield _given(template, where, body, key, "'5'" if known.type == "int" else "5")


def modules(files: Files) -> Iterator[Mutation]:
    """A module is made of another file, or a parameter is not given or given another value."""
    for template in _templates(files):
        for module in template.modules:
            text = template.text[slice(*module.place)]
            for wrong in (f"x{module.path}", f"br/public:avm/{module.path}:0.1.0"):
                yield _changed(template, f"{module.symbol} is {wrong}", module.place, text.replace(module.path, wrong))
            for key in module.params:
                yield _removed(template, module.symbol, module.params, key)
                yield _given(template, module.symbol, module.params, key, _another(template, module.params[key]))


def _another(template: Template, value: Value) -> str:
    """Another value of the same type, where that is a string."""
    name = bicep.source(value)
    if name in template.parameters and template.parameters[name].type != "string":
        return "'x'"
    return "environmentName" if name == "location" else "location"


def declarations(files: Files) -> Iterator[Mutation]:
    """A parameter or a variable is missing, of another type, or without use; a default is another one."""
    for template in _templates(files):
        declared: list[Parameter | Variable] = [*template.parameters.values(), *template.variables.values()]
        for each in declared:
            yield _changed(template, f"{each.name} is missing", each.place)
        yield Mutation(f"{template.name}: a variable has no use", template.name, f"{template.text}\nvar unused = 1\n")
        for parameter in template.parameters.values():
            text = template.text[slice(*parameter.place)]
            wrong = text.replace(f" {parameter.type}", " array", 1)
            yield _changed(template, f"{parameter.name} is an array", parameter.place, wrong)
            if parameter.has_default:
                wrong = _with_value(text, "'x'")
                yield _changed(template, f"{parameter.name} is x by default", parameter.place, wrong)
                yield _changed(template, f"{parameter.name} has no default", parameter.place, text.partition(" =")[0])


def defaults_of_azd(files: Files) -> Iterator[Mutation]:
    """main.parameters.json lacks or misspells a parameter, a variable or a default."""
    document = parsed_json(files[PARAMETERS])
    for name, given in document["parameters"].items():
        text = given["value"]
        variable = text.strip("${}").partition("=")[0]
        yield _document(PARAMETERS, f"{name} is missing", document, _remover("parameters", name))
        for wrong in (f"{name}x", name.upper()):
            yield _document(PARAMETERS, f"{name} is {wrong}", document, _renamer("parameters", name, name=wrong))
        values = [
            text.replace(variable, f"{variable}S"),
            text.replace(variable, variable.lower()),
            text.replace("${", "$").replace("}", ""),
            f"{text}x",
            text.replace("}", "1}") if "=" in text else text.replace("}", "=x}"),
            "${" + variable + "}" if "=" in text else "",
        ]
        for value in values:
            change = _setter("parameters", name, value={"value": value})
            yield _document(PARAMETERS, f"{name} is {value}", document, change)
    yield Mutation("main.parameters.json is cut", PARAMETERS, files[PARAMETERS][:-3])
    yield Mutation("main.parameters.json is missing", PARAMETERS, None)


def azure_yaml(files: Files) -> Iterator[Mutation]:
    """azure.yaml lacks or misspells a key, a hook, a command or a variable."""
    document = parsed_yaml(files[AZURE_YAML])
    yield from _keys(document, ())
    yield Mutation("azure.yaml is missing", AZURE_YAML, None)
    yield Mutation("azure.yaml is no YAML", AZURE_YAML, f"{files[AZURE_YAML]}\n  :")


def _keys(document: dict[str, Any], way: tuple[str | int, ...]) -> Iterator[Mutation]:
    here = _below(document, way)
    for key, value in here.items() if isinstance(here, dict) else enumerate(here):
        told = ".".join(map(str, (*way, key)))
        yield _document(AZURE_YAML, f"{told} is missing", document, _remover(*way, key))
        if isinstance(here, dict):
            yield _document(AZURE_YAML, f"{told} is misspelt", document, _renamer(*way, key, name=f"{key}x"))
        if isinstance(value, dict | list):
            yield from _keys(document, (*way, key))
        else:
            wrong = (not value) if isinstance(value, bool) else f"{value}x"
            yield _document(AZURE_YAML, f"{told} is {wrong}", document, _setter(*way, key, value=wrong))


def _below(document: Any, way: tuple[str | int, ...]) -> Any:
    for step in way:
        document = document[step]
    return document


def _setter(*way: str | int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        _below(document, way[:-1])[way[-1]] = value

    return change


def _remover(*way: str | int) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        del _below(document, way[:-1])[way[-1]]

    return change


def _renamer(*way: str | int, name: str) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        around = _below(document, way[:-1])
        around[name] = around.pop(way[-1])

    return change


def _document(path: str, what: str, document: Any, change: Callable[[Any], None]) -> Mutation:
    changed = copy.deepcopy(document)
    change(changed)
    # JSON is YAML too.
    return Mutation(f"{path}: {what}", path, json.dumps(changed))


def programs(files: Files) -> Iterator[Mutation]:
    """A program of the hooks reads another variable, or knows another command, container, function or role."""
    words = re.compile(r"(?<=\")(?:(?:AZURE|BLOBSIGHT)_[A-Z_]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=\")")
    for path, text in files.items():
        for found in words.finditer(text) if path.startswith("scripts/") else ():
            wrong = f"{text[: found.end() - 1]}{text[found.end() :]}"
            yield Mutation(f"{path}: {found[0]} is misspelt", path, wrong)
    for name in (
        "prepare",
        "connect",
        "sign-in",
        "wait-for-roles",
        "subscribe",
        "smoke",
        "disconnect",
        "remove-sign-in",
    ):
        wrong = files[COMMANDS].replace(f'    "{name}": ', f'    "{name}x": ', 1)
        yield Mutation(f"{COMMANDS}: {name} is misspelt", COMMANDS, wrong)
    constants = {
        "FUNCTION": "AnalyzeOnUpload",
        "EVENTS_FUNCTION": "StorageEvents",
        "DEAD_LETTERS": "deadletters",
        "CONTAINER": "images",
    }
    for constant, value in constants.items():
        yield from _words(files, "scripts/", f'\n{constant} = "{value}"', f'\n{constant} = "{value}s"')
    yield from _words(files, "scripts/", '"images", "analysis"', '"images", "analyses"')
    yield from _words(files, "scripts/", '"Storage Blob Data Owner"', '"Storage Blob Data Reader"')


def the_app(files: Files) -> Iterator[Mutation]:
    """The app has other names, or takes another Python, than the deployment."""
    yield from _words(files, "RescueUpload/", '"webjobs-blobtrigger-poison"', '"poison"')
    yield from _words(files, "AnalyzeOnUpload/", '"images/{name}"', '"pictures/{name}"')
    yield from _words(files, "AnalyzeOnUpload/", '"EventGrid"', '"LogsAndContainerScan"')
    yield from _words(files, "pyproject.toml", 'requires-python = ">=3.11', 'requires-python = ">=3.12')
    yield from _words(files, "pyproject.toml", ',<3.14"', ',<3.12"')
    yield from _words(files, "pyproject.toml", 'version = "', 'version = "9.')
    for name in ("images", "analysis", "text", "thumbnails", "unfinished"):
        yield from _words(files, "infra/images.bicep", f"  '{name}'\n", f"  '{name}s'\n")
        yield from _words(files, "infra/images.bicep", f"  '{name}'\n", "")


def additions(files: Files) -> Iterator[Mutation]:
    """Something is there that must not be: a key, a secret, another group, what Flex Consumption refuses."""
    resource = """
resource extra 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-extra'
  location: location
  tags: tags
}
"""
    group = (
        "\nresource extra 'Microsoft.Resources/resourceGroups@2024-03-01' = {\n  name: 'x'\n  location: location\n}\n"
    )
    for path, text in (
        (MAIN, group),
        ("infra/identity.bicep", resource),
        ("infra/app.bicep", "\noutput appKey string = site.name\n"),
        ("infra/app.bicep", "\noutput where string = insights.properties.ConnectionString\n"),
        (MAIN, "\nparam password string = 'hunter2'\noutput X string = password\n"),
        (MAIN, "\noutput BLOBSIGHT_MORE string = location\n"),
        ("infra/app.bicep", "\nvar now = utcNow()\noutput now string = now\n"),
        ("infra/host-storage.bicep", "\noutput first string = account.listKeys().keys[0].value\n"),
        ("infra/host-storage.bicep", "\noutput first string = listKeys(account.id, '2024-01-01').keys[0].value\n"),
    ):
        yield Mutation(f"{path}: added: {text.strip()}", path, files[path] + text)
    for within, text in (
        ("    httpsOnly: true\n", "    publicNetworkAccess: 'Disabled'\n"),
        ("      minTlsVersion: '1.2'\n", "      alwaysOn: false\n"),
        ("      minTlsVersion: '1.2'\n", "      linuxFxVersion: 'python|3.12'\n"),
        ("      appSettings: concat([\n", _setting("FUNCTIONS_WORKER_RUNTIME", "python")),
        ("      appSettings: concat([\n", _setting("WEBSITE_RUN_FROM_PACKAGE", "1")),
        ("      appSettings: concat([\n", _setting("VISION_KEY", "0123456789abcdef")),
        ("      appSettings: concat([\n", _setting("ImagesStorage", "UseDevelopmentStorage=true")),
        ("      appSettings: concat([\n", _setting("ImagesStorage__serviceUri", "https://x")),
        ("      appSettings: concat([\n", _setting("TEXT_MODES", "auto")),
    ):
        yield from _words(files, "infra/app.bicep", within, within + text)


def _setting(name: str, value: str) -> str:
    return f"        {{\n          name: '{name}'\n          value: '{value}'\n        }}\n"


def alerts(files: Files) -> Iterator[Mutation]:
    """An alert, or a file that is loaded, is missing."""
    for template in _templates(files):
        for variable in template.variables.values():
            for value in bicep.walk(variable.value):
                for each, place in zip(value, value.places, strict=True) if isinstance(value, Items) else ():
                    if isinstance(each, Body) and "key" in each:
                        yield _changed(template, f"the alert {bicep.source(each['key'])} is missing", place)
    for path in files:
        if path.endswith((".kql", "workbook.json")):
            yield Mutation(f"{path} is missing", path, None)
    yield Mutation("a query is loaded by no template", "infra/queries/more.kql", "traces")
    yield from _words(files, "infra/alerts.bicep", "for rule in rules", "for rule in []")
    yield from _words(files, "infra/alerts.bicep", "for delivery in deliveries", "for delivery in rules")
    yield from _words(files, "infra/alerts.bicep", "people!.id", "topicId")


def pages(files: Files) -> Iterator[Mutation]:
    """The documentation lacks a role or a variable, or has another default."""
    rows = re.compile(r"^\| (?:Storage|Cognitive|Monitoring)[^|]*\|[^|]*\|[^|]*\|.*\n", re.MULTILINE)
    text = files["docs/security.md"]
    for found in rows.finditer(text):
        wrong = text.replace(found[0], "", 1)
        yield Mutation(f"docs/security.md lacks {found[0].strip()}", "docs/security.md", wrong)
        wrong = text.replace(found[0], found[0].replace(" Data", "").replace(" Services", "").replace(" Metrics", ""))
        yield Mutation(f"docs/security.md misspells {found[0].strip()}", "docs/security.md", wrong)
    text = files["docs/deploying.md"]
    for found in re.finditer(r"^\| `(BLOBSIGHT_[A-Z_]+)` \|([^|]*)\|([^|]*)\|", text, re.MULTILINE):
        for right, wrong in ((found[1], f"{found[1]}S"), (found[0], f"| `{found[1]}` |{found[2]}| `other` |")):
            wrong = text.replace(right, wrong)
            yield Mutation(f"docs/deploying.md has {found[1]} otherwise", "docs/deploying.md", wrong)
    for name in ("BLOBSIGHT_BUDGET_START", "BLOBSIGHT_EXISTING_TOPIC_ID", "BLOBSIGHT_IMAGES_LOCATION"):
        yield Mutation(f"docs/deploying.md lacks {name}", "docs/deploying.md", text.replace(name, ""))


def choices(files: Files) -> Iterator[Mutation]:
    """A conditional takes the other one of its values."""
    for template in _templates(files):
        for value in bicep.conditionals(template):
            other = f"!({value.condition}){value.text[len(value.condition) :]}"
            wrong = template.text.replace(value.text, other, 1)
            yield Mutation(f"{template.name}: not {value.text[:80]}", template.name, wrong)


def values(files: Files) -> Iterator[Mutation]:
    """A value is one that the service, the app or another file does not agree with."""
    for path, right, wrong in (
        ("infra/app.bicep", "name: 'FC1'", "name: 'EP1'"),
        ("infra/app.bicep", "tier: 'FlexConsumption'", "tier: 'Dynamic'"),
        ("infra/app.bicep", "instanceMemoryMB: 2048", "instanceMemoryMB: 1024"),
        ("infra/app.bicep", "maximumInstanceCount: 40", "maximumInstanceCount: 4000"),
        ("infra/app.bicep", "perInstanceConcurrency: 16", "perInstanceConcurrency: 8"),
        ("infra/app.bicep", "name: 'blob'", "name: 'http'"),
        ("infra/app.bicep", "'azd-service-name': 'app'", "'azd-service-name': 'web'"),
        ("infra/app.bicep", "minTlsVersion: '1.2'", "minTlsVersion: '1.0'"),
        ("infra/app.bicep", "union(tags, {", "union({}, {"),
        ("infra/app.bicep", "version: pythonVersion", "version: '3.13'"),
        ("infra/app.bicep", "empty(subnetId) ? null : subnetId", "null"),
        ("infra/app.bicep", "instanceCount: alwaysReady", "instanceCount: 1"),
        ("infra/host-storage.bicep", "name: 'app-package'", "name: 'package'"),
        ("infra/host-storage.bicep", "name: 'deadletters'", "name: 'letters'"),
        ("infra/host-storage.bicep", "'inputs/'", "'cache/'"),
        ("infra/host-storage.bicep", "GreaterThan: 7", "GreaterThan: 1"),
        ("infra/host-storage.bicep", "'deadletters/'", "'azure-webjobs-hosts/'"),
        ("infra/host-storage.bicep", "GreaterThan: 30", "GreaterThan: 3"),
        ("infra/host-storage.bicep", "publicNetworkAccess: 'Enabled'", "publicNetworkAccess: 'Disabled'"),
        ("infra/images.bicep", "'webjobs-blobtrigger-poison'", "'poison'"),
        ("infra/images.bicep", "closedNetwork ? 'Deny' : 'Allow'", "closedNetwork ? 'Allow' : 'Deny'"),
        ("infra/images.bicep", "closedNetwork ? 'Disabled' : 'Enabled'", "'Enabled'"),
        ("infra/vision.bicep", "closedNetwork ? 'Deny' : 'Allow'", "'Allow'"),
        ("infra/images-existing.bicep", "parts[8]", "parts[7]"),
        ("infra/vision-existing.bicep", "parts[4]", "parts[3]"),
        ("infra/vision.bicep", "kind: 'ComputerVision'", "kind: 'CognitiveServices'"),
        ("infra/network.bicep", "'Microsoft.App/environments'", "'Microsoft.Web/serverFarms'"),
        ("infra/network.bicep", "/subnets/private-endpoints", "/subnets/app"),
        ("infra/network.bicep", "target: imagesAccountId", "target: hostAccountId"),
        ("infra/network.bicep", "service: 'table'", "service: 'blob'"),
        ("infra/network.bicep", "zone: 3", "zone: 1"),
        ("infra/network.bicep", "dnsZones[link.zone].id", "dnsZones[0].id"),
        ("infra/app.bicep", "'AllowAnonymous'", "'RedirectToLoginPage'"),
        ("infra/app.bicep", "'/runtime/webhooks/*'", "'/runtime/*'"),
        ("infra/app.bicep", "'/api/images/*'", "'/api/*'"),
        ("infra/app.bicep", "'/api/images/*'", "'/api/gallery/*'"),
        ("infra/app.bicep", "        '/api/operations/*'\n", ""),
        ("infra/app.bicep", "subscription().tenantId", "'common'"),
        ("infra/app.bicep", "clientId: galleryClientId", "clientId: identityClientId"),
        ("infra/app.bicep", "enabled: gallerySignIn", "enabled: true"),
        ("infra/app.bicep", "SettingName: 'OVERRIDE_USE", "SettingName: 'USE"),
        (MAIN, "'azd-env-name'", "'azd-environment'"),
        (MAIN, "'20/60'", "'10/1'"),
        (MAIN, "targetScope = 'subscription'", "targetScope = 'resourceGroup'"),
        (MAIN, "empty(imagesAccountId)", "!empty(imagesAccountId)"),
        (MAIN, "  '3.11'\n", "  '3.10'\n"),
        (MAIN, "  '3.12'\n", "  '3.13'\n"),
        (MAIN, "insightsName: logs.outputs.insightsName", "insightsName: 'appi'"),
        (MAIN, "imagesAccountId: imagesId", "imagesAccountId: location"),
    ):
        yield from _words(files, path, right, wrong)


def syntax(files: Files) -> Iterator[Mutation]:
    """A file is no Bicep."""
    for template in _templates(files):
        text = template.text
        if "}" in text:
            yield Mutation(f"{template.name}: its last brace is missing", template.name, text[: text.rindex("}")])
        yield Mutation(f"{template.name}: half a line more", template.name, f"{text}\nresource x =\n")


def _words(files: Files, below: str, right: str, wrong: str) -> list[Mutation]:
    """The one mistake of another word in every file of that path; empty lists show that no file has the word."""
    return [
        Mutation(f"{path}: {wrong!r} for {right!r}", path, text.replace(right, wrong))
        for path, text in files.items()
        if path.startswith(below) and right in text
    ]


def _removed(template: Template, where: str, body: Body, key: str) -> Mutation:
    return _changed(template, f"{where}.{key} is missing", body.places[key])


def _misspelt(template: Template, where: str, body: Body, key: str) -> Mutation:
    place = body.places[key]
    return _changed(
        template, f"{where}.{key} is misspelt", place, template.text[slice(*place)].replace(key, f"{key}x", 1)
    )


def _given(template: Template, where: str, body: Body, key: str, text: str) -> Mutation:
    return _changed(template, f"{where}.{key} is {text}", body.value_places[key], text)


KINDS: Mapping[str, Callable[[Files], Iterator[Mutation]]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            resources_removed,
            resources_altered,
            roles,
            app_settings,
            outputs,
            properties,
            modules,
            declarations,
            defaults_of_azd,
            azure_yaml,
            programs,
            the_app,
            additions,
            alerts,
            pages,
            choices,
            values,
            syntax,
        )
    }
)
