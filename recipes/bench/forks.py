"""What forks cost: one of a world with many documents, and many that each write once.

    forks.py [--documents 10000] [--forks 10000] [--stored 1000]

In memory and, `--stored` of them, by name in an SQLite store. Prints one JSON line: milliseconds a fork (median) and
how much larger the process became.
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
from pathlib import Path

from gtm import Simulator, load_toolset
from gtm.simulator.session import Session
from gtm.types import Json
from gtm.world.store import Store

SPEC = Path(__file__).parents[2] / "examples" / "specs" / "galaxy.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--forks", type=int, default=10_000)
    parser.add_argument("--stored", type=int, default=1_000)
    options = parser.parse_args()
    report: dict[str, Json] = {"documents": options.documents}
    with (
        tempfile.TemporaryDirectory() as folder,
        Store(str(Path(folder) / "s.sqlite")) as store,
        Simulator(load_toolset(SPEC), model="scripted", cache=False) as simulator,
    ):
        memory = simulator.session()
        fill(memory, options.documents)
        report |= measured("memory", [None] * options.forks, memory)
        stored = simulator.session(store=store, name="parent")
        stored.restore(memory.snapshot())
        report |= measured("sqlite", [f"fork-{number}" for number in range(options.stored)], stored)
    print(json.dumps(report))


def fill(session: Session, documents: int) -> None:
    """Things that really happened are learned without a call of their own each."""
    for first in range(0, documents, 100):
        planets = [{"id": 1 + first + number, "name": f"planet {first + number}"} for number in range(100)]
        session.observe("getAllData", {}, {"data": planets})
    held = next(iter(dict(session.state()).values()))["documents"]
    assert len(held) == documents, len(held)


def measured(kind: str, names: list[str] | list[None], parent: Session) -> dict[str, Json]:
    gc.collect()
    before, took, kept = resident(), [], []
    for name in names:
        began = time.perf_counter()
        fork = parent.fork(name)
        took.append((time.perf_counter() - began) * 1000)
        fork.call("createPlanet", {"name": "one more"})
        kept.append(fork)
    return {
        f"{kind}_fork_ms": round(statistics.median(took), 4),
        f"{kind}_forks": len(kept),
        f"{kind}_forks_mb": round(resident() - before, 1),
    }


def resident() -> float:
    """Megabytes of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
