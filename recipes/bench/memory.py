"""Memory of `gtm serve` with the embedded model and many open sessions.

    memory.py [--sessions 1000] [--turns 20]

Each session creates, reads, updates and lists over the control plane; all have one seed, so that what must be
generated is generated once and the measurement ends the same day. Prints one JSON line; sizes in MB.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

import httpx2
from serving import SPEC, running

from gtm.types import Json


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=20)
    options = parser.parse_args()
    with running([sys.executable, "-m", "gtm", "serve", str(SPEC), "--store", "memory", "--port"]) as port:
        report = asyncio.run(_fill(port, options.sessions, options.turns))
    print(json.dumps(report))


async def _fill(port: int, sessions: int, turns: int) -> dict[str, Json]:
    gate = asyncio.Semaphore(32)
    limits = httpx2.Limits(max_connections=32)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=300) as client:

        async def call(session: str, tool: str, arguments: Json) -> Json:
            answer = await client.post(f"/_gtm/sessions/{session}/call", json={"tool": tool, "arguments": arguments})
            answer.raise_for_status()
            return answer.json()

        async def one(number: int) -> None:
            async with gate:
                name = f"bench-{number}"
                (await client.post("/_gtm/sessions", json={"id": name, "seed": 1})).raise_for_status()
                made = await call(name, "createPlanet", {"name": "Ceres"})
                planet = {"planetId": made["content"]["id"]}
                for turn in range(turns - 1):
                    tool = ("getPlanet", "updatePlanet", "getAllData")[turn % 3]
                    fields = {"name": f"Ceres {turn}"} if tool == "updatePlanet" else {}
                    await call(name, tool, {} if tool == "getAllData" else {**planet, **fields})

        before = _resident(port)
        await one(0)
        loaded = _resident(port)
        await asyncio.gather(*(one(number) for number in range(1, sessions)))
        return {
            "sessions": sessions,
            "turns": turns,
            "rss_idle_mb": before,
            "rss_model_mb": loaded,
            "rss_mb": _resident(port),
        }


def _resident(port: int) -> int:
    """Resident memory of the process that listens on a port."""
    wanted = f"{port:04X}"
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(":" + wanted) and line.split()[3] == "0A"
    }
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _owns(process, inodes):
            status = (process / "status").read_text()
            return int(status.split("VmRSS:")[1].split()[0]) // 1024
    raise SystemExit(f"no process listens on port {port}")


def _owns(process: Path, inodes: set[str]) -> bool:
    try:
        links = [str(link.readlink()) for link in (process / "fd").iterdir()]
    except OSError:
        return False
    return any(f"socket:[{inode}]" in links for inode in inodes)


if __name__ == "__main__":
    main()
