"""gtm serve: serve simulated tools over MCP and HTTP.

Without a choice of doors, MCP and the paths of OpenAPI documents share one port. What to paste into a client is said
on stderr once connections are taken.
"""

import argparse
import logging
import os
import re
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gtm.cli import options
from gtm.cli.snippets import base_url, stdio_snippet, url_snippets
from gtm.cli.terminal import say, show_json
from gtm.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from gtm.serve.options import ServeOptions
    from gtm.simulator.simulator import Simulator
    from gtm.types import Toolset
    from gtm.world.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    parser.add_argument("specs", nargs="+", metavar="SPEC", help=f"{options.SPEC_HELP}; each is its own world")
    doors = parser.add_argument_group("doors (default: both on one port)")
    doors.add_argument("--mcp", choices=("stdio", "http"), help="serve MCP, over stdin and stdout or at /mcp")
    doors.add_argument("--http", action="store_true", help="serve the paths of OpenAPI documents")
    doors.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    doors.add_argument("--port", type=int, default=8765, help="port to listen on (default: 8765; 0: a free one)")
    doors.add_argument("--admin-port", type=int, metavar="N", help="give the control plane (/_gtm/) its own port")
    doors.add_argument("--prefix", default="", metavar="/P", help="put before the paths of OpenAPI documents")
    doors.add_argument("--token-env", metavar="NAME", help="environment variable with the tools' bearer token")
    doors.add_argument("--admin-token-env", metavar="NAME", help="the same for the control plane")
    options.add_simulation(parser)
    options.add_recordings(parser)
    parser.add_argument("--episodes", metavar="DIR", help="write each session's record there, as JSONL")
    keeping = parser.add_argument_group("sessions (docs/stores.md)")
    keeping.add_argument(
        "--store",
        metavar="URL",
        help="where sessions last: an SQLite file, postgresql://..., or memory (default: a file under GTM_HOME for "
        "these specs; memory with --mcp stdio)",
    )
    keeping.add_argument(
        "--retention", type=float, metavar="DAYS", help="at the start, delete sessions that were not used for so long"
    )
    options.add_config(parser)
    options.add_allow_exec(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from gtm.simulator.simulator import Simulator

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("gtm").setLevel(logging.INFO)
    chosen = _options(arguments)
    config = options.read_config(arguments)
    toolsets = options.read_toolsets(arguments.specs, allow_exec=arguments.allow_exec)
    options.say_problems(toolsets)
    if len(toolsets) > 1 and (config.cassette or config.examples or config.real):
        raise ConfigError("recordings and real tools are of one spec; serve each spec with a command of its own")
    engine = options.read_engine(config)
    with ExitStack() as stack:
        simulators = [
            stack.enter_context(Simulator(toolset, model=engine, config=own))
            for toolset, own in zip(toolsets, options.split_config(config, toolsets), strict=True)
        ]
        tools = sum(len(toolset.tools) for toolset in toolsets)
        say(f"simulating {tools} tools of {', '.join(repr(toolset.name) for toolset in toolsets)} with {engine.name}")
        store = _open_store(arguments, toolsets)
        if store is not None:
            stack.enter_context(store)
        _serve(simulators, replace(chosen, store=store), arguments)
    return 0


def _open_store(arguments: argparse.Namespace, toolsets: "list[Toolset]") -> "Store | None":
    """Where sessions last, said on stderr. Raises StoreError where what was asked for cannot be had."""
    from gtm.world.store import open_store

    if arguments.retention is not None and arguments.retention <= 0:
        raise ConfigError(f"--retention {arguments.retention:g}: give a number of days above 0")
    if arguments.store is not None:
        store = open_store(arguments.store)
    elif arguments.mcp == "stdio":
        return None  # Each client starts a server of its own, and starts afresh.
    else:
        try:
            store = open_store(str(_default_store(arguments.specs, toolsets[0].name)))
        except StoreError as error:
            say(f"{error}\nsessions are kept in memory and end with this server; --store FILE keeps them")
            return None
    if store is not None:
        gone = store.prune(arguments.retention) if arguments.retention is not None else 0
        say(f"sessions are kept in {store.name}" + (f"; {gone} old ones were deleted" if gone else ""))
    return store


def _default_store(specs: list[str], name: str) -> Path:
    """A file for these specs, wherever the server is started. Raises StoreError where its folder cannot be made."""
    from gtm.engines.models import gtm_home
    from gtm.types import digest

    sources = sorted(str(Path(spec).absolute()) if Path(spec).exists() else spec for spec in specs)
    folder = gtm_home() / "sessions"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {str(folder)!r} for sessions cannot be made: {error.strerror}") from None
    return folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', name)[:60]}-{digest(sources)[:12]}.sqlite"


def _serve(simulators: "list[Simulator]", chosen: "ServeOptions", arguments: argparse.Namespace) -> None:
    if arguments.mcp == "stdio":
        from gtm.serve.mcp import serve_stdio

        if sys.stdin.isatty():
            say(stdio_snippet(arguments.specs))
        serve_stdio(simulators, chosen)
        return
    from gtm.serve.app import serve

    toolsets = [simulator.toolset for simulator in simulators]

    def ready(port: int) -> None:
        say(url_snippets(toolsets, chosen, port))
        if arguments.json:
            show_json({"url": base_url(chosen, port), "port": port})

    serve(simulators, chosen, ready)


def _options(arguments: argparse.Namespace) -> "ServeOptions":
    from gtm.serve.options import ServeOptions

    if arguments.mcp == "stdio" and arguments.json:
        raise ConfigError("--mcp stdio keeps stdout for the protocol; leave --json out")
    if arguments.mcp == "stdio" and arguments.http:
        raise ConfigError("--mcp stdio has no port that --http could share; use --mcp http --http, or two commands")
    any_door = arguments.mcp is not None or arguments.http
    return ServeOptions(
        mcp=arguments.mcp is not None or not any_door,
        http=arguments.http or not any_door,
        host=arguments.host,
        port=arguments.port,
        admin_port=arguments.admin_port,
        token=_token(arguments.token_env),
        admin_token=_token(arguments.admin_token_env),
        prefix=arguments.prefix,
        seed=arguments.seed,
        episodes_dir=_folder(arguments.episodes),
    )


def _token(name: str | None) -> str | None:
    """A secret, named by its environment variable: a command line is visible to other users."""
    if name is None:
        return None
    token = os.environ.get(name)
    if not token:
        raise ConfigError(f"the environment variable {name!r} is not set; put the token there")
    return token


def _folder(name: str | None) -> Path | None:
    if name is None:
        return None
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{name!r} cannot be made a folder for Episodes: {error.strerror}") from None
    return Path(name)
