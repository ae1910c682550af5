"""OpenAPI operations become tools that know how they are reached, in all versions."""

import json
import pathlib
import random
from typing import Any

import jsonschema_rs
import pytest

from gtm.errors import SpecError
from gtm.tools.document import read_document
from gtm.tools.load import load_toolset
from gtm.types import Tool, Toolset

SPECS = pathlib.Path(__file__).parents[2] / "examples" / "specs"
Document = dict[str, Any]


def document(operation: Document, path: str = "/things", method: str = "post", **more: Any) -> Document:
    return {"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {path: {method: operation}}, **more}


def load_document(name: str) -> Any:
    return read_document((SPECS / name).read_bytes(), name)


def only_tool(operation: Document, path: str = "/things", method: str = "post", **more: Any) -> Tool:
    toolset = load_toolset(document({"responses": {"200": {}}, **operation}, path, method, **more))
    assert len(toolset.tools) == 1
    return toolset.tools[0]


def json_body(schema: Document, **more: Any) -> Document:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}, **more}}


def answering(schema: Document | None, media_type: str = "application/json", status: str = "200") -> Document:
    return {"responses": {status: {"content": {media_type: {"schema": schema} if schema is not None else {}}}}}


def messages(toolset: Toolset, kind: str) -> list[tuple[str | None, str]]:
    return [(problem.tool, problem.message) for problem in toolset.problems if problem.kind == kind]


@pytest.mark.parametrize(("name", "count"), [("petstore.yaml", 20), ("petstore-2.0.json", 20), ("galaxy.yaml", 9)])
def test_real_documents_become_tools_with_valid_schemas(name: str, count: int) -> None:
    toolset = load_toolset(SPECS / name)
    assert (toolset.kind, len(toolset.tools)) == ("openapi", count)
    assert not messages(toolset, "refused")
    for tool in toolset.tools:
        jsonschema_rs.Draft202012Validator(tool.parameters, offline=True)
        jsonschema_rs.Draft202012Validator(tool.output_schema or True, offline=True)
        assert tool.http is not None
        assert tool.http.slots.keys() == tool.parameters["properties"].keys()
        assert set(tool.parameters.get("required", ())) <= tool.parameters["properties"].keys()


def test_both_petstores_describe_the_same_tools() -> None:
    new, old = load_toolset(SPECS / "petstore.yaml"), load_toolset(SPECS / "petstore-2.0.json")
    assert new.by_name.keys() == old.by_name.keys()
    first, second = new.by_name["getPetById"], old.by_name["getPetById"]
    assert first.parameters == second.parameters
    assert first.http is not None and second.http is not None
    assert (first.http.path, first.http.slots) == (second.http.path, second.http.slots)
    assert [error.status for error in first.http.errors] == [400, 404, None]


def test_parameters_and_body_are_one_set_of_arguments() -> None:
    tool = only_tool(
        {
            "operationId": "put",
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "description": "Key."},
                {"name": "tags", "in": "query", "schema": {"type": "array"}, "explode": False},
                {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                {"name": "api_key", "in": "query", "schema": {"type": "string"}},
            ],
            **json_body({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}),
        },
        "/things/{id}",
        "put",
        components={"securitySchemes": {"k": {"type": "apiKey", "in": "query", "name": "api_key"}}},
    )
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "description": "Key."},
            "tags": {"type": "array"},
            "X-Trace": {"type": "string"},
            "name": {"type": "string"},
        },
        "required": ["id", "name"],
    }
    assert tool.http is not None
    places = {name: (slot.place, slot.name, slot.explode) for name, slot in tool.http.slots.items()}
    assert places == {
        "id": ("path", "id", False),
        "tags": ("query", "tags", False),
        "X-Trace": ("header", "X-Trace", False),
        "name": ("body", "name", True),
    }


def test_a_body_that_clashes_or_is_no_plain_object_stays_whole() -> None:
    clash = only_tool(
        {
            "parameters": [{"name": "id", "in": "query", "schema": {"type": "integer"}}],
            **json_body({"type": "object", "properties": {"id": {"type": "string"}}}),
        }
    )
    assert list(clash.parameters["properties"]) == ["id", "body"]
    assert clash.parameters["required"] == ["body"]
    for schema in ({"type": "array"}, {"oneOf": [{"type": "object"}]}, {"additionalProperties": {"type": "string"}}):
        tool = only_tool(json_body(schema))
        assert tool.http is not None
        assert tool.parameters["properties"] == {"body": schema}
        assert tool.http.slots["body"].place == "whole_body"


