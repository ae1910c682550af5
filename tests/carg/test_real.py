"""Real answers as what a model should have written: the serving prompt, known places with real values, the rest."""

import json
from collections.abc import Sequence

from gtm import Simulator, Toolset, prompt
from gtm.carg.real import part_of, written_for
from gtm.carg.records import Written
from gtm.types import Example, Json, Tool

PET: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "mood": {"type": "string", "enum": ["calm", "wild"]},
        "created_at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "owner": {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}},
    },
    "required": ["id", "name"],
}


def toolset() -> Toolset:
    def tool(name: str, arguments: Json, output: Json) -> Tool:
        return Tool(name=name, description=name, parameters=arguments, output_schema=output)

    by_id = {"type": "object", "properties": {"petId": {"type": "integer"}}, "required": ["petId"]}
    named = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    pets = {"type": "object", "properties": {"pets": {"type": "array", "items": PET}}}
    nothing: Json = {"type": "object", "properties": {}}
    tools = (
        tool("create_pet", named, PET),
        tool("get_pet", by_id, PET),
        tool("list_pets", nothing, pets),
        tool("say", nothing, None),
    )
    return Toolset(name="pets", kind="catalog", tools=tools)


def written(
    tool: str, arguments: dict[str, Json], response: Json, before: Sequence[tuple[str, Json, Json]] = ()
) -> Written | None:
    with Simulator(toolset(), model="scripted", cache=False) as simulator:
        session = simulator.session(seed=1)
        for name, given, answered in before:
            session.observe(name, given, answered)
        definition = simulator.definitions.get(tool)
        assert definition is not None
        return written_for(simulator, definition, session.snapshot(), arguments, response)


REX: Json = {
    "id": 812,
    "name": "Rex",
    "mood": "wild",
    "created_at": "2019-03-04T05:06:07Z",
    "tags": ["big", "brown", "old", "slow"],
    "owner": {"id": 3, "name": "Ada"},
}


def test_what_code_fills_is_known_with_its_real_value() -> None:
    row = written("create_pet", {"name": "Rex"}, REX)
    assert row is not None
    asked = row.messages[-1][1]
    assert '"id":812' in asked and '"created_at":"2019-03-04T05:06:07Z"' in asked and '"name":"Rex"' in asked
    assert json.loads(row.target) == {"mood": "wild", "tags": ["big", "brown", "old"], "owner": {"name": "Ada"}}


def test_the_target_is_what_the_prompt_parses() -> None:
    row = written("create_pet", {"name": "Rex"}, REX)
    assert row is not None
    parsed = prompt.parse(row.target, row.shape)
    assert parsed.ending is prompt.Ending.COMPLETE
    assert parsed.value == json.loads(row.target)


def test_what_an_earlier_real_answer_said_is_known() -> None:
    row = written(
        "get_pet", {"petId": 812}, REX, [("create_pet", {"name": "Rex"}, {"id": 812, "name": "Rex", "mood": "wild"})]
    )
    assert row is not None
    assert "mood" not in json.loads(row.target)


def test_where_the_real_tool_disagrees_with_the_plan_nothing_is_known() -> None:
    row = written("create_pet", {"name": "Rex"}, {"id": 812, "name": "REX-1"})
    assert row is not None
    assert json.loads(row.target) == {"name": "REX-1"}
    assert '"name":"Rex"' not in row.messages[-1][1].partition("Known: ")[2]


def test_values_that_no_model_may_write_are_left_out() -> None:
    row = written("get_pet", {"petId": 1}, {"id": 1, "name": "x" * 500, "mood": "furious", "tags": ["fine"]})
    assert row is not None
    assert json.loads(row.target) == {"tags": ["fine"]}


def test_items_of_a_list_share_one_shape_or_are_told_by_index() -> None:
    row = written("list_pets", {}, {"pets": [REX, {"id": 5, "name": "Tom", "mood": "calm"}]})
    assert row is not None
    target = json.loads(row.target)
    assert target == {"pets": {"0": {"name": "Rex", "mood": "wild"}, "1": {"name": "Tom", "mood": "calm"}}}
    assert part_of(row.shape or {}, {"pets": [REX, {"name": "Tom", "mood": "calm"}]}) == target


def test_a_text_is_the_whole_answer() -> None:
    row = written("say", {}, "  Good morning.  ")
    assert row is not None and row.shape is None
    assert (row.system, row.target) == ("text", "Good morning.")
    assert written("say", {}, "   ") is None


def test_the_prompt_never_holds_the_documented_answer_it_asks_for() -> None:
    tools = toolset()
    response = {"id": 1, "name": "Documented", "tags": ["only here"]}
    told = toolset().by_name["get_pet"]
    told = told.model_copy(update={"examples": (Example(arguments={"petId": 1}, response=response),)})
    tools = Toolset(name="pets", kind="catalog", tools=(told,))
    with Simulator(tools, model="scripted", cache=False) as simulator:
        definition = simulator.definitions.get("get_pet")
        assert definition is not None
        row = written_for(simulator, definition, simulator.session().snapshot(), {"petId": 1}, response)
    assert row is not None
    assert "only here" in row.target
    assert "only here" not in row.messages[-1][1]
