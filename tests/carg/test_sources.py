"""Collections and recordings in, families of distinct tools out."""

import gzip
import json
from pathlib import Path

import pytest

from gtm.carg.families import toolset_of
from gtm.carg.folder import RunFolder, appending
from gtm.carg.read import ReadStage
from gtm.carg.recipe import Recipe
from gtm.carg.records import Entry, Recording
from gtm.carg.sources import SourcesStage
from gtm.carg.stage import Stage
from gtm.carg.teacher import Teacher
from gtm.errors import ConfigError
from gtm.types import Json


def tool(id: str, domain: str, name: str, description: str = "", **more: Json) -> dict[str, Json]:
    properties = more.pop("properties", {"id": {"type": "string"}})
    return {
        "id": id,
        "domain": domain,
        "name": name,
        "description": description,
        "parameters": {"type": "object", "properties": properties},
        "licence": "MIT",
        **more,
    }


def session(id: str, *calls: tuple[str, dict[str, Json]], **more: Json) -> dict[str, Json]:
    made = [
        {"tool": tool, "arguments": arguments, "response": {"ok": 1}, "is_error": False} for tool, arguments in calls
    ]
    return {"id": id, "source": "someone/tests", "licence": "MIT", "domain": "x", "session": made, **more}


def lay(folder: Path, tools: list[Json | str], calls: list[Json | str], recipe: Recipe | None = None) -> RunFolder:
    """A data folder and an empty run folder."""
    for name, records in (("tools/some.jsonl.gz", tools), ("calls/heard.jsonl.gz", calls)):
        path = folder / "data" / name
        path.parent.mkdir(parents=True)
        lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
        path.write_bytes(gzip.compress("\n".join(lines).encode()))
    (folder / "run").mkdir()
    return RunFolder(folder / "run", recipe or Recipe(), folder / "data")


def run(folder: RunFolder, *stages: Stage) -> dict[str, Json]:
    manifest: dict[str, Json] = {}
    for stage in stages or (ReadStage(), SourcesStage()):
        stage.prepare(folder, Teacher.none(), lambda done, all: None)
        with appending(folder, stage.name, stage.files) as appender:
            for unit in stage.units(folder):
                if unit.name not in appender.done:
                    appender.append(unit, stage.work(folder, unit))
            manifest = appender.finish()
    return manifest


def entries(folder: RunFolder) -> list[Entry]:
    return list(folder.every(Entry, "sources", "sources"))


def recordings(folder: RunFolder) -> list[Recording]:
    return list(folder.every(Recording, "recordings", "sources"))


def test_a_tool_keeps_its_id_licence_and_documentation(tmp_path: Path) -> None:
    documented = {"arguments": {"id": "1"}, "response": {"a": 1}, "args_from": "filled", "args_valid": False}
    folder = lay(tmp_path, [tool("a", "pay.com", "chargeCard", "Charge a credit card", examples=[documented])], [])
    run(folder)
    (entry,) = entries(folder)
    assert (entry.id, entry.family, entry.licence, entry.source) == ("a", "pay.com", "MIT", "some")
    assert entry.domain == "payments/card_payments"
    assert (entry.documented[0].args_from, entry.documented[0].args_valid) == ("filled", False)


def test_bad_lines_are_counted_by_reason_and_cost_nothing_else(tmp_path: Path) -> None:
    bad = ["{broken", "[]", json.dumps(tool("b", "x", "f") | {"parameters": 3}), json.dumps(tool("c", "x", ""))]
    folder = lay(tmp_path, [*bad, tool("a", "x", "f")], ["{", json.dumps({"id": "s"}), session("t", ("a", {}))])
    counts = run(folder, ReadStage())["counts"]
    assert counts == {
        "dropped/no_catalog_line": 1,
        "dropped/no_name": 1,
        "dropped/no_session": 1,
        "dropped/not_json": 2,
        "dropped/unusable_schema": 1,
        "recorded_calls": 1,
        "sessions": 1,
        "tools": 1,
    }


def test_equal_tools_are_one_and_the_recorded_one_stays(tmp_path: Path) -> None:
    folder = lay(
        tmp_path,
        [
            tool("first", "x", "f", "Does it"),
            tool("second", "x", "f", "Does  it"),
            tool("other", "y", "f", "Does it"),
        ],
        [session("s", ("second", {"id": "1"}), ("first", {"id": "2"}))],
    )
    counts = run(folder)["counts"]
    (entry,) = entries(folder)
    assert entry.id == "first" and set(entry.aliases) == {"second", "other"}
    assert [call.tool for call in recordings(folder)[0].calls] == ["first", "first"]
    assert counts["dropped/exact_duplicate"] == 2 and counts["tools"] == 1


