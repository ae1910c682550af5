"""Arguments refused with a reason, results made to conform, error bodies in the documented form."""

import math
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm.errors import SpecError
from gtm.simulator.validation import check_arguments, compile_validator, conform, error_body, lint_schema
from gtm.tools.shape import Unsatisfiable
from gtm.types import Tool
from tests.schemas import HARD, STRING, Schema, obj, schemas

PARAMETERS: Schema = obj(
    ["petId"],
    petId={"type": "integer", "format": "int32"},
    status={"enum": ["available", "pending", "sold"]},
    limit={"type": "integer", "minimum": 1, "maximum": 100},
    when={"type": "string", "format": "date-time"},
    code={"type": "string", "pattern": "^[A-Z]{3}$"},
    name={"type": "string", "maxLength": 5},
    tags={"type": "array", "items": STRING, "uniqueItems": True, "maxItems": 3},
    owner={**obj(["email"], email={"type": "string", "format": "email"}), "additionalProperties": False},
    password={"type": "string", "minLength": 8},
    note={"type": "integer", "writeOnly": True},
    where={"anyOf": [STRING, obj(["lat"], lat={"type": "number"})]},
)
TOOL = Tool(name="getPet", parameters=PARAMETERS)
CLOSED = Tool(name="getPet", parameters={**PARAMETERS, "additionalProperties": False})


def messages(arguments: object, tool: Tool = TOOL) -> list[str]:
    return [violation.message for violation in check_arguments(tool, arguments).violations]


def test_good_arguments_pass() -> None:
    report = check_arguments(
        TOOL, {"petId": 3, "status": "sold", "when": "2024-05-01T12:00:00Z", "where": {"lat": 1.5}}
    )
    assert (report.ok, report.violations, report.unknown) == (True, (), ())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "missing required argument 'petId' (integer)"),
        ({"petId": "7"}, "'petId' must be an integer; got '7' (a string)"),
        (
            {"petId": 2**40},
            "'petId' must be an integer of format int32 (-2147483648 to 2147483647); got 1099511627776",
        ),
        ({"petId": 1, "status": "lost"}, "'status' must be one of 'available', 'pending', 'sold'; got 'lost'"),
        ({"petId": 1, "limit": 500}, "'limit' must be <= 100; got 500"),
        ({"petId": 1, "when": "soon"}, "'when' is not a valid date-time (e.g. 2024-05-01T12:00:00Z)"),
        ({"petId": 1, "code": "x" * 500}, f"'code' must match the pattern '^[A-Z]{{3}}$'; got '{'x' * 59}…'"),
        ({"petId": 1, "name": "x" * 500}, "'name' must have at most 5 characters; got 500"),
        ({"petId": 1, "tags": ["a", "a"]}, "'tags' must not repeat a value"),
        ({"petId": 1, "tags": ["a", 2]}, "'tags[1]' must be a string; got 2 (an integer)"),
        ({"petId": 1, "owner": {}}, "'owner' lacks the required property 'email' (string<email>)"),
        ({"petId": 1, "owner": {"email": "a"}}, "'owner.email' is not a valid email (e.g. ada@example.com)"),
        ({"petId": 1, "where": 5}, "'where' must be string or {lat: number}; got 5"),
        ({"petId": 1, "where": {}}, "'where' lacks the required property 'lat' (number)"),
        ({"petId": math.nan}, "'petId' must be a finite number; JSON has no NaN and no infinity"),
        ({"petId": 10**400}, "'petId' must be a number that JSON can carry (below 1e308)"),
        ({"petId": 1, "name": "\ud800"}, "'name' holds half of a surrogate pair, which is no Unicode text"),
        ({"petId": 1, "name": b"x"}, "'name' must be a JSON value; got bytes"),
        ({"petId": 1, "name": "x" * 2_000_000}, "the arguments are refused: more than 1,000,000 bytes; send less"),
        (None, "the arguments must be a JSON object; got null"),
        ([], "the arguments must be a JSON object; got an array"),
        ("{}", "the arguments must be a JSON object; got a string"),
    ],
)
def test_a_refusal_names_argument_fault_and_remedy(arguments: object, message: str) -> None:
    assert messages(arguments) == [message]


def test_a_violation_points_at_its_argument() -> None:
    [violation] = check_arguments(TOOL, {"petId": 1, "owner": {"email": "a"}}).violations
    assert (violation.pointer, violation.argument, violation.keyword) == ("/owner/email", "owner", "format")
    [violation] = check_arguments(TOOL, {"petId": 1, "limit": 0}).violations
    assert violation.allowed == ">= 1"


