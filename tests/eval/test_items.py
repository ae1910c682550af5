"""Items: which sessions are scored, what is left out and named, what a limit keeps."""

import gzip
import json
from pathlib import Path

import pytest

from gtm.errors import SpecError
from gtm.eval.items import DOCUMENTED, read_items, spread
from gtm.tools.catalog import split
from gtm.types import Json
from tests.eval.samples import SAMPLE, sample

FAMILY = "dns/rage4"  # of split dev, as is tested
THING = {"type": "object", "properties": {"id": {"type": "integer"}}}


def line(name: str, **more: Json) -> Json:
    given = {"id": f"t:{name}", "source": "made here", "licence": "MIT", "domain": FAMILY, "name": name}
    return {**given, "parameters": THING, "output_schema": None, **more}


def session(name: str, *responses: Json, **more: Json) -> Json:
    turns = [
        {"tool": "t:get", "arguments": {"id": 5}, "response": one, "is_error": False, **more} for one in responses
    ]
    return {"id": name, "source": "made here", "licence": "MIT", "domain": FAMILY, "session": turns}


def written(folder: Path, *lines: Json) -> Path:
    path = folder / "made.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in lines).encode()))
    return path


def test_the_sample_has_real_sessions_of_families_that_are_never_trained_on() -> None:
    found = sample()
    assert {split(item.family) for item in found} == {"dev", "test"}
    assert len({item.family for item in found}) >= 12
    assert found.steps >= 250
    assert {item.source for item in found} == {"eval_sample", DOCUMENTED}
    assert {item.family for item in found if item.fresh} == {
        item.family for item in found if item.domain == "cloud" and item.family.startswith("aws/")
    }


def test_documented_answers_are_not_shown_in_their_definitions() -> None:
    found = sample()
    documented = [item for item in found if item.source == DOCUMENTED]
    assert len(documented) > 10
    assert all(not found.families.tool(item, 0).examples for item in documented)


def test_one_split_alone() -> None:
    assert {item.split for item in read_items(SAMPLE, ("dev",))} == {"dev"}


def test_a_limit_keeps_whole_sessions_of_every_family_and_never_more() -> None:
    found = sample()
    for limit in (1, 30, 100):
        chosen = spread(found.items, limit, 0)
        assert sum(len(item.scored) for item in chosen) <= limit
        assert chosen == spread(found.items, limit, 0)
    assert len({item.family for item in spread(found.items, 100, 0)}) == len({item.family for item in found})
    assert spread(found.items, 30, 0) != spread(found.items, 30, 1)
    assert read_items(SAMPLE, limit=30).items == spread(found.items, 30, 0)


def test_what_is_left_out_is_named_with_the_reason(tmp_path: Path) -> None:
    whole, cut = session("a", {"id": 5}), session("cut", {"id": 6}, trimmed=True)
    strange = session("strange", {"id": 8})
    strange["session"][0]["tool"] = "t:broken"
    broken = line("broken", parameters={"type": "object", "properties": {"a": {"$ref": "http://elsewhere/x"}}})
    found = read_items(written(tmp_path, line("get"), broken, whole, {**whole, "id": "b"}, cut, strange))
    assert [item.id for item in found] == ["a"]
    assert found.excluded["b"] == "the same calls and answers as 'a'"
    assert "was cut" in found.excluded["cut#0"]
    assert "t:broken" in found.excluded["strange"]


def test_an_answer_that_no_metric_can_accept_is_left_out_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, line("get"), session("odd", {"size": float("nan")}, {"size": 1}))
    found = read_items(path)
    assert [item.scored for item in found] == [(1,)]
    assert found.excluded == {"odd#0": "does not accept its own recorded answer"}


def test_names_stay_apart(tmp_path: Path) -> None:
    path = written(tmp_path, line("get"), session("a", {"id": 5}), session("a", {"id": 6}))
    assert [item.id for item in read_items(path)] == ["a", "a~2"]


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"[1]\n"), gzip.compress(b"{\n")],
    ids=["empty", "no gzip", "a list", "no JSON"],  # gzip writes the time: workers would not agree on a name
)
def test_what_is_no_data_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(SpecError) as refused:
        read_items(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(SpecError, match="holds no tools"):
        read_items(tmp_path / "nowhere")


def test_idempotency_tokens_that_sdks_add_are_given_where_they_are_required(tmp_path: Path) -> None:
    properties = {"id": {"type": "integer"}, "clientToken": {"type": "string"}}
    parameters = {"type": "object", "properties": properties, "required": ["clientToken"]}
    found = read_items(written(tmp_path, line("get", parameters=parameters), session("a", {"id": 5})))
    assert [item.turns[0].arguments.keys() for item in found] == [properties.keys()]
