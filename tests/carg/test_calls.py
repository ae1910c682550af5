"""Planned calls are what they are said to be: valid, wrong, or refused by the world; real ones stay as they were."""

import asyncio
from collections import Counter

import pytest

from gtm.carg.calls import CallsConfig, plans_of
from gtm.carg.families import toolset_of
from gtm.carg.records import Documented, Entry, Plan, RecordedCall, Recording, to_line
from gtm.carg.rehearsal import arguments_of, rehearse
from gtm.engines.scripted import ScriptedEngine
from gtm.simulator.simulator import Simulator
from gtm.simulator.validation import check_arguments
from gtm.types import ArgumentSlot, HttpBinding, Json, Tool

ORDER: dict[str, Json] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "customer": {"type": "string"},
        "currency": {"type": "string", "minLength": 3, "maxLength": 3},
        "status": {"type": "string", "enum": ["open", "paid", "cancelled"]},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 99},
    },
    "required": ["id", "customer", "currency", "status", "quantity"],
}
KEY: dict[str, Json] = {"orderId": {"type": "string"}}
FIELDS: dict[str, Json] = {
    "customer": {"type": "string"},
    "currency": {"type": "string", "minLength": 3, "maxLength": 3},
    "quantity": {"type": "integer", "minimum": 1, "maximum": 99},
    "due": {"type": "string", "format": "date"},
    "status": {"type": "string", "enum": ["open", "paid", "cancelled"]},
}
EVERYTHING = CallsConfig(
    ordinary=1,
    ordinary_recorded=1,
    edge=1,
    wrong=1,
    unknown_tool=1,
    impossible=1,
    sessions_written=12,
    notes=1,
    faults=0.5,
)


def _entry(name: str, http: str, properties: dict[str, Json], required: list[str], output: Json) -> Entry:
    method, path = http.split()
    places = {n: ArgumentSlot(place="path" if f"{{{n}}}" in path else "body", name=n) for n in properties}
    tool = Tool(
        name=name,
        description=f"{name} of the shop",
        parameters={"type": "object", "properties": properties, "required": required},
        output_schema=output,
        http=HttpBinding(method=method, path=path, slots=places),
        licence="MIT",
    )
    return Entry(
        id=f"shop/{name}", family="shop", split="train", domain="a/b", source="made", licence="MIT", tool=tool
    )


def _entries() -> list[Entry]:
    listed = {"type": "object", "properties": {"orders": {"type": "array", "items": ORDER}}, "required": ["orders"]}
    entries = [
        _entry("createOrder", "POST /orders", FIELDS, ["customer", "currency", "quantity"], ORDER),
        _entry("getOrder", "GET /orders/{orderId}", KEY, ["orderId"], ORDER),
        _entry("updateOrder", "PATCH /orders/{orderId}", {**KEY, **FIELDS}, ["orderId"], ORDER),
        _entry("listOrders", "GET /orders", {}, [], listed),
        _entry("deleteOrder", "DELETE /orders/{orderId}", KEY, ["orderId"], {"type": "object"}),
    ]
    example = Documented(arguments={"orderId": "o-17"}, response={"id": "o-17", "customer": "Ada"})
    bad = [
        example.model_copy(update={"args_from": "filled"}),
        example.model_copy(update={"trimmed": True}),
        example.model_copy(update={"args_valid": False}),
        example.model_copy(update={"response": {}}),
    ]
    entries[1] = entries[1].model_copy(update={"documented": (example, *bad), "aliases": ("shop/old",)})
    return entries


def _recordings() -> list[Recording]:
    order = {"id": "o-1", "customer": "Tove Bakke", "currency": "NOK", "status": "open", "quantity": 3}
    calls = (
        RecordedCall(
            tool="shop/createOrder",
            arguments={"customer": "Tove Bakke", "currency": "NOK", "quantity": 3},
            response=order,
            status=201,
        ),
        RecordedCall(tool="shop/old", arguments={"orderId": "o-1"}, response=order, status=200),
        RecordedCall(tool="shop/gone", arguments={}, response=1),
        RecordedCall(
            tool="shop/getOrder", arguments={"orderId": "o-2"}, response={"error": "no"}, is_error=True, status=404
        ),
    )
    return [Recording(id="r1", family="shop", source="http", origin="x/y", licence="MIT", fresh=True, calls=calls)]


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    return list(plans_of(_entries(), _recordings(), EVERYTHING, 0, 1.0))


