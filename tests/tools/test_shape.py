"""What a generator is asked to write, for schemas good and bad."""

import pytest
from hypothesis import given, settings

from gtm.errors import SpecError
from gtm.tools.shape import Unsatisfiable, leaf_pointers, output_shape, render_type
from gtm.tools.validator import prepare
from tests.schemas import NUMBER, STRING, Schema, obj, schemas


def names(schema: Schema) -> list[str]:
    return list(schema["properties"])


def test_an_object_shows_all_its_optional_properties_in_order_and_is_closed() -> None:
    shape = output_shape(obj(id={"type": "integer"}, name={"type": ["string", "null"]}, tags={"type": "array"}))

    assert shape.schema["properties"]["id"] == {"type": "integer"}
    assert shape.schema["properties"]["name"] == {"type": "string"}
    assert shape.schema["required"] == ["id", "name", "tags"]
    assert shape.schema["additionalProperties"] is False
    assert shape.leaves == 3


def test_an_example_decides_which_optional_properties_are_shown() -> None:
    schema = obj(["id"], id=STRING, a=STRING, b=obj(c=STRING, d=STRING))

    shape = output_shape(schema, examples=[{"b": {"d": "x"}}])

    assert leaf_pointers(shape.schema) == ("/id", "/b/d")


def test_depth_and_leaves_are_limited_and_shallow_leaves_win() -> None:
    deep = obj(a=obj(b=obj(c=obj(d=STRING))), z=STRING)
    wide = obj(first=obj(**{f"x{n}": STRING for n in range(60)}), **{f"y{n}": STRING for n in range(30)})

    assert leaf_pointers(output_shape(deep).schema) == ("/z",)
    shape = output_shape(wide)
    assert shape.leaves == 40
    assert {f"/y{n}" for n in range(30)} <= set(leaf_pointers(shape.schema))
    assert any("never shown" in note for note in shape.notes)


def test_required_properties_are_shown_beyond_every_limit() -> None:
    schema = STRING
    for name in ("f", "e", "d", "c", "b", "a"):
        schema = obj([name], **{name: schema})

    assert leaf_pointers(output_shape(schema).schema) == ("/a/b/c/d/e/f",)
    wide = [f"p{n}" for n in range(60)]
    assert output_shape(obj(wide, **dict.fromkeys(wide, STRING))).leaves == 60


def test_an_object_that_declares_properties_is_never_empty() -> None:
    required_beyond_depth = obj(["a"], a=obj(["b"], b=obj(["c"], c=obj(["d"], d=obj(e=STRING, f=STRING)))))

    assert leaf_pointers(output_shape(required_beyond_depth).schema) == ("/a/b/c/d/e",)
    assert leaf_pointers(output_shape(obj(a=STRING), max_depth=0).schema) == ("/a",)


def test_write_only_properties_are_not_shown() -> None:
    assert names(output_shape(obj(name=STRING, password={**STRING, "writeOnly": True})).schema) == ["name"]


def test_all_of_is_merged_and_a_branch_is_chosen() -> None:
    schema = {
        "allOf": [{"$ref": "#/$defs/Base"}, obj(["extra"], extra=STRING)],
        "anyOf": [
            {"type": "null"},
            {"properties": {"kind": {"const": "cat"}}},
            {"properties": {"kind": {"const": "dog"}}},
        ],
        "$defs": {"Base": obj(["id"], id={"type": "integer", "minimum": 1}, kind=STRING)},
    }

    assert output_shape(schema).schema["properties"]["kind"] == {"const": "cat"}
    shown = output_shape(schema, examples=[{"id": 1, "extra": "x", "kind": "dog"}]).schema
    assert shown["properties"]["kind"] == {"const": "dog"}
    assert shown["properties"]["id"] == {"type": "integer", "minimum": 1}


def test_recursion_stops_at_the_second_visit() -> None:
    node = obj(["v", "next"], v=STRING, next={"anyOf": [{"$ref": "#/$defs/N"}, {"type": "null"}]})
    tree = obj(
        ["v", "kids"], v=STRING, kids={"type": "array", "items": {"$ref": "#/$defs/N"}}, up={"$ref": "#/$defs/N"}
    )

    assert output_shape({"$ref": "#/$defs/N", "$defs": {"N": node}}).schema["properties"]["next"] == {"type": "null"}
    shape = output_shape({"$ref": "#/$defs/N", "$defs": {"N": tree}})
    assert shape.schema["properties"]["kids"] == {"const": []}
    assert "up" not in shape.schema["properties"]
    assert "a recursive part is shown once" in shape.notes


def test_maps_and_free_form_objects() -> None:
    assert names(output_shape({"type": "object", "additionalProperties": NUMBER}).schema) == ["default"]
    by_example = output_shape({"type": "object", "additionalProperties": NUMBER}, examples=[{"EUR": 1, "USD": 2}])
    assert by_example.schema["properties"] == {"EUR": {"type": "number"}, "USD": {"type": "number"}}
    free = output_shape({"type": "object"})
    assert (free.leaves, free.schema["properties"]) == (0, {})
    assert output_shape({"type": "object"}, examples=[{"a": 1, "b": {"c": "x"}}]).leaves == 2
    by_pattern = output_shape({"patternProperties": {"^x-[a-z]+$": NUMBER}, "additionalProperties": False})
    assert all(name.startswith("x-") for name in names(by_pattern.schema))


