"""`gtm.yaml`: what is wrong in it is one clear error, naming the place, the cause and what was meant."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import validator_for

from gtm import Simulator, load_toolset
from gtm.errors import ConfigError, SpecError
from gtm.simulator.config import Config, ToolConfig
from gtm.types import Effect
from gtm.world.initial import MAX_BYTES, read_seeds
from tests.samples import pets

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def update(**rules: Any) -> dict[str, Any]:
    return {"tools": {"updatePet": {"effect": rules}}}


@pytest.mark.parametrize(
    ("raw", "causes"),
    [
        ({"sed": 1}, ["'sed'", "did you mean 'seed'?"]),
        ({"seed": "many"}, ["'seed'", "integer"]),
        ({"world": "half"}, ["'world'", "'auto', 'open' or 'closed'"]),
        ({"tools": []}, ["'tools'"]),
        ([1], ["the file"]),
        (update(sett={"a": "1"}), ["'tools.updatePet.effect.sett'", "did you mean 'set'?"]),
        (update(set=["a"]), ["'tools.updatePet.effect.set'", "dictionary"]),
        (update(set={"a": ["1"]}), ["'tools.updatePet.effect.set.a'", "string"]),
        (update(kind="upsert"), ["'tools.updatePet.effect.kind'", "'create'"]),
        (update(require=[{"thta": "true"}]), ["tools.updatePet.effect.require.0", "that"]),
        (update(require={"that": "true", "status": 200}), ["require.0.status", "400"]),
        (update(require={"that": "true", "kind": "Not Ok"}), ["require.0.kind", "pattern"]),
        (update(writes={"resource": "pet"}), ["tools.updatePet.effect.writes"]),
        (update(set={"a": "state.x +"}), ["tools.updatePet.effect.set.a", "'state.x +'", "no CEL"]),
        (update(set={"a": "sate.x"}), ["set.a", "did you mean 'state'?"]),
        (update(set={"a": "open"}), ["set.a", "quotes of its own", "'open'"]),
        (update(set={"a..b": "1"}), ["set", "'a..b' is no field"]),
        (update(set={"a": "1" * 2000}), ["set.a", "2000 characters"]),
        (update(require="args.l.all(a, " * 6 + "true" + ")" * 6), ["require", "2 comprehensions"]),
        (update(emit={"a": "now()"}), ["emit.a", "no function 'now'"]),
        (update(writes=[{"resource": "pet", "key": "args."}]), ["writes.0.key", "no CEL"]),
        (update(writes=[{"resource": "pet", "key": "1", "set": {"a": "x"}}]), ["writes.0.set.a", "knows no 'x'"]),
    ],
)
def test_a_wrong_file_is_one_clear_error(raw: Any, causes: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.parse(raw, "my.yaml")
    assert str(caught.value).startswith("my.yaml: ")
    assert [cause for cause in causes if cause not in str(caught.value)] == []


def test_a_tool_that_does_not_exist_is_named_with_the_nearest_that_does() -> None:
    with pytest.raises(ConfigError, match=r"'updatPet'.*did you mean 'updatePet'"):
        Simulator(pets(), model="scripted", config=Config.parse({"tools": {"updatPet": {}}}))


def test_what_is_left_out_of_an_effect_stays_as_inferred() -> None:
    simulator = Simulator(pets(), model="scripted", config=Config.parse(update(set={"status": "'sold'"})))
    effect = simulator.definitions.effects["updatePet"]
    assert (effect.kind, effect.resource, effect.key) == ("update", "pet", ("petId",))
    session = simulator.session()
    made = session.call("createPet", {"name": "Rex", "status": "available"}).content
    assert session.call("updatePet", {"petId": made["id"], "name": "Max"}).content == {
        **made,
        "name": "Max",
        "status": "sold",
    }


def test_a_whole_effect_may_be_given_in_python() -> None:
    config = Config(tools={"updatePet": ToolConfig(effect=Effect(kind="compute"))})
    assert Simulator(pets(), model="scripted", config=config).definitions.effects["updatePet"].kind == "compute"


def test_the_published_schema_says_what_is_accepted() -> None:
    validator = validator_for(Config.model_json_schema())
    right = [
        update(set={"n": 1, "on": True, "gone": None}, require="args.n > 0", key="petId"),
        update(require=[{"that": "true", "error": "no", "status": 409}, "false"], key=["petId"]),
        {"initial": {"pet": "pets.csv", "owner": [{"id": 1}]}},
        json.loads(json.dumps(Config.parse(update(set={"a": "1"})).model_dump(mode="json", exclude_defaults=True))),
    ]
    for raw in right:
        assert validator.is_valid(raw), raw
        Config.parse(raw)
    for raw in (update(set=["a"]), update(require=[1]), {"initial": {"pet": 3}}, update(sett={})):
        assert not validator.is_valid(raw)
        with pytest.raises(ConfigError):
            Config.parse(raw)


def test_the_examples_are_right() -> None:
    for name, spec in (("gtm.yaml", "specs/workbench.openai.json"), ("shop/gtm.yaml", "shop/shop.openai.json")):
        Simulator(load_toolset(EXAMPLES / spec), model="scripted", config=EXAMPLES / name)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_a_yaml_bomb_is_refused_quickly(tmp_path: Path) -> None:
    path = tmp_path / "gtm.yaml"
    path.write_text(BOMB)
    began = time.process_time()
    with pytest.raises((ConfigError, SpecError)):
        Config.load(path)
    path.write_text("initial: {pet: seeds.yaml}")
    (tmp_path / "seeds.yaml").write_text(BOMB)
    with pytest.raises(ConfigError, match=r"initial\.pet"):
        Config.load(path)
    assert time.process_time() - began < 20


def seeds(folder: Path, name: str, text: str | bytes) -> Any:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_seeds({"pet": name}, folder)["pet"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pets.json", '[{"id": 1, "name": "Rex"}]'),
        ("pets.yaml", "- {id: 1, name: Rex}"),
        ("pets.csv", "id,name\r\n1,Rex\r\n"),
        ("pets.csv", '\ufeffid,name,tags\n1,"Rex",\n\n'),
    ],
)
def test_documents_come_from_files(tmp_path: Path, name: str, text: str) -> None:
    assert seeds(tmp_path, name, text) == [{"id": 1, "name": "Rex"}]
    (tmp_path / "gtm.yaml").write_text(f"initial: {{pet: {name}}}")
    session = Simulator(pets(), model="scripted", config=tmp_path / "gtm.yaml", cache=False).session()
    assert [pet["name"] for pet in session.call("listPets").content] == ["Rex"]
    assert session.call("getPet", {"petId": 1}).content["name"] == "Rex"


def test_cells_of_a_csv_lose_nothing(tmp_path: Path) -> None:
    [document] = seeds(tmp_path, "pets.csv", "a,b,c,d,e,f\n007,1.50,-3,2.5,true,nan\n")
    assert document == {"a": "007", "b": "1.50", "c": -3, "d": 2.5, "e": True, "f": "nan"}


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("pets.csv", "id,name\n1,Rex\n2\n", "line 3: 1 cells under 2 column names"),
        ("pets.csv", "id,id\n1,2\n", "a different name for each column"),
        ("pets.csv", 'id,name\n1,"Rex\n', "line 2"),
        ("pets.csv", b"id,name\n1,\xff\n", "not text"),
        ("pets.json", '{"id": 1}', "a list of documents"),
        ("pets.json", "[1, 2]", "a list of documents"),
        ("pets.json", "[{", "pets.json"),
        ("pets.yaml", "- [a", "pets.yaml"),
        ("pets.json", b" " * MAX_BYTES + b"[]", "larger than 5 MB"),
        ("pets.json", "[" + "{}," * 10_000 + "{}]", "10001 documents; at most 10000"),
    ],
)
def test_a_broken_seed_file_is_a_config_error(tmp_path: Path, name: str, text: Any, cause: str) -> None:
    with pytest.raises(ConfigError, match=r"initial\.pet") as caught:
        seeds(tmp_path, name, text)
    assert cause in str(caught.value)


@pytest.mark.parametrize(
    ("initial", "cause"),
    [
        ({"pets": []}, "no tool is about a resource 'pets' (known: pet); did you mean 'pet'?"),
        ({"pet": [{"id": 1}, {"id": "1"}]}, "initial.pet[1]: a pet with the key 1 is already there"),
        ({"pet": [{"id": [1]}]}, "a key is a text or a number"),
        ({"pet": "nowhere.csv"}, "cannot be read"),
        ({"pet": [{"id": float("nan")}]}, "no JSON"),
        ({"pet": [{"id": 1, "at": object()}]}, "no JSON"),
        ({"pet": 3}, "a list of documents"),
    ],
)
def test_a_wrong_seed_is_a_config_error(initial: Any, cause: str) -> None:
    simulator = Simulator(pets(), model="scripted", cache=False)
    with pytest.raises(ConfigError, match="initial") as caught:
        simulator.session(initial=initial)
    assert cause in str(caught.value)
