"""The reader of Bicep on which the rules of tests/infra stand."""

from doubles import bicep

TEXT = """
targetScope = 'subscription'
@description('Where it\\'s made.')
@allowed([
  'here'
  'there'
])
param place string = 'here'
param extra object?
var names = {
  first: 'one'
  second: own ? 'two' : other!.outputs.name
}
resource outer 'Some.Provider/things@2024-01-01' = if (place == 'here') {
  name: 'a-${place}'
  tags: union(extra, { kind: 'b' })
  resource within 'parts' = [for (part, number) in ['x', 'y']: {
    name: part
    dependsOn: [
      other
    ]
  }]
}
resource known 'Some.Provider/things@2024-01-01' existing = {
  name: '''raw ${text}'''
  scope: resourceGroup('another')
}
module other 'other.bicep' = if (!empty(extra)) {
  name: 'other' // param is no key
  scope: outer
  params: {
    size: -3
    open: true
    none: null
    unknown: known.id
  }
}
output name string = names[place]
"""


def read() -> bicep.Template:
    return bicep.read("some.bicep", TEXT)


def test_parameters_have_their_type_default_and_decorators() -> None:
    place, extra = read().parameters.values()
    assert (place.name, place.type, place.default, place.allowed) == ("place", "string", "here", ["here", "there"])
    assert place.description == "Where it's made."
    assert (extra.type, extra.has_default, extra.is_optional, extra.allowed) == ("object?", False, True, None)


def test_resources_within_others_have_the_whole_type_and_the_version() -> None:
    outer, within, known = read().resources
    assert (outer.type, outer.version, outer.condition) == ("Some.Provider/things", "2024-01-01", "(place == 'here')")
    assert (within.type, within.version, within.parent) == ("Some.Provider/things/parts", "2024-01-01", "outer")
    assert within.loop is not None
    assert (within.loop.variables, within.loop.items) == (("part", "number"), ["x", "y"])
    assert within.depends_on == ["other"]
    assert (known.existing, known.scope, known.body["name"]) == (True, "resourceGroup('another')", "raw ${text}")


def test_modules_have_what_they_are_given() -> None:
    (module,) = read().modules
    assert (module.path, module.scope, module.condition) == ("other.bicep", "outer", "(!empty(extra))")
    unknown = bicep.Expression("known.id")
    assert module.params == {"size": -3, "open": True, "none": None, "unknown": unknown}


def test_a_conditional_keeps_both_values_with_what_is_read_of_the_second() -> None:
    value = bicep.at(read().value("names"), "second")
    assert [each.condition for each in bicep.conditionals(read())] == ["own"]
    assert bicep.possible(value) == ["two", bicep.Expression("other!.outputs.name")]


def test_names_are_read_outside_of_strings_comments_and_loops() -> None:
    template = read()
    names = {name for name, _ in template.read}
    assert names == {"place", "extra", "own", "other", "outer", "known", "names"}
    assert {name for name, _ in template.calls} == {"description", "allowed", "union", "empty", "resourceGroup"}
    assert template.outputs_read == {("other", "name")}


def test_an_interpolated_string_is_a_string_that_only_a_deployment_knows() -> None:
    value = read().resources[0].body["name"]
    assert value == bicep.Expression("'a-${place}'", is_string=True)


def test_what_is_no_bicep_is_told_with_file_and_line() -> None:
    (error,) = bicep.read("some.bicep", "param a string\nresource x =\n").errors
    assert error.startswith("some.bicep:2 ")


def test_places_are_of_the_text_also_after_letters_that_are_no_ascii() -> None:
    text = "// Größe\nvar größe = {\n  key: 'ü'\n  other: 1\n}\n".replace("größe", "size")
    value = bicep.read("some.bicep", text).value("size")
    assert isinstance(value, bicep.Body)
    assert text[slice(*value.places["other"])] == "other: 1"
