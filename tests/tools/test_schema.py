"""Dialects become self-contained 2020-12: what recurs stays a reference, what is wrong is relaxed and said."""

import jsonschema_rs
import pytest

from gtm.tools.refs import References, Refused
from gtm.tools.schema import Dialect, Finished, SchemaReader, Side
from gtm.types import Json


def read(document: Json, schema: Json, dialect: Dialect = "json-schema", side: Side = "any") -> Finished:
    finished = SchemaReader(References(document), dialect, side).read(schema)
    jsonschema_rs.Draft202012Validator(finished.schema, offline=True)
    return finished


def own(schema: Json) -> Finished:
    return SchemaReader(References(schema)).read(schema, here=())


def test_a_plain_reference_is_written_out_with_what_stands_beside_it() -> None:
    document = {"components": {"schemas": {"Id": {"type": "string", "description": "old"}}}}
    schema = {"type": "object", "properties": {"id": {"$ref": "#/components/schemas/Id", "description": "new"}}}
    assert read(document, schema).schema == {
        "type": "object",
        "properties": {"id": {"type": "string", "description": "new"}},
    }


def test_a_recursive_reference_is_kept_with_only_the_definitions_it_needs() -> None:
    references = {"next": {"$ref": "#/definitions/Node"}, "id": {"$ref": "#/definitions/I"}}
    node = {"type": "object", "properties": references}
    document = {"definitions": {"Node": node, "I": {"type": "integer"}, "Unused": {"type": "string"}}}
    found = read(document, {"$ref": "#/definitions/Node"}).schema
    assert found["$defs"].keys() == {"Node"}
    assert found["properties"]["next"] == {"$ref": "#/$defs/Node"}
    assert found["properties"]["id"] == {"type": "integer"}
    validator = jsonschema_rs.Draft202012Validator(found)
    assert validator.is_valid({"id": 1, "next": {"next": {"id": 2}}})
    assert not validator.is_valid({"next": {"next": {"id": "x"}}})


def test_a_schema_may_refer_to_its_own_root() -> None:
    found = own({"type": "object", "properties": {"child": {"$ref": "#"}, "n": {"type": "integer"}}}).schema
    assert not jsonschema_rs.Draft202012Validator(found).is_valid({"child": {"child": {"n": "x"}}})


@pytest.mark.parametrize(
    "definitions",
    [
        {"A": {"$ref": "#/$defs/A"}},
        {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
        {"A": {"allOf": [{"$ref": "#/$defs/B"}]}, "B": {"oneOf": [{"$ref": "#/$defs/A"}, {"type": "string"}]}},
    ],
)
def test_a_reference_that_only_leads_back_to_itself_means_anything_and_is_said(definitions: Json) -> None:
    finished = own({"properties": {"x": {"$ref": "#/$defs/A"}}, "$defs": definitions})
    assert any("only leads back to itself" in note for note in finished.notes)
    assert jsonschema_rs.Draft202012Validator(finished.schema).is_valid({"x": "text"})


def test_a_dangling_reference_is_relaxed_and_a_remote_one_refused() -> None:
    finished = own({"properties": {"x": {"$ref": "#/$defs/Gone"}}})
    assert finished.schema == {"properties": {"x": {}}}
    assert finished.notes == ("its $ref '#/$defs/Gone' points at nothing; anything is accepted there",)
    for reference in ("http://evil.example/x.json", "file:///etc/passwd", "other.yaml#/X", "Pet"):
        with pytest.raises(Refused, match="leaves the document, which is never followed"):
            own({"properties": {"x": {"$ref": reference}}})


def test_a_chain_of_ten_thousand_definitions_is_bounded() -> None:
    definitions = {f"N{n}": {"properties": {"next": {"$ref": f"#/$defs/N{n + 1}"}}} for n in range(10_000)}
    finished = own({"$ref": "#/$defs/N0", "$defs": definitions})
    assert any(note.startswith("cut at 8000 values") for note in finished.notes)
    assert len(finished.schema["$defs"]) < 8_000


def test_doubling_definitions_do_not_explode() -> None:
    definitions = {
        f"N{n}": {"properties": {"a": {"$ref": f"#/$defs/N{n + 1}"}, "b": {"$ref": f"#/$defs/N{n + 1}"}}}
        for n in range(40)
    }
    finished = own({"$ref": "#/$defs/N0", "$defs": {**definitions, "N40": {"type": "string"}}})
    assert len(str(finished.schema)) < 100_000
    assert finished.notes == ()


def test_openapi_3_0_keywords_become_2020_12() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "example": 3},
            "b": {"type": "string", "enum": ["x"], "nullable": True},
            "c": {"allOf": [{"type": "object"}], "nullable": True, "description": "d"},
            "nullable": {"type": "string", "xml": {"name": "n"}, "x-internal": 1},
        },
        "discriminator": {"propertyName": "b"},
    }
    assert read({}, schema, "openapi-3.0").schema == {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "exclusiveMinimum": 0, "examples": [3]},
            "b": {"type": ["string", "null"], "enum": ["x", None]},
            "c": {"anyOf": [{"allOf": [{"type": "object"}]}, {"type": "null"}], "description": "d"},
            "nullable": {"type": "string"},
        },
    }


def test_old_drafts_and_python_types_are_read() -> None:
    finished = own(
        {
            "type": "dict",
            "properties": {
                "pair": {"type": "array", "items": [{"type": "int"}], "additionalItems": False},
                "old": {"type": "string", "required": True},
                "free": {"type": "any"},
            },
            "dependencies": {"pair": ["old"]},
        }
    )
    assert finished.schema == {
        "type": "object",
        "properties": {
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}], "items": False},
            "old": {"type": "string"},
            "free": {},
        },
        "dependentRequired": {"pair": ["old"]},
        "required": ["old"],
    }
    assert "the type 'dict' was read as 'object'" in finished.notes


def test_each_side_sees_its_own_properties() -> None:
    document = {"s": {"Id": {"type": "integer", "readOnly": True}}}
    schema = {
        "type": "object",
        "required": ["id", "password"],
        "properties": {"id": {"$ref": "#/s/Id"}, "password": {"type": "string", "writeOnly": True}},
    }
    request = read(document, schema, "openapi-3.0", "request").schema
    response = read(document, schema, "openapi-3.0", "response").schema
    assert (list(request["properties"]), request["required"]) == (["password"], ["password"])
    assert (list(response["properties"]), response["required"]) == (["id"], ["id"])


def test_a_broken_keyword_is_dropped_and_said() -> None:
    finished = own({"properties": {"a": {"type": "string", "pattern": "(["}, "b": {"minimum": "low"}, "c": 5}})
    assert finished.schema["properties"]["a"] == {"type": "string"}
    assert finished.schema["properties"]["b"] == {}
    assert len(finished.notes) == 3