@pytest.mark.parametrize(
    ("schema", "sizes"),
    [
        ({"items": STRING}, (1, 3)),
        ({"items": STRING, "minItems": 5}, (5, 5)),
        ({"items": STRING, "maxItems": 2}, (1, 2)),
        ({"items": STRING, "minItems": 500}, (20, 20)),
        ({"items": {"enum": ["a", "b"]}, "uniqueItems": True}, (1, 2)),
        ({"items": obj(**{f"p{n}": STRING for n in range(20)})}, (1, 2)),
    ],
)
def test_array_sizes(schema: Schema, sizes: tuple[int, int]) -> None:
    shape = output_shape({"type": "array", **schema}).schema
    assert (shape["minItems"], shape["maxItems"]) == sizes


def test_an_array_that_must_be_empty_is_a_constant() -> None:
    assert output_shape({"type": "array", "maxItems": 0}).schema == {"const": []}
    assert output_shape({"type": "array", "items": False}).schema == {"const": []}


def test_scalars() -> None:
    assert output_shape({}).schema == {"type": "string", "maxLength": 40}
    assert output_shape({"enum": ["a", None, "b"]}).schema == {"enum": ["a", "b"]}
    assert output_shape({"type": "string", "enum": ["a", 1]}).schema == {"enum": ["a"]}
    bounds = output_shape({"type": "integer", "exclusiveMinimum": 2.5, "exclusiveMaximum": 10}).schema
    assert bounds == {"type": "integer", "minimum": 3, "maximum": 9}


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"not": {}},
        {"type": "integer", "minimum": 5, "maximum": 1},
        {"type": "string", "enum": [1, 2]},
        {"type": "string", "minLength": 10**9},
        {"type": "array", "items": False, "minItems": 1},
        {"type": "array", "minItems": 10**9},
        {"allOf": [{"type": "string"}, {"type": "object"}]},
        {"type": "object", "required": ["a"], "additionalProperties": False},
        {"$ref": "#/$defs/N", "$defs": {"N": obj(["n"], n={"$ref": "#/$defs/N"})}},
    ],
)
def test_what_nothing_satisfies_is_said(schema: Schema | bool) -> None:
    with pytest.raises(Unsatisfiable):
        output_shape(schema)


def test_an_unsatisfiable_optional_part_is_left_out() -> None:
    shape = output_shape(obj(a=STRING, b=obj(["c"], c=False), d={"type": "array", "items": False, "minItems": 1}))
    assert names(shape.schema) == ["a"]


def test_limits_are_clear_errors() -> None:
    deep: Schema = {}
    for _ in range(10_000):
        deep = {"properties": {"a": deep}}
    branching: Schema = {"$ref": "#/$defs/a0", "$defs": {"a30": STRING}}
    for n in range(30):
        branching["$defs"][f"a{n}"] = {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2}

    for schema, reason in ((deep, "deeper"), (branching, "alternatives"), ({"minimum": float("nan")}, "NaN")):
        with pytest.raises(SpecError, match=reason):
            output_shape(schema)


def test_what_cannot_be_used_is_dropped_and_noted() -> None:
    schema = obj(
        a={"$ref": "https://example.com/x"}, b={"type": "any"}, c={**STRING, "pattern": "(("}, d={"required": True}
    )

    shape = output_shape(schema)

    assert names(shape.schema) == ["a", "b", "c", "d"]
    assert len([note for note in shape.notes if note.startswith("dropped")]) == 4


def test_render_type_is_compact_and_bounded() -> None:
    schema = obj(
        ["id"],
        id={"type": "integer", "description": "Number of the pet. It never changes."},
        status={"enum": ["available", "sold"]},
        tags={"type": "array", "items": STRING},
        where={"anyOf": [STRING, {"type": "null"}]},
    )

    expected = '{id: integer // Number of the pet, status?: "available"|"sold", tags?: string[], where?: string|null}'
    assert render_type(schema) == expected
    assert len(render_type(obj(**{f"name{n}": STRING for n in range(500)}), limit=100)) <= 100
    assert render_type({"$ref": "#/$defs/N", "$defs": {"N": obj(n={"$ref": "#/$defs/N"})}}) == "{n?: N}"


def restricted(shape: Schema) -> bool:
    if "const" in shape or "enum" in shape:
        return True
    if shape["type"] == "object":
        return shape["required"] == names(shape) and all(restricted(inner) for inner in shape["properties"].values())
    if shape["type"] == "array":
        return 0 <= shape["minItems"] <= shape["maxItems"] <= 20 and restricted(shape["items"])
    return shape["type"] in ("string", "number", "integer", "boolean", "null")


@settings(max_examples=150, deadline=None)
@given(schemas)
def test_every_shape_is_of_the_few_forms_and_its_own_shape(schema: Schema) -> None:
    shape = output_shape(schema)

    assert restricted(shape.schema)
    assert shape.leaves == len(leaf_pointers(shape.schema))
    assert output_shape(shape.schema, max_depth=20, max_leaves=10_000).leaves == shape.leaves
    assert output_shape(schema) == shape
    assert prepare(shape.schema).notes == ()


def test_of_too_many_properties_the_key_and_the_state_are_shown() -> None:
    names = [f"detail{number}" for number in range(60)]
    instance = {"type": "object", "properties": {n: {"type": "string"} for n in (*names, "InstanceId", "State")}}
    schema = {"type": "object", "properties": {"Instances": {"type": "array", "items": instance}}}
    shown = output_shape(schema).schema["properties"]["Instances"]["items"]["properties"]
    assert {"InstanceId", "State"} <= shown.keys()
    assert len(shown) <= 40
