"""Pins: one call fixed by hand, the rest simulated."""

from typing import Any

import pytest

from gtm.errors import ConfigError
from gtm.simulator.config import Config
from gtm.simulator.simulator import Simulator
from gtm.types import Toolset
from tests.samples import notes, pets


def simulator(toolset: Toolset, **tools: Any) -> Simulator:
    config = Config.parse({"tools": {name: {"pin": pins} for name, pins in tools.items()}})
    return Simulator(toolset, model="scripted", config=config, cache=False)


def test_the_first_pin_that_fits_answers_and_the_world_learns_it() -> None:
    pins = [
        {"when": {"name": "Rex"}, "result": {"id": 77, "name": "Rex"}},
        {"when": "args.name.startsWith('X')", "is_error": True, "result": "no such names", "status": 422},
    ]
    with simulator(pets(), createPet=pins) as sim, sim.session() as session:
        made = session.call("createPet", {"name": "Rex", "status": "sold"})
        assert made.content == {"id": 77, "name": "Rex"} and made.status == 201
        assert made.provenance == {"": "cassette"} and made.warnings == ()
        assert session.call("getPet", {"petId": 77}).content["name"] == "Rex"
        refused = session.call("createPet", {"name": "Xena"})
        assert refused.is_error and refused.status == 422 and refused.content["message"] == "no such names"
        assert session.call("createPet", {"name": "Ada"}).content["id"] != 77


def test_a_pin_that_breaks_the_output_schema_says_so() -> None:
    with simulator(pets(), getPet=[{"result": {"id": "x"}}]) as sim:
        result = sim.session().call("getPet", {"petId": 1})
    assert result.content == {"id": "x"}
    assert any("does not fit the output schema" in warning for warning in result.warnings)


def test_invalid_arguments_are_refused_before_any_pin() -> None:
    with simulator(pets(), getPet=[{"result": {"id": 1, "name": "a"}}]) as sim:
        result = sim.session().call("getPet", {"petId": "x"})
    assert result.error is not None and result.error.kind == "invalid_arguments"


def test_an_error_with_a_body_of_its_own_is_given_as_it_is() -> None:
    with simulator(notes(), convert_currency=[{"is_error": True, "result": {"oops": 1}}]) as sim:
        result = sim.session().call("convert_currency", {"amount": 1, "currency": "EUR"})
    assert result.is_error and result.content == {"oops": 1} and result.status is None


@pytest.mark.parametrize("pin", [{"when": "args.", "result": 1}, {"wen": {}, "result": 1}, {"when": "other.x"}])
def test_a_pin_that_cannot_be_read_is_refused(pin: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        simulator(pets(), getPet=[pin])
