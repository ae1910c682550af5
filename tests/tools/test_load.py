"""What a definition is, is found from its content; whatever cannot be used says so in one line."""

import asyncio
import gzip
import json
import pathlib
from typing import Any

import pytest

from gtm.errors import SpecError
from gtm.tools.load import load_toolset, load_toolsets

SPECS = pathlib.Path(__file__).parents[2] / "examples" / "specs"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
WRAPPED = {"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": SCHEMA}}
FLAT = {"type": "function", "name": "find", "description": "Finds.", "parameters": SCHEMA, "strict": True}
ANTHROPIC = {"name": "find", "description": "Finds.", "input_schema": SCHEMA}
MCP = {"name": "find", "description": "Finds.", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}}


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ([WRAPPED], "openai"),
        ([FLAT], "openai"),
        ({"model": "m", "messages": [], "tools": [WRAPPED]}, "openai"),
        ({"functions": [WRAPPED["function"]]}, "openai"),
        (WRAPPED, "openai"),
        ([ANTHROPIC], "anthropic"),
        ({"tools": [{**ANTHROPIC, "type": "custom", "cache_control": {"type": "ephemeral"}}]}, "anthropic"),
        ({"tools": [MCP]}, "mcp"),
        ([MCP], "mcp"),
        ({"jsonrpc": "2.0", "id": 1, "result": {"tools": [MCP]}}, "mcp"),
        ({"tools": [{**ANTHROPIC, "output_schema": {"type": "object"}}]}, "mcp"),
        ({"tools": [ANTHROPIC], "next_cursor": None}, "mcp"),
    ],
)
def test_the_kind_is_found_from_the_content(document: Any, kind: str) -> None:
    toolset = load_toolset(document)
    assert (toolset.kind, len(toolset.tools)) == (kind, 1)
    tool = toolset.tools[0]
    assert (tool.name, tool.description, tool.parameters) == ("find", "Finds.", SCHEMA)


def test_mcp_keeps_hints_titles_and_output() -> None:
    tool = load_toolset(SPECS / "filesystem.mcp.json").by_name["write_file"]
    assert tool.annotations == {
        "read_only_hint": False,
        "destructive_hint": True,
        "idempotent_hint": True,
        "open_world_hint": False,
    }
    assert tool.title == "Write File"
    assert isinstance(tool.output_schema, dict)
    assert tool.output_schema["required"] == ["content"]


def test_the_examples_load_without_a_refusal() -> None:
    found = {path.name: load_toolset(path) for path in sorted(SPECS.iterdir())}
    assert {name: (toolset.kind, len(toolset.tools)) for name, toolset in found.items()} == {
        "filesystem.mcp.json": ("mcp", 14),
        "galaxy.yaml": ("openapi", 9),
        "petstore-2.0.json": ("openapi", 20),
        "petstore.yaml": ("openapi", 20),
        "workbench.openai.json": ("openai", 11),
    }
    assert found["filesystem.mcp.json"].name == "secure-filesystem-server"
    assert found["petstore.yaml"].name == "swagger-petstore"
    assert not [p for toolset in found.values() for p in toolset.problems if p.kind == "refused"]


def test_names_are_kept_where_they_can_be() -> None:
    names = ["with space", "dotted.name", "größe", "a" * 128, "twin", "twin", "a" * 129, "tab\there"]
    toolset = load_toolset([{"name": name, "parameters": SCHEMA} for name in names])
    assert [tool.name for tool in toolset.tools] == [*names[:5], "twin_2", "a" * 64, "tab_here"]
    kinds = {(problem.kind, problem.tool) for problem in toolset.problems}
    assert ("odd", "with space") in kinds and ("odd", "größe") in kinds
    assert {("renamed", "twin_2"), ("renamed", "a" * 64), ("renamed", "tab_here")} <= kinds


def test_a_bad_tool_is_refused_with_its_reason_and_the_others_go_on() -> None:
    bad: list[Any] = [
        {"name": "listy", "parameters": ["q"]},
        {"name": "texty", "parameters": "q: string"},
        {"name": "array", "parameters": {"type": "array"}},
        {"name": "remote", "parameters": {"properties": {"x": {"$ref": "https://evil.example/x"}}}},
        {"parameters": SCHEMA},
        {"type": "web_search"},
        "text",
    ]
    toolset = load_toolset([WRAPPED, *bad])
    assert [tool.name for tool in toolset.tools] == ["find"]
    assert [(problem.tool, problem.message.split(";")[0]) for problem in toolset.problems] == [
        ("listy", "has parameters that are a list, not a JSON Schema"),
        ("texty", "has parameters that are text, not a JSON Schema"),
        ("array", "takes 'array' for its arguments, not an object"),
        ("remote", "its $ref 'https://evil.example/x' leaves the document, which is never followed"),
        ("tool 6", "has no name"),
        ("tool 7", "has no name"),
        ("tool 8", "is not an object"),
    ]


