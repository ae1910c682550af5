"""gtm inspect: show what was understood of tool definitions.

Nothing is simulated and no model is loaded: this is what the definitions say, and what was inferred from them.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gtm.cli import options
from gtm.cli.terminal import show, show_json, table
from gtm.types import Json

if TYPE_CHECKING:
    from gtm.simulator.definitions import Definition, Definitions
    from gtm.types import Tool

ANSWERS = {
    "declared": "declared schema",
    "configured": "schema from gtm.yaml",
    "examples": "schema from examples",
    "derived": "schema from its siblings",
    "proposed": "shape proposed by the model",
    "text": "text",
    "empty": "no body",
    "placeholder": "placeholder (binary, image or CSV)",
}
"""Where the form of an answer comes from -> how the table calls it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help=options.SPEC_HELP)
    options.add_config(parser)
    options.add_allow_exec(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print a table a toolset, or one JSON document."""
    from gtm.simulator.definitions import Definitions

    config = options.read_config(arguments)
    toolsets = options.read_toolsets(arguments.specs, allow_exec=arguments.allow_exec)
    configs = options.split_config(config, toolsets)
    reports = [_report(Definitions(toolset, own)) for toolset, own in zip(toolsets, configs, strict=True)]
    if arguments.json:
        show_json({"toolsets": reports})
    else:
        show("\n\n".join(_text(report) for report in reports))
    return 0


def _report(definitions: "Definitions") -> Json:
    toolset = definitions.toolset
    tools = [_tool(tool, definitions) for tool in toolset.tools]
    effects = Counter(str(tool["effect"]["kind"]) for tool in tools)
    problems = [problem.model_dump(mode="json") for problem in toolset.problems]
    kinds = Counter(str(problem["kind"]) for problem in problems)
    return {
        "name": toolset.name,
        "kind": toolset.kind,
        "digest": toolset.digest,
        "tools": tools,
        "problems": problems,
        "summary": {
            "tools": len(tools),
            "effects": dict(sorted(effects.items())),
            "without_output_schema": sum(
                tool["answer"] not in ("declared", "empty", "placeholder") for tool in tools
            ),
            "problems": dict(sorted(kinds.items())),
        },
    }


def _tool(tool: "Tool", definitions: "Definitions") -> dict[str, Json]:
    definition = definitions.get(tool.name)
    assert definition is not None
    effect = definition.bound.effect
    return {
        "name": tool.name,
        "effect": effect.model_dump(mode="json"),
        "answer": _answer(tool, definition),
        "notes": list(dict.fromkeys((*tool.problems, *definition.notes))),
    }


def _answer(given: "Tool", definition: "Definition") -> str:
    if definition.form in ("text", "empty", "placeholder"):
        return definition.form
    if definition.shape is None:
        return "proposed"
    if definition.tool.output_schema == given.output_schema:
        return "declared"
    if given.output_schema is not None:
        return "configured"
    return "examples" if any(not example.is_error for example in given.examples) else "derived"


def _text(report: Json) -> str:
    rows = [
        (tool["name"], _effect(tool["effect"]), f"{tool['effect']['confidence']:.2f}", ANSWERS[tool["answer"]],
         tool["effect"]["reason"])
        for tool in report["tools"]
    ]  # fmt: skip
    parts = [f"{report['name']} ({report['kind']})", "", table(("TOOL", "EFFECT", "SURE", "ANSWER", "WHY"), rows)]
    remarks = list(_remarks(report))
    if remarks:
        parts += ["", table(("ABOUT", "REMARK"), remarks)]
    return "\n".join([*parts, "", _summary(report["summary"])])


def _effect(effect: Json) -> str:
    """An effect in a few characters: `update pet by petId`."""
    if effect["resource"] is None:
        return str(effect["kind"])
    by = f" by {', '.join(effect['key'])}" if effect["key"] else ""
    return f"{effect['kind']} {effect['resource']}{by}"


def _remarks(report: Json) -> Iterator[tuple[str, str]]:
    seen = set()
    for problem in report["problems"]:
        seen.add((problem["tool"], problem["message"]))
        yield problem["tool"] or report["name"], f"{problem['kind']}: {problem['message']}"
    for tool in report["tools"]:
        for note in tool["notes"]:
            if (tool["name"], note) not in seen:
                yield tool["name"], note


def _summary(summary: Json) -> str:
    effects = ", ".join(f"{count} {kind}" for kind, count in summary["effects"].items())
    problems = "".join(f"; {count} {kind}" for kind, count in summary["problems"].items())
    gaps = summary["without_output_schema"]
    return f"{summary['tools']} tools: {effects}; {gaps} without an output schema{problems}"