def test_a_body_of_merged_schemas_is_spread_and_read_only_fields_left_out() -> None:
    base = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "readOnly": True}}}
    more = {"type": "object", "required": ["id", "name"], "properties": {"name": {"type": "string"}}}
    components = {"schemas": {"Base": base, "Full": {"allOf": [{"$ref": "#/components/schemas/Base"}, more]}}}
    full = {"$ref": "#/components/schemas/Full"}
    tool = only_tool({**json_body(full), **answering(full)}, components=components)
    assert tool.parameters == {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
    }
    assert isinstance(tool.output_schema, dict)
    assert tool.output_schema["allOf"][0]["required"] == ["id"]


def test_an_optional_body_asks_for_its_fields_only_where_one_is_sent() -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {}, "b": {}}}
    validator = jsonschema_rs.Draft202012Validator(only_tool(json_body(schema, required=False)).parameters)
    assert validator.is_valid({}) and validator.is_valid({"a": 1})
    assert not validator.is_valid({"b": 1})


def test_the_same_name_in_two_places_is_two_arguments() -> None:
    parameters = [{"name": "id", "in": place, "schema": {"type": "string"}} for place in ("path", "query")]
    tool = only_tool({"parameters": parameters}, "/things/{id}", "get")
    assert tool.http is not None
    assert {name: (slot.place, slot.name) for name, slot in tool.http.slots.items()} == {
        "id": ("path", "id"),
        "id_query": ("query", "id"),
    }


def test_swagger_2_bodies_forms_and_collections() -> None:
    given = {
        "swagger": "2.0",
        "info": {"title": "Old", "version": "1"},
        "consumes": ["application/json"],
        "paths": {
            "/a": {
                "parameters": [{"name": "ids", "in": "query", "type": "array", "collectionFormat": "multi"}],
                "post": {
                    "operationId": "a",
                    "parameters": [
                        {"name": "whatever", "in": "body", "required": True, "schema": {"$ref": "#/definitions/B"}}
                    ],
                    "responses": {
                        "201": {"schema": {"$ref": "#/definitions/B"}, "examples": {"application/json": {}}}
                    },
                },
            },
            "/b": {
                "post": {
                    "operationId": "b",
                    "consumes": ["multipart/form-data"],
                    "produces": ["text/csv"],
                    "parameters": [
                        {"name": "file", "in": "formData", "type": "file", "required": True},
                        {"name": "tags", "in": "formData", "type": "array", "items": {"type": "string"}},
                    ],
                    "responses": {"200": {"schema": {"type": "string"}}, "default": {"description": "Oh."}},
                }
            },
        },
        "definitions": {"B": {"type": "object", "properties": {"n": {"type": "number", "x-nullable": True}}}},
    }
    first, second = load_toolset(given).tools
    assert first.http is not None and second.http is not None
    assert first.parameters["properties"] == {"ids": {"type": "array"}, "n": {"type": ["number", "null"]}}
    assert first.http.slots["ids"].explode is True
    assert (first.http.status, first.http.media_type) == (201, "application/json")
    assert second.parameters["properties"]["file"] == {"type": "string"}
    assert second.http.body_media_type == "multipart/form-data"
    assert {slot.place for slot in second.http.slots.values()} == {"form"}
    assert (second.http.media_type, second.output_schema) == ("text/csv", {"type": "string"})
    assert [(error.status, error.description) for error in second.http.errors] == [(None, "Oh.")]


@pytest.mark.parametrize(
    ("responses", "status", "media_type", "schema"),
    [
        ({"204": {}, "201": {"content": {"application/json": {"schema": {"type": "array"}}}}}, 201, "json", "array"),
        ({"204": {"description": "gone"}}, 204, None, None),
        ({"2XX": {"content": {"application/json": {"schema": {"type": "object"}}}}}, 200, "json", "object"),
        (
            {"default": {"content": {"application/hal+json": {"schema": {"type": "object"}}}}},
            200,
            "hal+json",
            "object",
        ),
        ({"302": {}}, 302, None, None),
        ({"200": {"content": {"image/png": {"schema": {"type": "object"}}}}}, 200, "image/png", "string"),
        ({"200": {"content": {"text/xml": {}, "application/json": {"schema": {}}}}}, 200, "json", None),
        ({"400": {}}, 200, None, None),
    ],
)
def test_the_success_is_chosen(responses: Document, status: int, media_type: str | None, schema: str | None) -> None:
    tool = only_tool({"responses": responses}, method="get")
    assert tool.http is not None
    assert tool.http.status == status
    found = tool.http.media_type
    assert found is None if media_type is None else found is not None and found.endswith(media_type)
    output = tool.output_schema
    assert output is None if schema is None else isinstance(output, dict) and output["type"] == schema