def test_recorded_sessions_stay_as_they_were(plans: list[Plan]) -> None:
    (real,) = [plan for plan in plans if plan.source == "http"]
    assert real.real
    assert real.world == "closed"
    assert [(step.tool, step.is_error, step.status) for step in real.steps] == [
        ("createOrder", False, 201),
        ("getOrder", False, 200),
        ("getOrder", True, 404),
    ]
    assert real.steps[1].response == _recordings()[0].calls[1].response


def test_only_trustworthy_examples_become_calls(plans: list[Plan]) -> None:
    documented = [plan for plan in plans if plan.steps[0].kind == "documented"]
    assert [(plan.real, plan.steps[0].arguments) for plan in documented] == [(True, {"orderId": "o-17"})]


def test_planned_calls_are_valid_or_wrong_as_said(plans: list[Plan]) -> None:
    tools = {entry.tool.name: entry.tool for entry in _entries()}
    seen: Counter[str] = Counter()
    for plan in plans:
        for step in plan.steps if not plan.real else ():
            seen[step.refusal or step.kind] += 1
            if step.refusal == "unknown_tool":
                assert step.tool not in tools
                continue
            report = check_arguments(tools[step.tool], step.arguments)
            is_mistake = step.kind == "wrong" and step.refusal != "impossible"
            assert bool(report.violations) is (is_mistake and bool(step.expect_error)), step
    assert {"ordinary", "edge", "missing", "type", "unknown_tool", "impossible", "session", "fault"} <= seen.keys()
    assert seen.keys() & {"enum", "range", "format"}


def test_sessions_go_as_planned(plans: list[Plan]) -> None:
    simulator = Simulator(toolset_of("shop", _entries()), model=ScriptedEngine(), cache=False)
    sessions = [plan for plan in plans if not plan.real and len(plan.steps) > 2]
    assert len(sessions) >= 6
    assert any(step.bind for plan in sessions for step in plan.steps)
    for plan in sessions:
        played = asyncio.run(rehearse(simulator, plan))
        assert [one is not None and one[1].is_error for one in played] == [step.expect_error for step in plan.steps]
    ends = [plan.steps[-1] for plan in sessions]
    assert any(step.refusal == "impossible" and step.tool == "getOrder" for step in ends)


def test_single_calls_answer_as_expected(plans: list[Plan]) -> None:
    simulator = Simulator(toolset_of("shop", _entries()), model=ScriptedEngine(), cache=False)
    for plan in plans:
        if not plan.real and len(plan.steps) == 1:
            (played,) = asyncio.run(rehearse(simulator, plan))
            assert played is not None
            assert played[1].is_error is plan.steps[0].expect_error, plan


def test_recorded_values_come_back(plans: list[Plan]) -> None:
    sent = [s.arguments.get("customer") for p in plans if not p.real for s in p.steps if s.kind == "ordinary"]
    assert "Tove Bakke" in sent


def test_the_same_records_give_the_same_plans(plans: list[Plan]) -> None:
    again = list(plans_of(_entries(), _recordings(), EVERYTHING, 0, 1.0))
    assert [to_line(plan) for plan in again] == [to_line(plan) for plan in plans]
    assert len({plan.id for plan in plans}) == len(plans)
    other = list(plans_of(_entries(), _recordings(), EVERYTHING, 1, 1.0))
    assert {plan.id for plan in other} != {plan.id for plan in plans}


def test_a_teacher_gets_several_calls_of_a_tool_in_a_row(plans: list[Plan]) -> None:
    taught = [at for at, plan in enumerate(plans) if plan.teacher]
    tools = [plans[at].steps[0].tool for at in taught]
    assert taught
    assert all(3 <= count <= 5 for count in Counter(tools).values())
    assert not [plan for plan in plans_of(_entries(), _recordings(), EVERYTHING, 0, 0.0) if plan.teacher]


def test_what_an_answer_lacks_leaves_the_step_out(plans: list[Plan]) -> None:
    bound = next(step for plan in plans for step in plan.steps if step.bind)
    tool = next(entry.tool for entry in _entries() if entry.tool.name == bound.tool)
    (source, _), *_ = bound.bind.values()
    assert arguments_of(bound, {}, tool) is None
    assert arguments_of(bound, {source: {"orders": []}}, tool) is None
    assert arguments_of(bound, {source: {"id": 7, "orders": [{"id": 7}, {"id": 7}]}}, tool) is not None