def test_unknown_names_are_refused_where_forbidden_and_reported_otherwise() -> None:
    assert messages({"petId": 1, "limt": 3}, CLOSED) == ["unknown argument 'limt'; did you mean 'limit'?"]
    report = check_arguments(TOOL, {"petId": 1, "limt": 3})
    assert (report.ok, report.unknown) == (True, ("limt",))
    assert report.hints == ("unknown argument 'limt' was ignored; did you mean 'limit'?",)
    assert check_arguments(Tool(name="any", parameters={"type": "object"}), {"x": 1}).unknown == ()


def test_names_in_branches_are_known() -> None:
    parameters = {
        "type": "object",
        "properties": {"a": STRING},
        "anyOf": [obj(b=STRING), {"$ref": "#/$defs/C"}],
        "$defs": {"C": obj(c=STRING)},
    }
    assert check_arguments(Tool(name="t", parameters=parameters), {"a": "", "b": "", "c": "", "d": ""}).unknown == (
        "d",
    )


def test_secrets_are_never_repeated() -> None:
    for arguments in ({"petId": 1, "password": "hunter2"}, {"petId": 1, "note": "hunter2"}):
        [message] = messages(arguments)
        assert "hunter2" not in message
        assert next(iter(set(arguments) - {"petId"})) in message
    typed = Tool(name="t", parameters=obj(key={"type": "string", "format": "password", "pattern": "^x$"}))
    assert "hunter2" not in messages({"key": "hunter2"}, typed)[0]


def test_at_most_ten_violations() -> None:
    tool = Tool(name="t", parameters=obj(**{f"p{n}": STRING for n in range(50)}))
    assert len(messages({f"p{n}": n for n in range(50)}, tool)) == 10


def test_deep_arguments_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert messages({"petId": 1, "name": deep}) == [
        "the arguments are refused: a value is nested deeper than 64 levels; send less"
    ]


def test_a_catastrophic_pattern_answers_soon() -> None:
    tool = Tool(name="t", parameters=obj(x={"type": "string", "pattern": r"^(?=a)(a+)+\1$"}))
    start = time.perf_counter()
    assert len(messages({"x": "a" * 5000 + "b"}, tool)) == 1
    assert time.perf_counter() - start < 2


def test_nothing_is_fetched() -> None:
    assert compile_validator({"$ref": "http://127.0.0.1:1/schema"}).is_valid("anything")
    with pytest.raises(SpecError, match="deeper"):
        schema: Schema = {}
        for _ in range(10_000):
            schema = {"items": schema}
        compile_validator(schema)


def test_conform_changes_only_what_is_wrong() -> None:
    schema = {
        **obj(
            ["a", "b", "c", "d", "e"],
            a={"type": "integer", "maximum": 5},
            b={"type": "string", "maxLength": 3},
            c={"type": "string", "format": "email"},
            d={"type": "array", "items": {"type": "integer"}, "minItems": 3},
            e=STRING,
        ),
        "additionalProperties": False,
    }

    done = conform(schema, {"a": 9, "b": "abcdef", "c": "nope", "d": [1, "x"], "e": "kept", "z": 1}, random.Random(1))

    assert (done.value["a"], done.value["b"], done.value["e"], done.value["d"][0]) == (5, "abc", "kept", 1)
    assert done.repaired == ("/a", "/b", "/c", "/d/1", "/d/2")
    assert compile_validator(schema).is_valid(done.value)


def test_a_valid_value_is_left_alone() -> None:
    value = {"a": 1}
    assert conform(obj(a={"type": "integer"}), value, random.Random(0)).value == value
    assert conform(obj(a={"type": "integer"}), value, random.Random(0)).repaired == ()


def test_protected_values_survive() -> None:
    branches = [obj(["t", "x"], t={"const": "a"}, x={"type": "integer"}), obj(["t", "y"], t={"const": "b"}, y=STRING)]

    done = conform({"oneOf": branches}, {"t": "b", "x": "seven"}, random.Random(1), protected=frozenset({"/t"}))

    assert done.value["t"] == "b"
    assert isinstance(done.value["y"], str)


def test_protected_values_give_way_where_nothing_else_helps() -> None:
    done = conform(obj(["a"], a={"type": "integer"}), {"a": "x"}, random.Random(1), protected=frozenset({"/a"}))
    assert isinstance(done.value["a"], int)


