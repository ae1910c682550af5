"""Prove on real definitions that every success validates and is not empty.

    check_catalog.py [--data DIR | --files FILE ...] [--tools 2000] [--model scripted] [--seed 0] [--in-flight 32]

Samples tools of the catalog, makes one valid call each and calls it through `Simulator`. Prints one JSON object:
calls, errors by kind, results that break their schema (must be 0), empty ones, leaves per result, relaxed and
repaired. Exit 1 where a result breaks its schema or an exception escapes.
"""

import argparse
import asyncio
import collections
import json
import os
import random
import statistics
import sys
import time
from pathlib import Path

from gtm import Simulator, Tool, Toolset
from gtm.simulator.validation import check_arguments, compile_validator
from gtm.tools.catalog import iter_catalog
from gtm.tools.sampler import sample_arguments
from gtm.types import Json


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GTM_DATA"))
    parser.add_argument("--files", type=Path, nargs="*", help="collections to sample instead of a data folder's")
    parser.add_argument("--tools", type=int, default=2000)
    parser.add_argument("--model", default="scripted")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--in-flight", type=int, default=32)
    options = parser.parse_args()
    files = options.files or sorted(Path(options.data or ".", "tools").glob("*.jsonl.gz"))
    if not files:
        print("no data: give --data DIR or set GTM_DATA to a folder that holds tools/*.jsonl.gz", file=sys.stderr)
        return 2
    tools = _sampled(files, options.tools, options.seed)
    report = asyncio.run(_run(tools, options.model, options.seed, options.in_flight))
    print(json.dumps(report, indent=2))
    return 1 if report["breaks_schema"] or report["exceptions"] else 0


def _sampled(files: list[Path], count: int, seed: int) -> list[Tool]:
    """A reservoir over all files, so that every tool is as likely."""
    rng, kept = random.Random(seed), list[Tool]()
    for index, tool in enumerate(iter_catalog(files)):
        if len(kept) < count:
            kept.append(tool)
        elif (at := rng.randrange(index + 1)) < count:
            kept[at] = tool
    return kept


async def _run(tools: list[Tool], model: str, seed: int, in_flight: int) -> dict[str, Json]:
    tally: collections.Counter[str] = collections.Counter()
    leaves: list[int] = []
    gate = asyncio.Semaphore(in_flight)
    shared = Simulator(_alone(tools[0]), model=model)  # opens the engine and the cache once for all
    began = time.perf_counter()

    async def one(tool: Tool) -> None:
        async with gate:
            try:
                await _call(tool, shared, seed, tally, leaves)
            except Exception as error:  # every escape is counted, and makes the recipe fail
                tally["exceptions"] += 1
                print(f"{tool.source}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)

    await asyncio.gather(*(one(tool) for tool in tools))
    took = time.perf_counter() - began
    await shared.aclose()
    return {
        "model": shared.model,
        "calls": tally["calls"],
        "calls_per_second": round(tally["calls"] / took, 1),
        "successes": tally["successes"],
        "validated": tally["validated"],
        "breaks_schema": tally["breaks_schema"],
        "empty_though_declared": tally["empty"],
        "exceptions": tally["exceptions"],
        "arguments_unsampled": tally["unsampled"],
        "errors": {key[6:]: n for key, n in sorted(tally.items()) if key.startswith("error:")},
        "with_defaults": tally["defaults"],
        "leaves_per_result": {
            "mean": round(statistics.mean(leaves), 1) if leaves else 0,
            "median": statistics.median(leaves) if leaves else 0,
            "max": max(leaves, default=0),
        },
    }


async def _call(
    tool: Tool, shared: Simulator, seed: int, tally: "collections.Counter[str]", leaves: list[int]
) -> None:
    try:
        arguments = sample_arguments(tool, random.Random(seed))
    except ValueError:
        tally["unsampled"] += 1
        return
    if check_arguments(tool, arguments).violations:
        tally["unsampled"] += 1
        return
    simulator = Simulator(_alone(tool), model=shared.engine)
    result = await simulator.session(seed=seed, world="open").acall(tool.name, arguments)
    tally["calls"] += 1
    if result.is_error and result.error is not None:
        tally[f"error:{result.error.kind}"] += 1
        return
    tally["successes"] += 1
    tally["defaults"] += "default" in result.provenance.values()
    leaves.append(_count(result.content))
    definition = simulator.definitions.get(tool.name)
    schema = tool.output_schema
    if schema is None or definition is None or definition.shape is None:
        return
    tally["validated"] += 1
    if not compile_validator(schema).is_valid(result.content):
        tally["breaks_schema"] += 1
        print(f"{tool.source}: {json.dumps(result.content)[:300]}", file=sys.stderr)
    if definition.shape.leaves and result.content in ({}, None):
        tally["empty"] += 1


def _alone(tool: Tool) -> Toolset:
    return Toolset(name=tool.domain or "one", kind="catalog", tools=(tool,))


def _count(value: Json) -> int:
    if isinstance(value, dict):
        return sum(_count(item) for item in value.values())
    return sum(_count(item) for item in value) if isinstance(value, list) else 1


if __name__ == "__main__":
    sys.exit(main())
