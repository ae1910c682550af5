"""gtm call: call one simulated tool and print its answer.

A session file keeps the world between calls: a store with one session, `default`, that `gtm serve --store` takes too.
Two processes take turns.
"""

import argparse
import contextlib
import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gtm.cli import options
from gtm.cli.terminal import say, show, show_json, table
from gtm.errors import SpecError
from gtm.types import Json, Result

if TYPE_CHECKING:
    from gtm.simulator.explain import Explanation
    from gtm.simulator.session import Session
    from gtm.simulator.simulator import Simulator

SESSION = "default"
"""The file's session: the one that callers of a server share who name none."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    parser.add_argument("spec", metavar="SPEC", help=options.SPEC_HELP)
    parser.add_argument("tool", metavar="TOOL", help="a tool's name (gtm inspect SPEC lists them)")
    parser.add_argument(
        "arguments",
        nargs="?",
        default="{}",
        metavar="JSON",
        help="its arguments: a JSON object, @FILE, or - for stdin",
    )
    options.add_simulation(parser)
    options.add_recordings(parser)
    parser.add_argument("--session", metavar="FILE", help="keep the world in FILE between calls")
    parser.add_argument("--explain", action="store_true", help="say why, field by field")
    options.add_config(parser)
    options.add_allow_exec(parser)


def run(arguments: argparse.Namespace) -> int:
    """Call the tool once."""
    from gtm.simulator.simulator import Simulator
    from gtm.tools.load import load_toolset

    given = _read_arguments(arguments.arguments)
    config = options.read_config(arguments)
    toolset = load_toolset(arguments.spec, allow_exec=arguments.allow_exec)
    if arguments.tool not in toolset.by_name:
        raise SpecError(_no_tool(arguments.tool, list(toolset.by_name), toolset.name))
    simulator = Simulator(toolset, model=options.read_engine(config), config=config)
    with simulator, _kept(simulator, arguments) as session:
        result = session.call(arguments.tool, given)
        explanation = session.explain() if arguments.explain else None
    _print(result, explanation, as_json=arguments.json)
    return 0


def _print(result: Result, explanation: "Explanation | None", *, as_json: bool) -> None:
    if as_json:
        value = result.model_dump(mode="json")
        keys = ("content", "is_error", "provenance", "status", "error", "warnings", "fault", "delay_ms")
        shown = {key: value[key] for key in keys if key in value}
        show_json(shown if explanation is None else {**shown, "explanation": explanation.model_dump(mode="json")})
        return
    if isinstance(result.content, str):
        show(result.content)
    elif result.content is not None:
        show(json.dumps(result.content, ensure_ascii=False, indent=2))
    if result.error is not None:
        injected = ", an injected fault" if result.error.injected else ""
        say(f"the tool answered with an error: {result.error.kind}{injected}")
    elif result.fault is not None:
        say(f"an injected fault: {result.fault.kind}{f' ({result.fault.detail})' if result.fault.detail else ''}")
    for warning in result.warnings:
        say(f"note: {warning}")
    if explanation is not None:
        show("\n" + _reasons(explanation))


def _reasons(explanation: "Explanation") -> str:
    lines = [f"Call {explanation.call} of the session, {explanation.tool}:"]
    lines += [f"  {step}" for step in explanation.steps]
    rows = [
        (field.pointer or "(all)", textwrap.shorten(json.dumps(field.value, ensure_ascii=False), 40), field.why)
        for field in explanation.fields
    ]
    lines += ["", table(("field", "value", "from"), rows)] if rows else []
    lines += [f"and {explanation.omitted} more fields"] if explanation.omitted else []
    return "\n".join(lines)


def _read_arguments(given: str) -> dict[str, Json]:
    """The JSON object on the command line, in a file or on stdin."""
    from gtm.tools.document import parse_line

    if given == "-":
        data, source = sys.stdin.buffer.read(), "stdin"
    elif given.startswith("@"):
        source = given[1:]
        try:
            data = Path(source).read_bytes()
        except OSError as error:
            raise SpecError(f"{source!r} cannot be read: {error.strerror}; check the path after '@'") from None
    else:
        data, source = given.encode("utf-8", "surrogateescape"), "JSON"
    value = parse_line(data, source)
    if not isinstance(value, dict):
        raise SpecError(
            f"the arguments are {type(value).__name__}, not an object; write them as '{{\"name\": value}}'"
        )
    return value


def _no_tool(name: str, known: list[str], toolset: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else "gtm inspect lists them"
    return f"there is no tool {name!r} in {toolset!r}; {hint}"


@contextlib.contextmanager
def _kept(simulator: "Simulator", arguments: argparse.Namespace) -> "Iterator[Session]":
    """The session of `--session FILE`; a fresh one without it."""
    if arguments.session is None:
        yield simulator.session()
        return
    from gtm.world.store import Store

    def wait() -> None:
        say(f"waiting for another process that uses {arguments.session!r}")

    with Store(arguments.session, on_wait=wait) as store:
        yield simulator.session(store=store, name=SESSION, seed=arguments.seed, world=arguments.world)
