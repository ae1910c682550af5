"""Sampled values: valid, believable, the same for the same seed."""

import random
import re
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm.tools.patterns import string_for
from gtm.tools.sampler import sample, sample_arguments
from gtm.tools.shape import Unsatisfiable
from gtm.tools.validator import prepare
from gtm.types import Example, Tool
from tests.schemas import HARD, NUMBER, STRING, Schema, obj, schemas

FORMATS = [
    *("date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
    *("uri", "uri-reference", "iri", "iri-reference", "uuid", "uri-template", "json-pointer", "regex"),
    "relative-json-pointer",
]


@pytest.mark.parametrize("name", HARD)
def test_hard_schemas_are_sampled_validly_and_soon(name: str) -> None:
    start = time.perf_counter()
    for seed in range(5):
        assert prepare(HARD[name]).validator.is_valid(sample(HARD[name], random.Random(seed)))
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_the_validator_knows_is_written(form: str) -> None:
    schema = {"type": "string", "format": form}
    assert not prepare(schema).validator.is_valid("\\ ( {") or form in ("iri-reference",)
    for seed in range(20):
        assert prepare(schema).validator.is_valid(sample(schema, random.Random(seed)))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True, "minItems": 3},
        {"type": "object", "not": {"type": "object"}},
        {"type": "array", "items": {"type": "array", "minItems": 999, "items": NUMBER}, "minItems": 999},
        obj(["b"], b={"type": "string", "pattern": "^a$", "minLength": 3}),
    ],
)
def test_what_has_no_value_is_said_soon(schema: Schema) -> None:
    start = time.perf_counter()
    with pytest.raises(Unsatisfiable):
        sample(schema, random.Random(0))
    assert time.perf_counter() - start < 4


def test_values_fit_their_names() -> None:
    schema = obj(
        created_at=STRING,
        email=STRING,
        first_name=STRING,
        currencyCode={**STRING, "maxLength": 3},
        website=STRING,
        year={"type": "integer"},
    )

    value = sample(schema, random.Random(1))

    assert value["created_at"].startswith(("2024-", "2025-"))
    assert value["email"].endswith("@example.com")
    assert value["first_name"].istitle()
    assert (len(value["currencyCode"]), value["currencyCode"].isupper()) == (3, True)
    assert value["website"].startswith("https://")
    assert value["year"] in (2024, 2025)


def test_a_seed_gives_the_same_value_in_any_process() -> None:
    code = (
        "import random; from gtm.tools.sampler import sample\n"
        "schema = {'properties': {'a': {'pattern': '^[^a]{9}[^0-9].$'}, 'email': {'type': 'string'}}}\n"
        "print(sample(schema, random.Random(5)))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert "email" in runs.pop()


def test_seeds_differ() -> None:
    schema = obj(name=STRING, id={"type": "integer"})
    assert len({str(sample(schema, random.Random(seed))) for seed in range(20)}) > 15


def test_arguments_hold_what_is_required_and_some_of_the_rest() -> None:
    optional = {f"o{n}": STRING for n in range(10)}
    tool = Tool(name="t", parameters=obj(["id"], id={"type": "integer"}, **optional))

    seen = [sample_arguments(tool, random.Random(seed)) for seed in range(20)]

    assert all("id" in arguments and prepare(tool.parameters).validator.is_valid(arguments) for arguments in seen)
    assert 20 < sum(len(arguments) - 1 for arguments in seen) < 180


def test_arguments_come_from_valid_examples_only() -> None:
    examples = (
        Example(arguments={"id": 4242}),
        Example(arguments={"id": "wrong"}),
        Example(arguments={"id": 1}, is_error=True),
    )
    tool = Tool(name="t", parameters=obj(["id"], id={"type": "integer"}), examples=examples)

    ids = [sample_arguments(tool, random.Random(seed))["id"] for seed in range(60)]

    assert 4242 in ids
    assert "wrong" not in ids


def test_arguments_of_a_tool_without_parameters_are_empty() -> None:
    assert sample_arguments(Tool(name="t"), random.Random(0)) == {}


def test_a_pattern_without_a_string_has_none() -> None:
    rng = random.Random(0)
    assert string_for("((", rng) is None
    assert string_for("(" * 300 + "a" + ")" * 300, rng) is None
    assert string_for("a" * 2000, rng) is None
    assert string_for("^a$", rng, low=5) is None


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"(\^)?([a-c]|\[a-z0-9\]|\\d|\\w|\(x\|yz?\)|\.){1,6}([+*?]|\{1,4\})?(\$)?", fullmatch=True))
def test_strings_match_their_pattern(pattern: str) -> None:
    text = string_for(pattern, random.Random(3))
    assert text is not None
    assert prepare({"type": "string", "pattern": pattern}).validator.is_valid(text)


@settings(max_examples=150, deadline=None)
@given(schemas, st.integers(0, 1000))
def test_samples_always_validate(schema: Schema, seed: int) -> None:
    value = sample(schema, random.Random(seed))
    assert prepare(schema).validator.is_valid(value)
    assert sample(schema, random.Random(seed)) == value


@settings(max_examples=100, deadline=None)
@given(st.integers(-1000, 1000), st.integers(0, 50), st.sampled_from([1, 2, 5, 7]))
def test_integers_stay_in_bounds(low: int, width: int, step: int) -> None:
    schema: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": low + width + step, "multipleOf": step}
    assert prepare(schema).validator.is_valid(sample(schema, random.Random(low)))


@pytest.mark.parametrize("name", ["createdBy", "updated_by", "modifiedBy"])
def test_who_did_it_is_a_person_not_a_time(name: str) -> None:
    schema: Schema = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
    values = [sample(schema, random.Random(seed))[name] for seed in range(20)]
    assert not any(re.match(r"\d{4}-", value) for value in values)
