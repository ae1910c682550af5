"""Why a result is what it is, and tools that abstain rather than invent."""

import pytest

from gtm import Simulator, Tool, Toolset
from gtm.errors import SessionError
from gtm.simulator.config import Config
from gtm.types import Effect
from tests.samples import pets


def test_every_field_of_an_answer_says_where_it_came_from() -> None:
    with Simulator(pets(), model="scripted") as simulator, simulator.session(seed=3) as session:
        created = session.call("createPet", {"name": "Rex", "status": "available"})
        key = created.content["id"]
        session.call("updatePet", {"petId": key, "status": "sold"})
        session.call("getPet", {"petId": key})
        first, last = session.explain(1), session.explain()
    reasons = {field.pointer: (field.source, field.why) for field in first.fields}
    assert reasons["/name"] == ("argument", "the call's argument 'name'")
    assert reasons["/id"][0] == "computed"
    stored = {field.pointer: field.why for field in last.fields}
    assert stored["/status"].endswith("since call 2 (updatePet)")
    assert last.call == 3
    assert any("no model was asked" in step for step in last.steps)


def test_refused_and_unknown_calls_are_explained_by_the_step_that_refused() -> None:
    faults = [{"kind": "timeout", "on_call": [2]}]
    with Simulator(pets(), model="scripted") as simulator, simulator.session(faults=faults) as session:
        session.call("createPet", {"name": 7})
        session.call("getPet", {"petId": 1})
        session.call("nothing", {})
        steps = [session.explain(number).steps for number in (1, 2, 3)]
        with pytest.raises(SessionError, match="there is no call 4"):
            session.explain(4)
    assert "invalid_arguments" in steps[0][0]
    assert "timeout" in " ".join(steps[1])
    assert "no such tool" in steps[2][0]


def test_a_tool_below_the_threshold_abstains_and_a_declared_one_does_not() -> None:
    shape = {"type": "object", "properties": {"x": {"type": "string"}}}
    vague = Tool(name="frobnicate")
    sure = Tool(name="blorb", output_schema=shape, effect=Effect(kind="compute"))
    toolset = Toolset(name="odd", kind="openai", tools=(vague, sure))
    with Simulator(toolset, model="scripted", config=Config(abstain_below=0.5)) as simulator:
        session = simulator.session()
        refused, answered = session.call("frobnicate"), session.call("blorb")
        assert refused.is_error
        assert refused.error is not None
        assert (refused.error.kind, refused.error.solvable) == ("not_simulated", False)
        assert "not known well enough" in refused.text
        assert not answered.is_error
    with Simulator(toolset, model="scripted") as simulator:
        assert not simulator.session().call("frobnicate").is_error
