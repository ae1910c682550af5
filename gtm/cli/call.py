"""gtm call: call one simulated tool and print its answer.

A session file keeps the world between calls: it is read and written under a lock, so that two processes take turns.
"""

import argparse
import contextlib
import fcntl
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gtm.cli import options
from gtm.cli.terminal import say, show, show_json
from gtm.errors import SessionError, SpecError
from gtm.types import Json, Result

if TYPE_CHECKING:
    from gtm.simulator.session import Session
    from gtm.simulator.simulator import Simulator

MAX_SESSION_BYTES = 200_000_000
"""Ten thousand turns of 20 kB."""


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
    parser.add_argument("--session", metavar="FILE", help="keep the world in FILE between calls")
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
    _print(result, as_json=arguments.json)
    return 0


def _print(result: Result, *, as_json: bool) -> None:
    if as_json:
        value = result.model_dump(mode="json")
        keys = ("content", "is_error", "provenance", "status", "error", "warnings")
        show_json({key: value[key] for key in keys})
        return
    if isinstance(result.content, str):
        show(result.content)
    elif result.content is not None:
        show(json.dumps(result.content, ensure_ascii=False, indent=2))
    if result.error is not None:
        injected = ", an injected fault" if result.error.injected else ""
        say(f"the tool answered with an error: {result.error.kind}{injected}")
    for warning in result.warnings:
        say(f"note: {warning}")


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
    """A session that is saved to `--session FILE` when the call has succeeded; a fresh one without it."""
    if arguments.session is None:
        yield simulator.session()
        return
    path = Path(arguments.session)
    with _locked(path):
        session = _load(simulator, path, arguments) if path.exists() else simulator.session()
        yield session
        session.save(path)


def _load(simulator: "Simulator", path: Path, arguments: argparse.Namespace) -> "Session":
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SessionError(f"the session {str(path)!r} cannot be read: {error.strerror}") from None
    if len(data) > MAX_SESSION_BYTES:
        raise SessionError(f"the session {str(path)!r} has {len(data)} bytes; start a new one")
    try:
        saved = json.loads(data)
    except (ValueError, RecursionError):
        raise SessionError(f"the session {str(path)!r} is not JSON; delete it or name another file") from None
    session = simulator.load_session(saved)
    for option, value in (("seed", session.seed), ("world", saved["world"])):
        wanted = getattr(arguments, option)
        if wanted is not None and wanted != value:
            raise SessionError(
                f"the session {str(path)!r} was begun with --{option} {value}, not {wanted}; "
                f"leave --{option} out or name another file"
            )
    return session


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the session; a second process waits. The lock is a file of its own: saving replaces the session's."""
    try:
        lock = Path(f"{path}.lock").open("a")  # noqa: SIM115 - closed below
    except OSError as error:
        raise SessionError(
            f"the session {str(path)!r} cannot be locked: {error.strerror}; name another file"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that uses {str(path)!r}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
