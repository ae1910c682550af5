"""Options that several verbs share, and what is made of them: toolsets, a configuration, an engine.

Precedence: flag, then `gtm.yaml`, then the default.
"""

import argparse
import fnmatch
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gtm.cli.terminal import Progress, say
from gtm.errors import ConfigError

if TYPE_CHECKING:
    from gtm.engines.base import Engine
    from gtm.simulator.config import Config
    from gtm.types import Toolset

SPEC_HELP = (
    "tool definitions: OpenAPI, OpenAI or Anthropic tools, an MCP tools/list dump, an mcp.json, a catalog JSONL; "
    "or the URL or quoted command line of a live MCP server"
)


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config` and `--json`."""
    parser.add_argument("--config", metavar="FILE", help="a gtm.yaml (gtm doctor --schema prints its JSON Schema)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_allow_exec(parser: argparse.ArgumentParser) -> None:
    """`--allow-exec`."""
    parser.add_argument("--allow-exec", action="store_true", help="start the commands that an mcp.json names")


def add_simulation(parser: argparse.ArgumentParser) -> None:
    """What every simulation can be told."""
    parser.add_argument(
        "--model", metavar="M", help="name, path of a GGUF, openai:NAME@URL or scripted (default: gtm-135m)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="another seed is another world (default: 0)")
    parser.add_argument(
        "--world",
        choices=("auto", "open", "closed"),
        help="what a never seen key is (default: auto; docs/concepts.md)",
    )
    parser.add_argument(
        "--faults", metavar="F", help="calm, flaky, hostile, or a file with a list of faults (docs/faults.md)"
    )


def add_recordings(parser: argparse.ArgumentParser) -> None:
    """Who answers besides the simulation."""
    parser.add_argument("--cassette", metavar="FILE", help="recorded calls, which are replayed (docs/recordings.md)")
    parser.add_argument(
        "--cassette-mode",
        choices=("none", "once", "new_episodes", "all"),
        help="other calls are refused, added if the file is new, added, or all is recorded anew (default: none)",
    )
    parser.add_argument("--examples", metavar="FILE", help="recorded calls that only show how the tools answer")
    parser.add_argument("--real", metavar="R", help="URL or command line of the real tools, which answer the rest")


def read_config(arguments: argparse.Namespace) -> "Config":
    """The configuration with the flags laid over it."""
    from gtm.simulator.config import Config, load_faults

    config = Config.load(arguments.config) if arguments.config else Config()
    given = vars(arguments)
    over = {name: given[name] for name in ("model", "seed", "world") if given.get(name) is not None}
    if given.get("faults"):
        over["faults"] = load_faults(given["faults"])
    return config.model_copy(update={**over, **_recordings(config, given)})


def _recordings(config: "Config", given: dict[str, Any]) -> dict[str, object]:
    """What the flags about recordings change."""
    from gtm.simulator.config import CassetteConfig
    from gtm.simulator.upstream import Target

    over: dict[str, object] = {}
    mode = given.get("cassette_mode")
    if given.get("cassette"):
        over["cassette"] = CassetteConfig(file=given["cassette"], mode=mode or "none")
    elif mode and config.cassette is None:
        raise ConfigError("--cassette-mode needs a cassette; name its file with --cassette")
    elif mode and config.cassette is not None:
        over["cassette"] = config.cassette.model_copy(update={"mode": mode})
    if given.get("examples"):
        over["examples"] = given["examples"]
    if given.get("real"):
        over |= {"real": given["real"], "mode": config.mode or "real"}
    elif config.real is not None and Target.of(config.real).is_command and not given.get("allow_exec"):
        raise ConfigError("the configuration names a command as 'real'; allow it with --allow-exec")
    return over


def read_toolsets(specs: Sequence[str], *, allow_exec: bool) -> "list[Toolset]":
    """All toolsets of all specs."""
    from gtm.tools.load import load_toolsets

    return [toolset for spec in specs for toolset in load_toolsets(spec, allow_exec=allow_exec)]


def split_config(config: "Config", toolsets: "Sequence[Toolset]") -> "list[Config]":
    """The part of one configuration that is about each toolset. Raises ConfigError where a name fits none of them."""
    from gtm.simulator.definitions import Definitions

    parts: list[Config] = []
    homeless = dict(config.initial)
    unused = [*config.tools, *(pattern for rule in config.faults for pattern in rule.tools)]
    for toolset in toolsets:
        names = toolset.by_name
        tools = {name: tool for name, tool in config.tools.items() if name in names}
        faults = []
        for rule in config.faults:
            patterns = tuple(pattern for pattern in rule.tools if _fits(names, pattern))
            if patterns:
                clearing = tuple(pattern for pattern in rule.cleared_by if _fits(names, pattern))
                faults.append(rule.model_copy(update={"tools": patterns, "cleared_by": clearing}))
        part = config.model_copy(update={"tools": tools, "faults": tuple(faults), "initial": {}})
        if config.initial:
            resources = {effect.resource for effect in Definitions(toolset, part).effects.values()}
            initial = {name: given for name, given in config.initial.items() if name in resources}
            homeless = {name: given for name, given in homeless.items() if name not in initial}
            part = part.model_copy(update={"initial": initial})
        parts.append(part)
        unused = [pattern for pattern in unused if not _fits(names, pattern)]
    if homeless:  # the first toolset says which resources it knows
        parts[0] = parts[0].model_copy(update={"initial": {**parts[0].initial, **homeless}})
    if unused:
        known = ", ".join(repr(toolset.name) for toolset in toolsets)
        raise ConfigError(f"{unused[0]!r} in the configuration fits no tool of {known}; check its spelling")
    return parts


def _fits(names: Iterable[str], pattern: str) -> bool:
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for name in names)


def read_engine(config: "Config") -> "Engine":
    """The configured engine; weights that are not there yet are fetched, with progress on stderr."""
    from gtm.engines.models import open_engine

    progress = Progress()
    try:
        return open_engine(config.model, strict=config.strict, progress=progress)
    finally:
        progress.close()


def say_problems(toolsets: "Sequence[Toolset]") -> None:
    """One line on stderr for each toolset of which something had to be refused or renamed."""
    for toolset in toolsets:
        refused = sum(problem.kind == "refused" for problem in toolset.problems)
        renamed = sum(problem.kind == "renamed" for problem in toolset.problems)
        if refused or renamed:
            say(f"{toolset.name}: {refused} definitions refused, {renamed} renamed; gtm inspect says why")