def test_what_recordings_use_is_not_dropped_for_another_family(tmp_path: Path) -> None:
    folder = lay(tmp_path, [tool("a", "x", "f"), tool("b", "y", "f")], [session("s", ("b", {}))])
    run(folder)
    assert [entry.id for entry in entries(folder)] == ["b"]
    assert [recording.family for recording in recordings(folder)] == ["y"]


def test_near_copies_of_one_name_are_one(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(120))
    properties = {f"argument{number}": {"type": "string"} for number in range(40)}
    near = [
        tool(id, "x", name, f"{words}{end}", properties=properties)
        for id, name, end in (("a", "f", ""), ("b", "f", " more"), ("c", "g", " more"))
    ]
    folder = lay(tmp_path, list(near), [])
    run(folder)
    assert [entry.id for entry in entries(folder)] == ["a", "c"]
    without = lay(tmp_path / "again", list(near), [], Recipe.model_validate({"sources": {"near": 0}}))
    run(without)
    assert len(entries(without)) == 3


def test_names_are_unique_in_a_family(tmp_path: Path) -> None:
    folder = lay(tmp_path, [tool("a", "x", "f", "one"), tool("b", "x", "f", "two"), tool("c", "y", "f", "three")], [])
    run(folder)
    assert [entry.tool.name for entry in entries(folder)] == ["f", "f_2", "f"]
    toolset = toolset_of("x", entries(folder)[:2])
    assert (toolset.name, list(toolset.by_name)) == ("x", ["f", "f_2"])


def test_a_session_is_cut_by_family_in_order(tmp_path: Path) -> None:
    calls = [("a", {"id": "1"}), ("b", {"id": "2"}), ("gone", {}), ("a", {"id": "3"})]
    folder = lay(tmp_path, [tool("a", "x", "f", "one"), tool("b", "y", "g", "two")], [session("s", *calls)])
    counts = run(folder)["counts"]
    one, other = recordings(folder)
    assert [call.arguments["id"] for call in one.calls] == ["1", "3"]
    assert [call.arguments["id"] for call in other.calls] == ["2"]
    assert one.id != other.id and counts["dropped/call_of_unknown_tool"] == 1


@pytest.mark.parametrize(
    ("more", "fresh"),
    [({}, False), ({"source": "getmoto/moto tests"}, True), ({"initial_state": {"files": {}}}, True)],
)
def test_a_known_start_is_said(tmp_path: Path, more: dict[str, Json], fresh: bool) -> None:
    folder = lay(tmp_path, [tool("a", "x", "f")], [session("s", ("a", {}), **more)])
    run(folder)
    assert recordings(folder)[0].fresh is fresh


def test_a_pattern_that_names_no_file_is_an_error(tmp_path: Path) -> None:
    folder = lay(tmp_path, [], [], Recipe.model_validate({"sources": {"catalogs": ["nothing/*.gz"]}}))
    with pytest.raises(ConfigError, match=r"'nothing/\*\.gz': no such file"):
        run(folder)


def test_specs_are_read_from_files_and_folders(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"sources": {"specs": [{"source": "specs", "licence": "MIT"}]}})
    folder = lay(tmp_path, [], [], recipe)
    specs = tmp_path / "data" / "specs"
    specs.mkdir()
    listing = [{"name": "add_note", "description": "Add a note", "inputSchema": {"type": "object"}}]
    (specs / "notes.json").write_text(json.dumps({"tools": listing}))
    (specs / "broken.json").write_text("{")
    run(folder)
    (entry,) = entries(folder)
    assert (entry.tool.name, entry.licence, entry.source, entry.family) == ("add_note", "MIT", "specs", "spec/notes")


def test_a_server_is_not_contacted_without_consent(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"sources": {"specs": [{"source": "python server.py"}]}})
    with pytest.raises(ConfigError, match="--allow-exec"):
        run(lay(tmp_path, [], [], recipe))


def test_the_same_files_give_the_same_rows(tmp_path: Path) -> None:
    tools = [tool(f"t{number}", f"family{number % 7}", f"get_thing_{number % 5}", "Reads") for number in range(60)]
    calls = [session(f"s{number}", (f"t{number}", {"id": "1"}), ("t1", {})) for number in range(30)]
    made = []
    for name in ("one", "two"):
        folder = lay(tmp_path / name, list(tools), list(calls))
        run(folder)
        made.append((folder.rows("sources").read_bytes(), folder.rows("recordings").read_bytes()))
    assert made[0] == made[1] and made[0][0]
