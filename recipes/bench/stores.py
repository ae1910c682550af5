"""Calls per second of sessions in memory, in SQLite and in PostgreSQL, with the scripted engine, in one process.

    stores.py [--calls 4000] [--rounds 5] [--postgres URL]

Each round runs every store on the same calls, 32 sessions at once and one alone; the medians of the ratios to memory
are reported. Without `--postgres` a server is started for the time of the run, where PostgreSQL is installed. Prints
one JSON line.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from gtm import Simulator, load_toolset
from gtm.types import Json
from gtm.world.store import Store

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "examples" / "specs" / "galaxy.yaml"
TURN = ("createPlanet", "getPlanet", "updatePlanet", "getPlanet", "getPlanet", "getAllData")
"""What a session does, again and again."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--postgres", metavar="URL")
    options = parser.parse_args()
    report: dict[str, Json] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stores: dict[str, Store | None] = {"memory": None, "sqlite": Store(str(Path(folder) / "s.sqlite"))}
        url = options.postgres or _started(stack)
        if url is not None:
            stores["postgres"] = Store(url)
        for store in stores.values():
            if store is not None:
                stack.enter_context(store)
        for sessions in (32, 1):
            report |= _compared(
                stores, sessions, options.calls if sessions > 1 else options.calls // 4, options.rounds
            )
    print(json.dumps(report))


def _started(stack: ExitStack) -> str | None:
    sys.path.insert(0, str(ROOT))
    from tests.postgres import Missing, Postgres

    try:
        return stack.enter_context(Postgres()).url
    except Missing as reason:
        print(f"without PostgreSQL: {reason}", file=sys.stderr)
        return None


def _compared(stores: dict[str, Store | None], sessions: int, calls: int, rounds: int) -> dict[str, Json]:
    simulator = Simulator(load_toolset(SPEC), model="scripted", cache=False)
    asyncio.run(_run(simulator, None, sessions, calls, "warm-up"))
    rates: dict[str, list[float]] = {name: [] for name in stores}
    for number in range(rounds):
        for name, store in stores.items():
            rates[name].append(asyncio.run(_run(simulator, store, sessions, calls, f"b{sessions}-{number}")))
    report: dict[str, Json] = {}
    for name, found in rates.items():
        report[f"{name}_{sessions}_calls_per_second"] = round(statistics.median(found))
        if name != "memory":
            ratios = [rate / memory for rate, memory in zip(found, rates["memory"], strict=True)]
            report[f"{name}_{sessions}_to_memory"] = round(statistics.median(ratios), 3)
    return report


async def _run(simulator: Simulator, store: Store | None, sessions: int, calls: int, name: str) -> float:
    opened = [
        simulator.session(seed=number, store=store, name=None if store is None else f"{name}-{number}")
        for number in range(sessions)
    ]

    async def work(number: int) -> None:
        key = 0
        for turn in range(calls // sessions):
            tool = TURN[turn % len(TURN)]
            arguments: dict[str, Json] = {} if tool == "getAllData" else {"planetId": key}
            if tool in ("createPlanet", "updatePlanet"):
                arguments = {**(arguments if key else {}), "name": f"planet {turn}"}
            if tool == "createPlanet":
                arguments.pop("planetId", None)
            result = await opened[number].acall(tool, arguments)
            if tool == "createPlanet":
                key = result.content["id"]

    began = time.perf_counter()
    await asyncio.gather(*(work(number) for number in range(sessions)))
    return calls / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
