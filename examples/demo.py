"""Three real toolsets, simulated: a short session in each, printed so that every line explains itself.

python examples/demo.py                 # the embedded model; weights are fetched once
python examples/demo.py --model scripted    # no weights: values are drawn from the schemas alone
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtm import Result, Simulator, load_toolset
from gtm.engines.models import open_engine
from gtm.simulator.faults import FaultRule

SPECS = Path(__file__).parent / "specs"
WIDTH = 96
ROWS = 8
"""Fields shown of one answer."""

LEGEND = """\
No tool below exists on this machine. GTM read its definition and answers in its place. Beside every value stands
where it came from:
  argument   the caller said it           state   an earlier answer said it, and it was kept
  computed   code made it (ids, errors)   model   the language model wrote it
  default    drawn from the schema, where the model left a gap"""


@dataclass(frozen=True)
class Step:
    """One call, and what a reader should see in its answer."""

    why: str
    tool: str
    arguments: dict[str, Any] | Callable[[Result], dict[str, Any]]
    """Given, or made of the answer of the write before."""


@dataclass(frozen=True)
class Scene:
    """One toolset and a session in it."""

    title: str
    spec: str
    fault: FaultRule
    steps: tuple[Step, ...]
    write: int
    """Index of the step whose answer later steps refer to."""


def by_its_id(made: Result) -> dict[str, Any]:
    return {"planetId": made.content["id"]}


SCENES = (
    Scene(
        "An HTTP API, from its OpenAPI document",
        "galaxy.yaml",
        FaultRule(kind="rate_limit", on_call=(6,), retry_after=30),
        (
            Step("READ of a planet nobody wrote: it is imagined once, then kept", "getPlanet", {"planetId": 7}),
            Step("WRITE", "createPlanet", {"name": "Kepler-22b", "description": "A warm ocean world."}),
            Step("READ OF THAT WRITE, by the id it was given", "getPlanet", by_its_id),
            Step("REFUSED: the definition wants a whole number", "getPlanet", {"planetId": "seven"}),
            Step("DELETE", "deletePlanet", by_its_id),
            Step("INJECTED FAULT: this session was told to fail its 6th call", "getAllData", {}),
            Step("READ after the delete: gone", "getPlanet", by_its_id),
        ),
        write=1,
    ),
    Scene(
        "A published MCP server, from what it answered to tools/list",
        "filesystem.mcp.json",
        FaultRule(kind="committed_timeout", on_call=(5,)),
        (
            Step("READ", "list_allowed_directories", {}),
            Step("WRITE", "write_file", {"path": "/srv/todo.txt", "content": "1. feed the cat"}),
            Step("READ OF THAT WRITE", "read_file", {"path": "/srv/todo.txt"}),
            Step("REFUSED: an argument is missing", "write_file", {"path": "/srv/todo.txt"}),
            Step("INJECTED FAULT: the answer is lost, the write is not", "write_file",
                 {"path": "/srv/todo.txt", "content": "1. feed the cat\n2. water the plants"}),
            Step("READ: so a good agent looks before it writes again", "read_file", {"path": "/srv/todo.txt"}),
        ),
        write=1,
    ),
    Scene(
        "Functions for a chat model, from an OpenAI tools file",
        "workbench.openai.json",
        FaultRule(kind="server_error", on_call=(5,)),
        (
            Step("READ: a calendar is imagined", "calendar_search_events", {"query": "planning"}),
            Step("WRITE", "calendar_create_event",
                 {"event_name": "Stand-up", "participant_email": "ada@example.com",
                  "event_start": "2026-03-02 09:00:00", "duration": "15"}),
            Step("READ OF THAT WRITE, by a search", "calendar_search_events", {"query": "Stand-up"}),
            Step("REFUSED: the definition wants text", "calendar_create_event", {"event_name": 15}),
            Step("INJECTED FAULT", "calendar_search_events", {"query": "Stand-up"}),
        ),
        write=1,
    ),
)  # fmt: skip

NEXT = """\
Next, to try:
  gtm inspect examples/specs/petstore.yaml                           what was understood of a definition
  gtm call examples/specs/petstore.yaml getPetById '{"petId": 3}'    one call
  gtm serve examples/specs/galaxy.yaml                               MCP and HTTP for your own agent
(gtm is .venv/bin/gtm; any OpenAPI document, MCP server or tools file of yours goes in the same place)"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Simulate three toolsets.")
    parser.add_argument("--model", default="gtm-135m", help="name, GGUF path, openai:NAME@URL or scripted")
    model = parser.parse_args().model
    print(LEGEND, flush=True)
    began = time.perf_counter()
    engine = open_engine(model)
    with ExitStack() as stack:
        for number, scene in enumerate(SCENES, 1):
            play(number, scene, stack.enter_context(Simulator(load_toolset(SPECS / scene.spec), model=engine)))
    calls = sum(len(scene.steps) for scene in SCENES)
    print(f"\n{calls} calls to {len(SCENES)} toolsets in {time.perf_counter() - began:.1f} s, by {model}\n\n{NEXT}")
    return 0


def play(number: int, scene: Scene, simulator: Simulator) -> None:
    toolset = simulator.toolset
    rule = "=" * WIDTH
    print(f"\n{rule}\n{number}. {scene.title}: {len(toolset.tools)} tools of {toolset.name!r}\n{rule}")
    results: list[Result] = []
    with simulator.session(seed=7, faults=[scene.fault]) as session:
        for step in scene.steps:
            arguments = step.arguments(results[scene.write]) if callable(step.arguments) else step.arguments
            print(f"\n  {step.why}")
            given = shorten(json.dumps(arguments, ensure_ascii=False), WIDTH - 12 - len(step.tool))
            print(f"  call    {step.tool} {given}")
            results.append(session.call(step.tool, arguments))
            report(results[-1])


def report(result: Result) -> None:
    """An answer: its status, then a line a field with its source."""
    status = f" {result.status}" if result.status is not None else ""
    injected = " (injected)" if result.error and result.error.injected else ""
    print(f"  answer  {'error' if result.is_error else 'ok'}{status}{injected}")
    rows = list(fields(result.content, ""))
    if not rows or result.content is None:
        print("          (no body, as documented)")
        return
    for pointer, value in rows[:ROWS]:
        shown = shorten(json.dumps(value, ensure_ascii=False), 58)
        print(f"          {label(pointer):<22} {shown:<58}  {source(result, pointer)}")
    if len(rows) > ROWS:
        print(f"          ... and {len(rows) - ROWS} more fields")


def fields(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """The leaves of an answer with their JSON pointers."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from fields(item, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from fields(item, f"{pointer}/{index}")
    else:
        yield pointer, value


def source(result: Result, pointer: str) -> str:
    """Where a leaf came from: a pointer in the provenance speaks for all below it that has none of its own."""
    while pointer and pointer not in result.provenance:
        pointer = pointer.rpartition("/")[0]
    return result.provenance.get(pointer, "")


def label(pointer: str) -> str:
    return shorten(pointer.lstrip("/").replace("/", ".") or "text", 22)


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
