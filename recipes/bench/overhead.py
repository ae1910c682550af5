"""What a call costs besides generation, and what a start costs.

    overhead.py [--calls 5000]

In process: a keyed read of a stored thing (nothing to generate), async and through the sync door. Start: `import gtm`
and `gtm call` with weights ready and no cached answer, each in new processes, the median. Prints one JSON line.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gtm import Simulator, load_toolset
from gtm.types import Json

SPEC = Path(__file__).parents[2] / "examples" / "specs" / "galaxy.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args()
    simulator = Simulator(load_toolset(SPEC), model="scripted", cache=False)
    report: dict[str, Json] = {
        "async_ms": asyncio.run(_timed(simulator, options.calls)),
        "sync_ms": _timed_sync(simulator, options.calls),
        "import_s": _started([sys.executable, "-c", "import gtm"], options.starts),
        "python_s": _started([sys.executable, "-c", "pass"], options.starts),
        "call_cold_s": _cold(options.starts),
        "torch_imported": _imports_torch(),
    }
    print(json.dumps(report))


async def _timed(simulator: Simulator, calls: int) -> dict[str, float]:
    session = simulator.session(seed=1)
    made = await session.acall("createPlanet", {"name": "Ceres"})
    took: list[float] = []
    for _ in range(calls):
        if len(took) % 500 == 0:
            session = session.fork()
        began = time.perf_counter()
        await session.acall("getPlanet", {"planetId": made.content["id"]})
        took.append(time.perf_counter() - began)
    return _percentiles(took)


def _timed_sync(simulator: Simulator, calls: int) -> dict[str, float]:
    session = simulator.session(seed=1)
    key = session.call("createPlanet", {"name": "Ceres"}).content["id"]
    took: list[float] = []
    for _ in range(calls):
        began = time.perf_counter()
        session.call("getPlanet", {"planetId": key})
        took.append(time.perf_counter() - began)
    return _percentiles(took)


def _percentiles(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {f"p{p}": round(ordered[len(ordered) * p // 100] * 1000, 3) for p in (50, 99)}


def _started(command: list[str], times: int, **environment: str) -> float:
    took: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})
        took.append(time.perf_counter() - began)
    return round(statistics.median(took), 3)


def _cold(times: int) -> float:
    """`gtm call` that must generate: a seed nobody used, so that no cached answer helps."""
    took: list[float] = []
    for index in range(times):
        seed = str(time.time_ns() % 10**12 + index)
        command = [sys.executable, "-m", "gtm", "call", str(SPEC), "getPlanet", '{"planetId": 5}', "--seed", seed]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=tempfile.gettempdir())
        took.append(time.perf_counter() - began)
    return round(statistics.median(took), 3)


def _imports_torch() -> bool:
    code = "import sys, gtm.simulator.simulator, gtm.serve.app, openvino_genai; print('torch' in sys.modules)"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.strip() == b"True"


if __name__ == "__main__":
    main()