def test_errors_headers_and_examples_are_kept() -> None:
    problem = {"type": "object", "properties": {"detail": {"type": "string"}}}
    content = {"application/problem+json": {"schema": problem, "example": {"detail": "no"}}}
    tool = only_tool(
        {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "requestBody": {
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "properties": {"name": {"type": "string"}}},
                        "examples": {"one": {"value": {"name": "A"}}, "two": {"$ref": "#/components/examples/Two"}},
                    }
                }
            },
            "responses": {
                "200": {
                    "headers": {"ETag": {"required": True, "schema": {"type": "string"}}, "X-Other": {"schema": {}}},
                    "content": {
                        "application/json": {
                            "schema": {"type": "object"},
                            "examples": {"two": {"value": {"id": "7", "name": "B"}}},
                        }
                    },
                },
                "404": {"description": "Not there.", "content": content},
                "4XX": {"description": "Wrong."},
                "default": {"description": "Else."},
            },
        },
        "/things/{id}",
        "patch",
        components={"examples": {"Two": {"value": {"name": "B"}}}},
    )
    assert tool.http is not None
    assert tool.http.response_headers == {"ETag": {"type": "string"}}
    assert [(error.status, error.is_range, error.description) for error in tool.http.errors] == [
        (404, False, "Not there."),
        (400, True, "Wrong."),
        (None, False, "Else."),
    ]
    assert (tool.http.errors[0].body_schema, tool.http.errors[0].example) == (problem, {"detail": "no"})
    (example,) = tool.examples
    assert example.arguments == {"id": "7", "name": "B"}
    assert example.response == {"id": "7", "name": "B"}


def test_operation_ids_are_made_safe_and_missing_ones_made_up() -> None:
    given = {
        "openapi": "3.1.0",
        "paths": {
            "/pets/{petId}": {"get": {"responses": {}}, "put": {"operationId": "pets/update one", "responses": {}}},
            "/x": {"get": {"operationId": "dup"}, "post": {"operationId": "dup"}},
        },
    }
    toolset = load_toolset(given, name="My API")
    assert [tool.name for tool in toolset.tools] == ["get_pets_petId", "pets_update_one", "dup", "dup_2"]
    assert toolset.tools[1].title == "pets/update one"
    assert [name for name, _ in messages(toolset, "renamed")] == ["pets_update_one", "dup_2"]
    assert toolset.name == "my-api"
    assert toolset.tools[0].parameters["required"] == ["petId"]


def test_a_remote_reference_refuses_its_tool_and_no_other() -> None:
    given = document({"operationId": "good", "responses": {"200": {}}})
    given["paths"]["/bad"] = {"get": {"operationId": "bad", **answering({"$ref": "https://evil.example/s.json"})}}
    given["paths"]["/worse"] = {"$ref": "other.yaml#/paths/x"}
    toolset = load_toolset(given)
    assert [tool.name for tool in toolset.tools] == ["good"]
    assert [name for name, _ in messages(toolset, "refused")] == ["bad", "/worse"]
    assert "leaves the document" in messages(toolset, "refused")[0][1]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"openapi": "3.0.0"}, "without paths"),
        ({"swagger": "1.2", "paths": {"/a": {}}}, "the OpenAPI version '1.2'"),
        ({"openapi": "3.0.0", "paths": {"/a": {"get": 5}}}, "no usable tool: 'GET /a' is not an object"),
        ({"openapi": "3.0.0", "paths": {"/a": {"get": answering({"$ref": "file:///x"})}}}, "leaves the document"),
    ],
)
def test_a_document_without_a_usable_operation_is_one_clear_line(given: Document, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_toolset(given)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_junk_anywhere_in_a_document_is_a_tool_less_or_a_clear_error() -> None:
    text = json.dumps(load_document("petstore.yaml"))
    junk: list[Any] = [None, True, 0, -1.5, "", "x", [], {}, [None], {"$ref": "#"}, {"$ref": 5}, 10**30]
    chance = random.Random(7)
    for _ in range(300):
        spoiled = json.loads(text)
        for _ in range(chance.choice((1, 3, 10))):
            holder: Any = spoiled
            while True:
                keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
                key = chance.choice(keys)
                if not isinstance(holder[key], dict | list) or not holder[key] or chance.random() < 0.1:
                    break
                holder = holder[key]
            holder[key] = chance.choice(junk)
        try:
            toolset = load_toolset(spoiled)
        except SpecError as error:
            assert "\n" not in str(error)
        else:
            assert Toolset.model_validate_json(toolset.model_dump_json()) == toolset
