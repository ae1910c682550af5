"""What HTTP APIs take although their definition does not say so; whatever else is wrong stays wrong."""

import pytest

from gtm import Simulator
from gtm.simulator.lenient import accepted
from gtm.types import Example, HttpBinding, Json, Tool, Toolset

STAGES: Json = {"type": "string", "enum": ["STAGE_UNSPECIFIED", "ALPHA", "GA"]}
PLAIN: Json = {"type": "string", "enum": ["alpha", "ga"]}
LABEL: Json = {"type": "string", "pattern": "^(?!..)[a-z]+$"}
PROPERTIES: dict[str, Json] = {
    "name": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "stage": STAGES,
    "plain": PLAIN,
    "label": LABEL,
    "until": {"type": "string", "format": "date-time"},
    "spec": {"type": "object", "properties": {"size": {"type": "integer"}, "stage": STAGES}, "required": ["size"]},
}


def tool(*, http: bool = True, example: str = "web", method: str = "POST") -> Tool:
    return Tool(
        name="create_disk",
        parameters={"type": "object", "properties": PROPERTIES, "required": ["name"]},
        http=HttpBinding(method=method, path="/disks") if http else None,
        examples=(Example(arguments={"name": "a", "label": example}, response={}),),
    )


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"tags": None, "spec": None}, {}),
        ({"stage": 2}, {"stage": "GA"}),
        ({"spec": {"size": 1, "stage": 1}}, {"spec": {"size": 1, "stage": "ALPHA"}}),
        ({"label": "db"}, {"label": "db"}),
        ({"until": "2026-11-21T08:53:21.5"}, {"until": "2026-11-21T08:53:21.5Z"}),
        ({"label": "db", "stage": 0, "tags": None}, {"label": "db", "stage": "STAGE_UNSPECIFIED"}),
    ],
)
def test_http_tools_take_it(given: dict[str, Json], taken: dict[str, Json]) -> None:
    arguments, report = accepted(tool(), {"name": "a", **given})
    assert (arguments, report.violations) == ({"name": "a", **taken}, ())
    assert accepted(tool(http=False), {"name": "a", **given})[1].violations


@pytest.mark.parametrize(
    "given",
    [
        {"until": "tomorrow"},
        {"until": "2026-11-21T08:53:2"},
        {"name": None},
        {"plain": 1},
        {"stage": 3},
        {"stage": True},
        {"spec": {"size": None}},
        {"tags": [None]},
    ],
)
def test_other_mistakes_are_refused_as_they_were_sent(given: dict[str, Json]) -> None:
    sent = {"name": "a", "label": "x", **given}
    arguments, report = accepted(tool(), sent)
    assert arguments is sent
    assert report.violations


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_null_in_a_change_is_refused(method: str) -> None:
    assert accepted(tool(method=method), {"name": "a", "tags": None})[1].violations


def test_a_pattern_that_takes_its_own_example_holds() -> None:
    assert accepted(tool(example="x"), {"name": "a", "label": "db"})[1].violations


def test_a_simulated_api_answers_such_calls() -> None:
    session = Simulator(Toolset(name="t", kind="openapi", tools=(tool(),)), model="scripted", cache=False).session()
    assert not session.call("create_disk", {"name": "a", "tags": None, "stage": 2}).is_error
    refused = session.call("create_disk", {"name": None})
    assert refused.error is not None
    assert refused.error.kind == "invalid_arguments"
