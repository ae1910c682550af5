"""Simulators of the same tools under other notes."""

from gtm import Simulator
from gtm.engines.base import Request
from gtm.engines.scripted import ScriptedEngine
from gtm.simulator.config import Config
from tests.samples import pets


def test_other_notes_share_the_tools_and_nothing_else() -> None:
    asked: list[str] = []

    def listening(request: Request) -> str:
        asked.append(request.messages[-1].content)
        return "{}"

    config = Config(notes="Amounts are in yen.")
    with Simulator(pets(), model=ScriptedEngine(listening, raw=True), config=config, cache=False) as first:
        other = first.noted("This shop sells three things.")
        assert other.definitions is first.definitions
        with other:
            other.session().call("getPet", {"petId": 1})
        first.session().call("getPet", {"petId": 1})
    assert "three things" in asked[0] and "yen" not in asked[0]
    assert "yen" in asked[1] and "three things" not in asked[1]


def test_other_notes_may_have_another_engine() -> None:
    mute = ScriptedEngine(lambda request: "{}", raw=True)
    with Simulator(pets(), model=ScriptedEngine(), cache=False) as first:
        with first.noted("", model=mute) as other:
            assert other.engine is not first.engine
            plain = other.session(seed=1).call("getPet", {"petId": 1})
        assert first.session(seed=1).call("getPet", {"petId": 1}).content != plain.content
