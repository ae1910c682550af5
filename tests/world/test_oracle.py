"""Whatever is called in whatever order, no answer contradicts an earlier one; and the judge of that can see."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gtm import Result, Simulator, Toolset, load_toolset
from gtm.eval.oracle.memory import Oracle
from gtm.eval.oracle.reading import read_toolset
from gtm.eval.oracle.wanderer import Wanderer
from gtm.tools.catalog import load_catalog
from gtm.types import Json
from tests.samples import pets

DATA = Path(__file__).parents[1] / "data"
SPECS = Path(__file__).parents[2] / "examples" / "specs"
TOOLSETS = {
    "pets": pets(),
    "petstore": load_toolset(str(SPECS / "petstore.yaml")),
    "petstore 2.0": load_toolset(str(SPECS / "petstore-2.0.json")),
    "galaxy": load_toolset(str(SPECS / "galaxy.yaml")),
}
SIMULATORS = {name: Simulator(toolset, model="scripted", cache=False) for name, toolset in TOOLSETS.items()}


@pytest.mark.parametrize("name", TOOLSETS)
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_a_session_never_contradicts_itself(name: str, seed: int) -> None:
    session = SIMULATORS[name].session(seed=seed)
    journey = Wanderer(read_toolset(TOOLSETS[name]), random.Random(seed), session.call).go(20)
    assert journey.found == []
    assert journey.checks > 0 or journey.errors > 0


def test_lone_definitions_of_many_real_apis_do_not_contradict_themselves_either() -> None:
    walked = 0
    for toolset in load_catalog(DATA / "catalog_sample.jsonl.gz"):
        routes = read_toolset(toolset)
        if any(route.kind in ("read", "replace", "merge", "delete") for route in routes):
            session = Simulator(toolset, model="scripted", cache=False).session(seed=1)
            journey = Wanderer(routes, random.Random(1), session.call).go(10)
            assert (toolset.name, journey.found) == (toolset.name, [])
            walked += 1
    assert walked > 50


class Liar:
    """A real session whose answers to one tool are bent."""

    def __init__(self, toolset: Toolset, tool: str, lie: Json) -> None:
        self.session = Simulator(toolset, model="scripted", cache=False).session(world="closed")
        self.routes = {route.tool.name: route for route in read_toolset(toolset)}
        self.oracle, self.tool, self.lie = Oracle(), tool, lie
        self.kinds: list[str] = []

    def call(self, tool: str, arguments: dict[str, Json], lying: bool = False) -> Json:
        result = self.session.call(tool, arguments)
        if lying:
            result = Result(content=self.lie, text=str(self.lie))
        self.kinds += [found.kind for found in self.oracle.see(self.routes[tool], arguments, result)]
        return result.content


@pytest.mark.parametrize(
    ("tool", "lie", "kind"),
    [
        ("getPet", {"id": 1001, "name": "Max"}, "sent_field_differs"),
        ("getPet", {"id": 1001}, "sent_field_missing"),
        ("getPet", {"id": 7, "name": "Rex"}, "other_key"),
        ("listPets", [], "made_not_listed"),
        ("listPets", [{"id": 1001, "name": "Max"}], "sent_field_differs"),
        ("listPets", [{"id": 1001, "name": "Rex"}] * 2, "list_repeats_item"),
    ],
)
def test_the_oracle_sees_a_lie_about_a_created_thing(tool: str, lie: Json, kind: str) -> None:
    liar = Liar(pets(), tool, lie)
    key = liar.call("createPet", {"name": "Rex"})["id"]
    assert (key, liar.kinds) == (1001, [])
    liar.call(tool, {"petId": key} if tool == "getPet" else {}, lying=True)
    assert kind in liar.kinds


def test_the_oracle_sees_what_comes_back_from_the_dead() -> None:
    ghost: Json = {"id": 1001, "name": "Rex"}
    for tool, lie, kind in (("getPet", ghost, "absent_but_answered"), ("listPets", [ghost], "deleted_in_list")):
        liar = Liar(pets(), tool, lie)
        key = liar.call("createPet", {"name": "Rex"})["id"]
        liar.call("deletePet", {"petId": key})
        liar.call(tool, {"petId": key} if tool == "getPet" else {}, lying=True)
        assert liar.kinds == [kind]


def test_the_oracle_sees_that_an_update_was_forgotten_and_that_a_read_changed() -> None:
    liar = Liar(pets(), "getPet", {"id": 1001, "name": "Rex", "status": "available"})
    key = liar.call("createPet", {"name": "Rex", "status": "available"})["id"]
    liar.call("updatePet", {"petId": key, "status": "sold"})
    liar.call("getPet", {"petId": key})
    assert liar.kinds == []
    liar.call("getPet", {"petId": key}, lying=True)
    assert {"repeat_differs", "sent_field_differs"} <= set(liar.kinds)
