"""Collections of tools stream in, keep what their lines say, and split by family for ever the same."""

import collections
import gzip
import json
import pathlib
import random
import subprocess
import sys
from typing import Any

import pytest

from gtm.errors import SpecError
from gtm.simulator.validation import check_arguments
from gtm.tools.catalog import family, iter_catalog, iter_entries, load_catalog, split
from gtm.tools.load import load_toolset, load_toolsets
from gtm.tools.sampler import sample

RECIPE = pathlib.Path(__file__).parents[2] / "recipes" / "import_catalog.py"
LINE: dict[str, Any] = {
    "id": "src:pets:getPet",
    "source": "somewhere",
    "licence": "MIT",
    "domain": "pets.example",
    "category": "animals",
    "name": "getPet",
    "description": "A pet.",
    "parameters": {"type": "object", "properties": {"id": {"type": "integer"}, "full": {"type": "boolean"}}},
    "output_schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
    "http": "GET /pets/{id}",
    "examples": [{"arguments": {"id": 1}, "response": {"id": 1}, "is_error": False, "args_from": "doc"}],
    "error_examples": [{"status": 404, "response": {"message": "none"}}],
}


def write(path: pathlib.Path, *lines: Any) -> pathlib.Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_a_line_keeps_all_it_says(tmp_path: pathlib.Path) -> None:
    (tool,) = iter_catalog([write(tmp_path / "a.jsonl.gz", LINE)])
    assert (tool.source, tool.licence, tool.domain) == ("src:pets:getPet", "MIT", "pets.example")
    assert tool.examples[0].response == {"id": 1}
    assert tool.http is not None
    assert (tool.http.method, tool.http.path, tool.http.status) == ("GET", "/pets/{id}", 200)
    assert {name: slot.place for name, slot in tool.http.slots.items()} == {"id": "path", "full": "query"}
    (error,) = tool.http.errors
    assert (error.status, error.body_schema, error.example) == (404, None, {"message": "none"})


def test_values_that_a_collection_cut_are_not_all(tmp_path: pathlib.Path) -> None:
    kinds = {"type": "string", "enum": ["cat", "dog"], "description": "What it is."}
    cut = {**kinds, "description": "What it is. (and 7 more values)"}
    parameters = {"type": "object", "properties": {"kind": kinds, "more": cut, "several": {"items": cut}}}
    (tool,) = iter_catalog([write(tmp_path / "a.jsonl.gz", {**LINE, "parameters": parameters})])
    assert check_arguments(tool, {"kind": "cat", "more": "bat", "several": ["bat"]}).ok
    assert not check_arguments(tool, {"kind": "bat"}).ok
    assert not check_arguments(tool, {"more": 1}).ok
    assert {sample(tool.parameters, random.Random(seed)).get("more") for seed in range(20)} <= {None, "cat", "dog"}


def test_a_parameter_that_takes_slashes_is_a_part_of_the_path(tmp_path: pathlib.Path) -> None:
    parameters = {"type": "object", "properties": {"Key": {"type": "string"}, "acl": {"type": "string"}}}
    line = {**LINE, "http": "PUT /bucket/{Key+}", "parameters": parameters}
    (tool,) = iter_catalog([write(tmp_path / "a.jsonl", line)])
    assert tool.http is not None
    assert (tool.http.slots["Key"].place, tool.http.slots["Key"].name) == ("path", "Key+")
    assert tool.http.slots["acl"].place == "body"


def test_empty_success_and_exception_names(tmp_path: pathlib.Path) -> None:
    line = {
        **LINE,
        "http": "DELETE /pets/{id}",
        "empty_success": "204",
        "errors": ["NoSuchPet"],
        "output_schema": None,
    }
    (tool,) = iter_catalog([write(tmp_path / "a.jsonl", line)])
    assert tool.http is not None
    assert (tool.http.status, tool.http.media_type, tool.output_schema) == (204, None, None)
    assert tool.error_names == ("NoSuchPet",)


def test_a_bad_line_is_an_entry_with_its_reason(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.jsonl", LINE, "not json", {"id": 1}, {**LINE, "parameters": []})
    entries = list(iter_entries(path))
    assert [entry.tool is not None for entry in entries] == [True, False, False, False]
    assert "is not JSON" in entries[1].reason
    assert "no line of a tool collection" in entries[2].reason
    assert entries[3].label == "src:pets:getPet"
    assert "parameters that are a list" in entries[3].reason


def test_one_domain_is_a_toolset_and_several_must_be_chosen(tmp_path: pathlib.Path) -> None:
    one = write(tmp_path / "one.jsonl.gz", LINE, {**LINE, "id": "2"})
    toolset = load_toolset(one)
    assert (toolset.kind, toolset.name) == ("catalog", "pets.example")
    assert [tool.name for tool in toolset.tools] == ["getPet", "getPet_2"]
    two = write(tmp_path / "two.jsonl", LINE, {**LINE, "domain": "zoo/lions", "name": "roar"})
    with pytest.raises(SpecError, match=r"holds 2 domains; choose one as .*#pets\.example"):
        load_toolset(two)
    assert load_toolset(f"{two}#zoo/lions").tools[0].name == "roar"
    assert [toolset.name for toolset in load_toolsets(two)] == ["pets.example", "zoo-lions"]
    with pytest.raises(SpecError, match="no usable tools of the domain 'nowhere'"):
        load_catalog(two, "nowhere")


def test_damaged_and_missing_files_are_one_clear_line(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.jsonl.gz", *[LINE] * 50)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SpecError, match="damaged gzip"):
        list(iter_entries(path))
    with pytest.raises(SpecError, match="cannot be read"):
        list(iter_catalog([tmp_path / "gone.jsonl"]))


def test_the_split_is_fixed_and_ninety_five_five(tmp_path: pathlib.Path) -> None:
    (tool,) = iter_catalog([write(tmp_path / "a.jsonl", LINE)])
    assert family(tool) == "pets.example"
    found = {name: split(name) for name in ("stripe.com", "aws/sqs", "zoom.us", "aws/chime", "aws/b2bi")}
    assert found == {
        "stripe.com": "train",
        "aws/sqs": "train",
        "zoom.us": "dev",
        "aws/chime": "dev",
        "aws/b2bi": "test",
    }
    counts = collections.Counter(split(f"family-{number}") for number in range(20_000))
    assert 0.89 < counts["train"] / 20_000 < 0.91
    assert 0.04 < counts["dev"] / 20_000 < 0.06
    assert 0.04 < counts["test"] / 20_000 < 0.06


def test_the_recipe_counts_and_says_when_there_is_nothing_to_count(tmp_path: pathlib.Path) -> None:
    def run() -> tuple[int, str]:
        command = [sys.executable, str(RECIPE), "--data", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    code, said = run()
    assert (code, said) == (
        2,
        f"no *.jsonl or *.jsonl.gz in {str(tmp_path)!r}; name the folder with --data or GTM_DATA\n",
    )
    write(tmp_path / "a.jsonl.gz", *[LINE] * 999, {**LINE, "parameters": []})
    code, said = run()
    assert code == 0
    assert "accepted 99.900 % of 1000 tools" in said
    assert "refused      1  has parameters that are a list, not a JSON Schema; give an object schema" in said
