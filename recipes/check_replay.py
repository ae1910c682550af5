"""Recorded Episodes run again in new processes: are the bytes the same?

    check_replay.py [--data DIR] [--episodes 1000] [--steps 8] [--model scripted] [--fresh] [--strict]

Records random sessions over the examples' toolsets and, with `--data`, over 60 families of the catalog; then two new
processes repeat their calls, one with 1 and one with 32 sessions at a time, and compare `Episode.comparable()`.
A record does not keep secrets, so a call that was refused for a wrong secret is the one that it cannot repeat: none
is made here. `--fresh` keeps no response cache: every answer is generated again, which measures the engine
(`--strict`: its strict mode). Prints JSON; exit 1 where a run that used the cache differs.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gtm import Episode, Simulator, Toolset, load_toolset
from gtm.simulator.config import Config
from gtm.tools.catalog import load_catalog
from gtm.tools.sampler import sample_arguments
from gtm.tools.view import View, is_secret
from gtm.types import Json

SPECS = Path(__file__).parent.parent / "examples" / "specs"
FAMILIES = 60
IN_FLIGHT = (1, 32)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GTM_DATA"))
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--model", default="scripted")
    parser.add_argument("--fresh", action="store_true", help="generate every answer again")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--again", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--in-flight", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.again:
        print(json.dumps(asyncio.run(_repeat(options))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        record, chosen = Path(folder, "episodes.jsonl"), Path(folder, "toolsets.jsonl")
        chosen.write_text("".join(f"{t.model_dump_json()}\n" for t in _choose(options.data)), encoding="utf-8")
        began = time.perf_counter()
        asyncio.run(_record(options, record))
        report: dict[str, Json] = {
            "model": options.model,
            "fresh": options.fresh,
            "strict": options.strict,
            "recorded_s": round(time.perf_counter() - began, 1),
        }
        for in_flight in IN_FLIGHT:
            command = [sys.executable, __file__, *sys.argv[1:], "--again", str(record), "--in-flight", str(in_flight)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            report[f"{in_flight}_at_a_time"] = json.loads(done.stdout)
    print(json.dumps(report, indent=2))
    differs = any(report[f"{n}_at_a_time"]["differing"] for n in IN_FLIGHT)
    return 1 if differs and not options.fresh else 0


def _choose(data: Path | None) -> Iterator[Toolset]:
    for path in sorted(SPECS.iterdir()):
        yield load_toolset(str(path))
    if data is not None:
        families = [t for t in load_catalog(Path(data, "tools", "apisguru.jsonl.gz")) if 4 <= len(t.tools) <= 60]
        yield from random.Random(0).sample(families, FAMILIES)


def _simulator(toolset: Toolset, options: argparse.Namespace, shared: Simulator | None) -> Simulator:
    model = options.model if shared is None else shared.engine
    config = Config(strict=options.strict)
    return Simulator(toolset, model=model, config=config, cache=shared is None and not options.fresh)


def _toolsets(record: Path) -> list[Toolset]:
    lines = record.with_name("toolsets.jsonl").read_text(encoding="utf-8").splitlines()
    return [Toolset.model_validate_json(line) for line in lines]


async def _record(options: argparse.Namespace, path: Path) -> None:
    """Random walks: valid arguments, keys that were seen before taken up again half of the time."""
    simulators: list[Simulator] = []
    for toolset in _toolsets(path):
        simulators.append(_simulator(toolset, options, simulators[0] if simulators else None))
    for number in range(options.episodes):
        rng = random.Random(number)
        simulator = simulators[number % len(simulators)]
        session = simulator.session(seed=number)
        seen: list[Json] = []
        for _ in range(options.steps):
            tool = rng.choice(simulator.toolset.tools)
            try:
                arguments = sample_arguments(tool, rng)
            except ValueError:
                continue
            for name in (tool.parameters.get("required") or ()) if seen and rng.random() < 0.5 else ():
                if not is_secret(View(tool.parameters, tool.parameters).child(name), name):
                    arguments[name] = rng.choice(seen)
            result = await session.acall(tool.name, arguments)
            if isinstance(result.content, dict):
                seen += [value for value in result.content.values() if isinstance(value, str | int)]
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in session.episode.lines())
    await simulators[0].aclose()


async def _repeat(options: argparse.Namespace) -> dict[str, Json]:
    recorded = Episode.read(options.again.read_text(encoding="utf-8").split("\n"))
    simulators: dict[str, Simulator] = {}
    shared: Simulator | None = None
    for toolset in _toolsets(options.again):
        simulators[toolset.digest] = _simulator(toolset, options, shared)
        shared = shared or simulators[toolset.digest]
    assert shared is not None
    gate = asyncio.Semaphore(options.in_flight)
    differing: list[str] = []

    async def again(episode: Episode) -> None:
        async with gate:
            session = simulators[episode.toolset_digest].session(seed=episode.seed)
            for turn in episode.turns:
                await session.acall(turn.call.tool, turn.call.arguments)
            if session.episode.comparable() != episode.comparable():
                pairs = zip(session.episode.turns, episode.turns, strict=True)
                exclude = {"latency_ms"}
                first = next(
                    t for new, t in pairs if new.model_dump(exclude=exclude) != t.model_dump(exclude=exclude)
                )
                differing.append(f"{episode.toolset}: {first.call.tool}")

    began = time.perf_counter()
    await asyncio.gather(*(again(episode) for episode in recorded))
    took = time.perf_counter() - began
    await shared.aclose()
    calls = sum(len(episode.turns) for episode in recorded)
    return {
        "episodes": len(recorded),
        "calls": calls,
        "differing": len(differing),
        "calls_per_second": round(calls / took, 1),
        "examples": sorted(differing)[:5],
    }


if __name__ == "__main__":
    sys.exit(main())