def test_an_object_that_declares_properties_does_not_end_empty() -> None:
    schema = {**obj(a=STRING), "additionalProperties": False}
    assert conform(schema, {"z": 1}, random.Random(0)).value.keys() == {"a"}
    assert conform(schema, {}, random.Random(0)).repaired == ("/a",)


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize(
    "value", [None, {}, {"a": 1, "kind": "a", "x": "q"}, ["x", "x"], "text", math.nan, "\ud800", 10**30]
)
def test_conform_copes_with_anything(name: str, value: Any) -> None:
    done = conform(HARD[name], value, random.Random(2))
    assert compile_validator(HARD[name]).is_valid(done.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcdef"), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(schemas, json_values)
def test_what_conforms_validates(schema: Schema, value: Any) -> None:
    done = conform(schema, value, random.Random(7))
    assert compile_validator(schema).is_valid(done.value)
    assert conform(schema, done.value, random.Random(8)).repaired == ()


@settings(max_examples=200, deadline=None)
@given(schemas, json_values)
def test_checking_arguments_never_raises(schema: Schema, value: Any) -> None:
    report = check_arguments(Tool(name="t", parameters=obj(["a"], a=schema)), {"a": value})
    assert all(violation.message and len(violation.message) < 700 for violation in report.violations)


ODD: list[Any] = [
    {"type": "number", "minimum": 10**400},
    {"type": "integer", "multipleOf": 1e-300},
    {"type": "number", "maximum": -1e308, "minimum": -1.7e308},
    {"type": "array", "minItems": 1.0, "maxItems": 3.0, "items": STRING},
    {"type": "string", "minLength": 30.0, "pattern": "^a+$"},
    {"type": "string", "pattern": "\ud800"},
    {"properties": {"\ud800": STRING}},
    {"enum": []},
    {"anyOf": []},
    {"$ref": "#"},
    {"type": "array", "items": {"$ref": "#"}, "minItems": 1},
    {"type": "object", "additionalProperties": {"$ref": "#"}},
    {"$id": "http://x/y", "$ref": "#/$defs/q", "$defs": {"q": {"$id": "z", "type": "integer"}}},
    obj(["$ref", "properties"], **{"$ref": STRING, "properties": obj(id=STRING), "type": STRING}),
    {"description": 5, "format": 5, "title": [], "type": "string"},
    {"if": True, "then": False},
    {"items": [STRING]},
    "text",
    None,
]


@pytest.mark.parametrize("schema", ODD, ids=range(len(ODD)))
def test_odd_schemas_work_or_are_refused_with_a_reason(schema: Any) -> None:
    try:
        assert compile_validator(schema).is_valid(conform(schema, {"a": 1}, random.Random(0)).value)
        assert isinstance(check_arguments(Tool(name="t", parameters=schema), {"a": 1}).ok, bool)
    except (Unsatisfiable, SpecError) as error:
        assert str(error)
    assert all(lint_schema(schema))


def test_lint_tells_what_is_wrong() -> None:
    assert lint_schema(False) == ("nothing satisfies this schema; it is treated as none",)
    assert lint_schema(obj(a=STRING)) == ()
    assert any("pattern" in note for note in lint_schema({"type": "string", "pattern": "^a+$"}))
    assert "treated as none" in lint_schema({"minimum": math.inf})[0]
    assert "no value was found" in lint_schema({"type": "object", "not": {"type": "object"}})[-1]


MESSAGE = "'petId' must be an integer"
FIELDS: dict[str, Any] = {"message": MESSAGE, "status": 400, "code": 400, "kind": "invalid_arguments"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (obj(code={"type": "integer"}, message=STRING), {"code": 400, "message": MESSAGE}),
        (obj(error=obj(message=STRING, code=STRING)), {"error": {"message": MESSAGE, "code": "invalid_arguments"}}),
        (obj(errors={"type": "array", "items": obj(message=STRING)}), {"errors": [{"message": MESSAGE}]}),
        (obj(error=STRING, error_description=STRING), {"error": "invalid_arguments", "error_description": MESSAGE}),
        (obj(error=STRING), {"error": MESSAGE}),
        (
            obj(title=STRING, detail=STRING, status={"type": "integer"}, type={"type": "string", "format": "uri"}),
            {"title": "invalid arguments", "detail": MESSAGE, "status": 400, "type": "about:blank"},
        ),
        (obj(status={"enum": ["error", "ok"]}, description=STRING), {"status": "error", "description": MESSAGE}),
        (obj(fault=obj(oddly_named=STRING)), {"fault": {"oddly_named": MESSAGE}}),
        ({"type": "array", "items": STRING}, [MESSAGE]),
        (STRING, MESSAGE),
        ({"type": "object"}, FIELDS),
        (False, FIELDS),
    ],
)
def test_an_error_body_says_the_cause_in_the_documented_form(schema: Schema | bool, expected: Any) -> None:
    assert error_body(schema, FIELDS) == expected


def test_the_rest_of_an_error_body_is_sampled_repeatably_and_valid() -> None:
    schema = obj(["request_id"], request_id={"type": "string", "format": "uuid"}, message={**STRING, "maxLength": 20})

    body = error_body(schema, FIELDS)

    assert compile_validator(schema).is_valid(body)
    assert body["message"] == MESSAGE[:20]
    assert error_body(schema, FIELDS) == body


def test_an_unsatisfiable_schema_cannot_be_conformed_to() -> None:
    with pytest.raises(Unsatisfiable):
        conform({"allOf": [{"type": "string"}, {"type": "integer"}]}, "x", random.Random(0))
