"""Do simulated APIs contradict themselves? Random sessions over real toolsets, judged by who sees only the answers.

    check_world.py --data DIR [--toolsets 60] [--sequences 1000] [--steps 20] [--seed 0] [--model scripted]
                   [--out FILE]

Toolsets are the OpenAPI families of `DIR/tools/apisguru.jsonl.gz` that write and read some resource, drawn by the
seed. Prints one JSON object: steps, the share of them on tools whose effect is known, contradictions by kind. Each
contradiction becomes a line of `--out`: domain, seed and the calls that show it (the fewest where the model is
`scripted`). Exit 1 if there are any.
"""

import argparse
import asyncio
import collections
import functools
import gzip
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gtm import Simulator, Toolset
from gtm.engines.base import Engine
from gtm.eval.oracle.facts import Contradiction
from gtm.eval.oracle.memory import Oracle
from gtm.eval.oracle.reading import Route, read_toolset
from gtm.eval.oracle.wanderer import Journey, Send, Wanderer
from gtm.simulator.session import Session
from gtm.tools.catalog import load_catalog
from gtm.types import Json

PER_PROVIDER = 6
"""Families of one provider at most: their definitions are alike."""
SHRUNK = 2
"""Contradictions of one kind and toolset whose calls are written out; the rest are only counted."""
AT_ONCE = 32
"""Sessions of a real model that run at the same time: it generates for all of them in one batch."""


@dataclass
class Tally:
    sequences: int = 0
    steps: int = 0
    known: int = 0
    errors: int = 0
    invalid: int = 0
    checks: int = 0
    kinds: collections.Counter[str] = field(default_factory=collections.Counter)
    effects: collections.Counter[str] = field(default_factory=collections.Counter)
    records: list[dict[str, Json]] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GTM_DATA"))
    parser.add_argument("--toolsets", type=int, default=60)
    parser.add_argument("--sequences", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="scripted")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    file = Path(options.data or ".", "tools", "apisguru.jsonl.gz")
    if not file.is_file():
        print(f"{str(file)!r} is missing: give --data DIR or set GTM_DATA", file=sys.stderr)
        return 2
    toolsets = drawn(file, options.toolsets, options.seed)
    began = time.perf_counter()
    tally = run(toolsets, options.model, options.sequences, options.steps, options.seed)
    report = {
        "model": options.model,
        "toolsets": len(toolsets),
        "sequences": tally.sequences,
        "steps": tally.steps,
        "seconds": round(time.perf_counter() - began, 1),
        "share_on_known_effects": round(tally.known / max(1, tally.steps), 3),
        "effects": dict(tally.effects.most_common()),
        "simulated_errors": tally.errors,
        "invalid_arguments": tally.invalid,
        "comparisons": tally.checks,
        "contradictions": sum(tally.kinds.values()),
        "by_kind": dict(tally.kinds.most_common()),
    }
    print(json.dumps(report, indent=2))
    if options.out:
        options.out.write_text("".join(json.dumps(record) + "\n" for record in tally.records), encoding="utf-8")
    return 1 if tally.kinds else 0


def drawn(file: Path, count: int, seed: int) -> list[Toolset]:
    """Families that have what a session needs; only their own lines are read as tools, which is quick."""
    lines: dict[str, list[bytes]] = {}
    kinds: dict[str, set[str]] = {}
    with gzip.open(file) as opened:
        for line in opened:
            record = json.loads(line)
            method, _, path = (record.get("http") or "").partition(" ")
            lines.setdefault(record["domain"], []).append(line)
            kinds.setdefault(record["domain"], set()).add(f"{method} {path.endswith('}')}")
    fitting = [d for d, k in sorted(kinds.items()) if "GET True" in k and k & {"POST False", "PUT True"}]
    random.Random(seed).shuffle(fitting)
    chosen: list[Toolset] = []
    providers: collections.Counter[str] = collections.Counter()
    for domain in fitting:
        provider = domain.partition("/")[0]
        if len(chosen) == count:
            break
        if providers[provider] == PER_PROVIDER:
            continue
        with tempfile.TemporaryDirectory() as folder:
            own = Path(folder, "family.jsonl")
            own.write_bytes(b"".join(lines[domain]))
            (toolset,) = load_catalog(own)
        if _is_testable(read_toolset(toolset)):
            chosen.append(toolset)
            providers[provider] += 1
    return chosen


