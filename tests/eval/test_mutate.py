"""Calls spoilt in one way each, which the definition has to refuse."""

import jsonschema_rs
import pytest

from gtm.eval.mutate import FAULTS, is_valid, mutations
from gtm.types import Json, Tool
from tests.eval.samples import sample, truths

TOOL = Tool(
    name="book",
    parameters={
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date"},
            "seats": {"type": "integer", "minimum": 1, "maximum": 9},
            "kind": {"enum": ["aisle", "window"]},
            "note": {"$ref": "#/$defs/note"},
        },
        "required": ["day", "seats"],
        "$defs": {"note": {"type": "string", "maxLength": 10}},
    },
)
CALL: dict[str, Json] = {"day": "2026-11-22", "seats": 2, "kind": "aisle", "note": "hello"}


def test_a_call_is_spoilt_in_every_way_that_it_can_be() -> None:
    found = {one.fault: one for one in mutations(TOOL, CALL, "a")}
    assert list(found) == list(FAULTS)
    assert found["enum"].arguments["kind"] == "no-such-value"
    assert found["missing"].argument in ("day", "seats")
    assert found["missing"].argument not in found["missing"].arguments
    assert found["unknown_name"].arguments.keys() - CALL.keys() == {f"{found['unknown_name'].argument}_x"}


def test_one_argument_differs_and_the_definition_refuses_it() -> None:
    validator = jsonschema_rs.validator_for(TOOL.parameters, validate_formats=True)
    for name in map(str, range(20)):
        for one in mutations(TOOL, CALL, name):
            assert not validator.is_valid(one.arguments)
            differing = {key for key in CALL if one.arguments.get(key) != CALL[key]}
            assert differing == {one.argument}


def test_the_same_name_spoils_the_same() -> None:
    assert mutations(TOOL, CALL, "a") == mutations(TOOL, CALL, "a")
    assert any(mutations(TOOL, CALL, "a") != mutations(TOOL, CALL, name) for name in "bcdef")


@pytest.mark.parametrize("arguments", [{}, {**CALL, "seats": 0}])
def test_a_call_that_is_refused_already_is_not_spoilt(arguments: dict[str, Json]) -> None:
    assert mutations(TOOL, arguments, "a") == []


def test_what_accepts_anything_cannot_be_spoilt() -> None:
    assert mutations(Tool(name="free"), {"a": 1}, "a") == []


def test_real_calls_can_be_spoilt_in_all_ways() -> None:
    found = [one for t in truths() for one in mutations(t.tool, t.turn.arguments, f"{t.item.id}#{t.step}")]
    assert {one.fault for one in found} == set(FAULTS)
    assert len(found) > 400
    assert sum(is_valid(t.tool, t.turn.arguments) for t in truths()) > 0.9 * sample().steps - 30
