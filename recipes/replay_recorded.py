"""Replay recorded real sessions and count: errors that the state explains, false errors, fields set earlier.

    replay_recorded.py [--data DIR | --sample FILE] [--source NAME ...] [--split dev train test] [--world auto]
                       [--limit N] [--teacher-forced] [--out FILE]

Each recorded call goes to the simulator, its identifiers replaced by those the simulator gave (`replay/identity.py`),
nothing of the recorded answers shown to it. Three figures, per source and for all:

- recall: of recorded errors that the recorded state explains (`replay/labels.py`), how many are errors here;
- false errors: of the valid calls, how many are errors here. A call is valid where the recording has a success. Some
  of these the tool's own definition refuses (many definitions are inferred, or cut): such an error is certain, and a
  defect of the definition, not of the world. So there are two figures: of all valid calls, and *where taken*: of
  those that the definition takes, in sessions in which it has refused none before (what was refused may be what a
  later call needs). Told apart are also those where the definition refuses the ids that the simulator itself gave;
- fields set earlier (`replay/fields.py`): how many the simulator shows with the same value; of all, and of those that
  the definitions declare.

Sessions whose start is known (a fresh account, given files) run in the world `closed`, as their user would say, all
others in `auto`; `--world auto` runs all in `auto`. `--teacher-forced` tells the session what really happened after
each comparison. The scripted engine writes what is unknown: no figure depends on a model. Exit 1
where a call raises an exception.
"""

import argparse
import asyncio
import collections
import json
import os
import sys
from pathlib import Path

from replay.fields import SetFields
from replay.figures import CASCADE, REFUSED, Tally, tables
from replay.identity import MISSING, Substitution, plain
from replay.labels import Ledger
from replay.records import Library, Recording, read

from gtm import Simulator, Tool
from gtm.simulator.session import Session
from gtm.simulator.validation import check_arguments
from gtm.types import Json
from gtm.world.outcome import WorldMode

SOURCES = "aws_moto bench dns gcp github http_recorded http_recorded_mpl mcp sgd".split()
SEED = 7
TOKENS = ("clienttoken", "clientrequesttoken", "idempotencytoken")
TOKEN = "3f2b8c1e-9a4d-4c6e-8f10-2b7d5e9a1c04"
MAX_SIMULATORS = 24
"""Kept open at a time: a large API's definitions take tens of megabytes."""


class Replay:
    """Recordings, each in worlds of its own, one a domain."""

    def __init__(self, library: Library, *, world: WorldMode | None, forced: bool) -> None:
        self.tally = Tally()
        self.escapes = 0
        """Exceptions that a call raised."""
        self._library = library
        self._world = world
        self._forced = forced
        self._simulators: collections.OrderedDict[str, Simulator] = collections.OrderedDict()
        self._names: dict[str, dict[str, str]] = {}
        """Domain -> tool id -> name in the toolset."""

    async def run(self, recording: Recording) -> None:
        """Replay one session, turn by turn."""
        ledger, ids, fields = Ledger.of(recording), Substitution(), SetFields()
        worlds: dict[str, Session] = {}
        refused = False
        for turn in recording.turns:
            domain = self._library.domains[turn.tool]
            if domain not in worlds:
                worlds[domain] = await self._begin(domain, recording)
            world, name = worlds[domain], self._names[domain][turn.tool]
            before = world.snapshot()
            arguments = self._sent(domain, name, turn.arguments)
            try:
                result = await world.acall(name, ids.apply(arguments))
            except Exception as error:  # every escape is counted, and makes the recipe fail
                self.escapes += 1
                print(f"{recording.name}: {turn.tool}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
                continue
            content = MISSING if result.is_error else result.content
            tool = self._tool(domain, name)
            takes = not check_arguments(tool, arguments).violations
            if turn.is_error:
                why = ledger.explain(turn)
            else:
                why = CASCADE if refused and takes else "" if takes else REFUSED
                refused = refused or not takes
            self.tally.call(recording, turn, result, why)
            if not turn.is_error:
                for leaf in fields.shown(turn, content, ids, tool.output_schema):
                    self.tally.field(recording, turn, leaf, why)
                fields.add(turn, tool.parameters.get("properties") or () if takes else ())
                ledger.add(turn)
            if self._forced:
                world.restore(before)
                await world.aobserve(name, turn.arguments, turn.response, is_error=turn.is_error)
            elif not turn.is_error:
                ids.learn(turn.arguments, turn.response, content)

    def _tool(self, domain: str, name: str) -> Tool:
        return self._simulator(domain).toolset.by_name[name]

    def _sent(self, domain: str, name: str, arguments: dict[str, Json]) -> dict[str, Json]:
        """The arguments with the required idempotency tokens, which SDKs add below where calls were recorded."""
        required = self._tool(domain, name).parameters.get("required", ())
        tokens = {key: TOKEN for key in required if plain(key) in TOKENS}
        return {**tokens, **arguments}

    async def _begin(self, domain: str, recording: Recording) -> Session:
        mode = self._world or ("closed" if recording.known_start else "auto")
        session = self._simulator(domain).session(seed=SEED, world=mode)
        for path, text in recording.files.items():
            if "write_file" in self._simulator(domain).toolset.by_name:
                await session.aobserve("write_file", {"path": path, "content": text}, f"Successfully wrote to {path}")
        return session

    def _simulator(self, domain: str) -> Simulator:
        """Recordings come in order of their domain, so few simulators are needed at a time."""
        if domain not in self._simulators:
            if len(self._simulators) >= MAX_SIMULATORS:
                self._simulators.popitem(last=False)
            toolset = self._library.toolset(domain)
            self._names[domain] = {tool.source: tool.name for tool in toolset.tools}
            self._simulators[domain] = Simulator(toolset, model="scripted", cache=False)
        self._simulators.move_to_end(domain)
        return self._simulators[domain]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GTM_DATA"))
    parser.add_argument("--sample", type=Path, help="one file of sessions and the tools they need")
    parser.add_argument("--source", nargs="*", default=SOURCES)
    parser.add_argument("--split", nargs="*", choices=["train", "dev", "test"], default=["train", "dev", "test"])
    parser.add_argument("--world", choices=["auto", "open", "closed"])
    parser.add_argument("--limit", type=int, help="sessions of each source")
    parser.add_argument("--teacher-forced", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.sample is None and not (options.data and Path(options.data, "calls").is_dir()):
        print("no data: give --data DIR or set GTM_DATA to a folder that holds calls/ and tools/", file=sys.stderr)
        return 2
    replay = asyncio.run(_replay(options))
    report = replay.tally.report()
    print(tables(report))
    if options.out:
        options.out.write_text(
            json.dumps({"figures": report, "examples": replay.tally.examples}, indent=1), encoding="utf-8"
        )
    return 1 if replay.escapes else 0


async def _replay(options: argparse.Namespace) -> Replay:
    if options.sample:
        files = tools = [options.sample]
    else:
        files = [Path(options.data, "calls", f"{source}.jsonl.gz") for source in options.source]
        tools = sorted(Path(options.data, "tools").glob("*.jsonl.gz"))
    library = Library(tools)
    replay = Replay(library, world=options.world, forced=options.teacher_forced)
    for path in files:
        for recording in read(path, library, options.limit):
            if recording.split in options.split:
                await replay.run(recording)
    return replay


if __name__ == "__main__":
    sys.exit(main())