def _is_testable(routes: Sequence[Route]) -> bool:
    shown = {route.template for route in routes if route.kind == "read"}
    return any(
        (route.kind == "create" and (*route.template, "{}") in shown)
        or (route.kind == "replace" and route.template in shown)
        for route in routes
    )


def run(toolsets: Sequence[Toolset], model: str, sequences: int, steps: int, seed: int) -> Tally:
    """All sessions, spread evenly over the toolsets; those of a real model run together, as one batch."""
    engine: str | Engine = model
    planned: list[tuple[Simulator, list[Route], int]] = []
    for index, toolset in enumerate(toolsets):
        share = sequences // len(toolsets) + (index < sequences % len(toolsets))
        if share:
            simulator = Simulator(toolset, model=engine, cache=False)
            engine = simulator.engine
            routes = read_toolset(toolset)
            planned += [(simulator, routes, seed * 1_000_003 + number) for number in range(share)]
    tally = Tally()
    if model == "scripted":
        for simulator, routes, own in planned:
            send = door(simulator.session(seed=own))
            tell(tally, simulator, routes, own, wander(simulator, routes, own, steps, send), shrink=True)
        return tally
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(wander, s, r, own, steps, s.session(seed=own).call) for s, r, own in planned]
        for (simulator, routes, own), journey in zip(planned, running, strict=True):
            tell(tally, simulator, routes, own, journey.result(), shrink=False)
    return tally


def tell(
    tally: Tally, simulator: Simulator, routes: Sequence[Route], seed: int, journey: Journey, *, shrink: bool
) -> None:
    """One session's figures added; its calls are reduced only where calling again costs nothing."""
    tally.sequences += 1
    tally.steps += len(journey.calls)
    tally.errors, tally.invalid = tally.errors + journey.errors, tally.invalid + journey.invalid
    tally.checks += journey.checks
    for name, _ in journey.calls:
        kind = simulator.definitions.effects[name].kind
        tally.effects[kind] += 1
        tally.known += kind != "opaque"
    domain = simulator.toolset.tools[0].domain
    for found in journey.found:
        tally.kinds[found.kind] += 1
        if sum((r["domain"], r["kind"]) == (domain, found.kind) for r in tally.records) < SHRUNK:
            calls = journey.calls[: found.step + 1]
            calls = shrunk(simulator, routes, seed, calls, found) if shrink else calls
            tally.records.append({"domain": domain, "seed": seed, **asdict(found), "calls": calls})


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def door(session: Session) -> Send:
    """Calls without a second thread: `Session.call` would spend most of the time on changing threads."""
    return lambda name, arguments: _loop().run_until_complete(session.acall(name, arguments))


def wander(simulator: Simulator, routes: Sequence[Route], seed: int, steps: int, send: Send) -> Journey:
    """One session."""
    return Wanderer(routes, random.Random(f"{simulator.toolset.name} {seed}"), send).go(steps)


def shrunk(
    simulator: Simulator,
    routes: Sequence[Route],
    seed: int,
    calls: list[tuple[str, dict[str, Json]]],
    found: Contradiction,
) -> list[tuple[str, dict[str, Json]]]:
    """The calls without those that the contradiction does not need (walks over pages stay whole)."""
    by_name = {route.tool.name: route for route in routes}
    for at in range(len(calls) - 2, -1, -1):
        fewer = calls[:at] + calls[at + 1 :]
        if any(c.kind == found.kind and c.tool == found.tool for c in _replayed(simulator, by_name, seed, fewer)):
            calls = fewer
    return calls


def _replayed(
    simulator: Simulator, by_name: dict[str, Route], seed: int, calls: list[tuple[str, dict[str, Json]]]
) -> Iterator[Contradiction]:
    """What the last call contradicts."""
    send, oracle = door(simulator.session(seed=seed)), Oracle()
    last: list[Contradiction] = []
    for name, arguments in calls:
        last = oracle.see(by_name[name], arguments, send(name, arguments))
    yield from last


if __name__ == "__main__":
    sys.exit(main())
