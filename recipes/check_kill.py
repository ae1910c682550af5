"""Kill a busy server again and again: no acknowledged turn may be lost, none may be there by halves.

    check_kill.py [--store sqlite|postgres] [--rounds 20] [--sessions 200] [--seed 0]

Each round starts a real `gtm serve` on the same store, lets every session create, read and change things at once,
kills the server with SIGKILL at a moment drawn from the seed, starts it again and compares: each acknowledged turn is
there with the same bytes, at most one more a session, and the world is what its turns made of it. Prints a row a
round; exit 1 on any loss.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2

from gtm.types import Json, canonical

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "examples" / "specs" / "galaxy.yaml"
BUSY = (0.5, 3.0)
"""Seconds of traffic before the kill."""

Acknowledged = dict[str, list[bytes]]
"""Session -> the Results that a client was told, oldest first."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    told: Acknowledged = {f"s{number}": [] for number in range(options.sessions)}
    losses = 0
    print("round  killed after  acknowledged  unacknowledged but there  lost")
    with ExitStack() as stack:
        url = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "s.sqlite")
        if options.store == "postgres":
            sys.path.insert(0, str(ROOT))
            from tests.postgres import Postgres

            url = stack.enter_context(Postgres()).url
        for number in range(options.rounds):
            seconds = rng.uniform(*BUSY)
            with serving(url) as (server, address):
                asyncio.run(_work(server, address, told, seconds))
            with serving(url) as (_, address):
                more, problems = asyncio.run(_compare(address, told))
            acknowledged = sum(len(turns) for turns in told.values())
            print(f"{number + 1:5}  {seconds:10.2f} s  {acknowledged:12}  {more:24}  {len(problems):4}", flush=True)
            for problem in problems[:10]:
                print(f"       {problem}")
            losses += len(problems)
    print(f"{losses} losses in {options.rounds} kills ({options.store}, {options.sessions} sessions)")
    return 1 if losses else 0


@contextmanager
def serving(store: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server process, ready, and its URL."""
    command = [sys.executable, "-m", "gtm", "serve", str(SPEC), "--model", "scripted", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--store", store], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"the server did not start on {SPEC}")
            yield process, json.loads(line)["url"]
        finally:
            process.kill()


async def _work(server: subprocess.Popen[str], url: str, told: Acknowledged, seconds: float) -> None:
    """Keep every session busy until the server is killed."""
    limits = httpx2.Limits(max_connections=len(told))
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=30, trust_env=False) as http:

        async def kill() -> None:
            await asyncio.sleep(seconds)
            server.send_signal(signal.SIGKILL)

        await asyncio.gather(kill(), *(_session(http, name, turns) for name, turns in told.items()))
    server.wait()


async def _session(http: httpx2.AsyncClient, name: str, turns: list[bytes]) -> None:
    while True:
        number, last = len(turns), json.loads(turns[-1])["content"] if turns else None
        call: dict[str, Json] = {"tool": "createPlanet", "arguments": {"name": f"{name} {number}"}}
        if number % 3 and isinstance(last, dict):
            planet = {"planetId": last["id"]}
            changed = {"tool": "updatePlanet", "arguments": {**planet, "name": f"{name} {number}"}}
            call = {"tool": "getPlanet", "arguments": planet} if number % 3 == 1 else changed
        try:
            answer = await http.post(f"/_gtm/sessions/{name}/call", json=call)
        except httpx2.HTTPError:
            return
        if answer.status_code != 200:
            raise SystemExit(f"{name}: {answer.status_code} {answer.text[:300]}")
        turns.append(canonical(answer.json()))


async def _compare(url: str, told: Acknowledged) -> tuple[int, list[str]]:
    """How many turns nobody was told of, and what is wrong; what was found is what was told from here on."""
    more, problems = 0, []
    gate = asyncio.Semaphore(8)
    async with httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:

        async def one(name: str) -> None:
            nonlocal more
            async with gate:
                calls = await _get(http, f"/_gtm/sessions/{name}/calls")
                state = await _get(http, f"/_gtm/sessions/{name}/state")
            found = [canonical(call["result"]) for call in calls["calls"]] if calls else []
            known = told[name]
            if found[: len(known)] != known:
                problems.append(f"{name}: {len(known)} turns acknowledged, {len(found)} there, or others")
            if len(found) > len(known) + 1:
                problems.append(f"{name}: {len(found) - len(known)} turns that nobody asked for")
            more += len(found) > len(known)
            if _folded(calls["calls"] if calls else []) != _stored(state):
                problems.append(f"{name}: the world is not what its turns made of it")
            told[name][:] = found

        await asyncio.gather(*(one(name) for name in told))
    return more, problems


async def _get(http: httpx2.AsyncClient, path: str) -> Json:
    """The answer; None for a session that never had a turn."""
    answer = await http.get(path)
    return None if answer.status_code == 404 else answer.raise_for_status().json()


def _folded(calls: list[Json]) -> dict[Json, Json]:
    """Name of each planet by its id, as the turns tell."""
    names: dict[Json, Json] = {}
    for call in calls:
        content = call["result"]["content"]
        if call["call"]["tool"] in ("createPlanet", "updatePlanet") and not call["result"]["is_error"]:
            names[content["id"]] = content["name"]
    return names


def _stored(state: Json) -> dict[Json, Json]:
    """The same, as the world has it."""
    collections = (state or {}).items()
    rows = [row for place, held in collections if json.loads(place) == ["planet"] for row in held["documents"]]
    return {row[1]["id"]: row[1]["name"] for row in rows}


if __name__ == "__main__":
    raise SystemExit(main())