def test_no_parameters_are_an_empty_object() -> None:
    toolset = load_toolset(
        [{"type": "function", "name": "now"}, {"type": "function", "name": "b", "parameters": None}]
    )
    assert [tool.parameters for tool in toolset.tools] == [{"type": "object", "properties": {}}] * 2


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({}, "an empty object, not one of OpenAPI"),
        ([], "defines no tools"),
        ({"tools": []}, "defines no tools"),
        ({"a": 1}, "an object with the keys 'a'"),
        ([1, 2], "lists things that are not tools"),
        ([{"name": "x", "parameters": []}], "no usable tool: 'x' has parameters that are a list"),
        ("no-such-file.yaml", "neither a file, a URL nor a command on PATH"),
        ("unbalanced 'quote", "neither a file, a URL nor a command line"),
        ('{"tools": []}', "pass a document as a parsed value"),
        ("", "pass a document as a parsed value"),
        (pathlib.Path("no-such-file.yaml"), "cannot be read (No such file"),
        ({"mcpServers": {}}, "names no servers"),
        ({"mcpServers": {"x": {}}}, "the server 'x' has neither a 'command' nor an http 'url'"),
        ({"mcpServers": {"x": {"command": "c", "args": "a"}}}, "'args' that are not a list"),
        ({"mcpServers": {"x": {"command": "c", "env": {"K": "${NOT_SET_ANYWHERE}"}}}}, "'NOT_SET_ANYWHERE'"),
        ({"mcpServers": {"x": {"command": "evil", "args": ["--now"]}}}, "wants to run 'evil --now' for 'x'"),
        ({"servers": {"x": {"url": "https://h/mcp"}}}, "wants to contact 'https://h/mcp' for 'x'"),
        ({"mcpServers": {"x": {"command": "c"}, "y": {"command": "d"}}}, "holds 2 servers; choose one as"),
    ],
)
def test_bad_sources_are_one_clear_line(source: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_toolset(source)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_running_what_a_file_names_needs_consent_and_the_message_says_how() -> None:
    with pytest.raises(SpecError, match="allow it with --allow-exec"):
        load_toolsets({"mcpServers": {"x": {"command": "evil"}}})


def test_a_server_of_a_file_is_chosen_by_name(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {"a": {"command": "one"}, "b": {"command": "two"}}}))
    with pytest.raises(SpecError, match="wants to run 'two' for 'b'"):
        load_toolset(f"{path}#b")
    with pytest.raises(SpecError, match="has no server 'c'; it has 'a', 'b'"):
        load_toolset(f"{path}#c")
    with pytest.raises(SpecError, match="leave '#b' away"):
        load_toolset(f"{SPECS / 'petstore.yaml'}#b")


def test_a_kind_can_be_forced_and_a_name_given() -> None:
    toolset = load_toolset([ANTHROPIC], kind="mcp", name="My Tools!")
    assert (toolset.kind, toolset.name) == ("mcp", "my-tools")
    with pytest.raises(SpecError, match="is an OpenAPI document, not 'openai'"):
        load_toolset({"openapi": "3.0.0", "paths": {}}, kind="openai")


def test_files_of_every_packing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([WRAPPED]))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps([WRAPPED]).encode()))
    (tmp_path / "c.yaml").write_text("- name: find\n  parameters:\n    type: object\n    properties: {q: {}}\n")
    names = [load_toolset(path).name for path in sorted(tmp_path.iterdir())]
    assert names == ["a", "b", "c"]


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.truncate(50_000_001)
        file.write(b"{\n")
    with pytest.raises(SpecError, match="larger than 50 MB; keep the operations you need in a smaller file"):
        load_toolset(path)


def test_loading_works_inside_a_running_loop() -> None:
    async def load() -> str:
        return load_toolset([WRAPPED]).tools[0].name

    assert asyncio.run(load()) == "find"


def test_the_same_document_has_the_same_digest() -> None:
    first, second = load_toolset(SPECS / "galaxy.yaml"), load_toolset(SPECS / "galaxy.yaml")
    assert first.digest == second.digest
    assert type(first).model_validate_json(first.model_dump_json()) == first
