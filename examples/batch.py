"""Many agents at once: one engine batch, one world each, the same answers as one by one.

python examples/batch.py [MODEL]
"""

import asyncio
import sys
from pathlib import Path

from gtm import Result, Simulator, load_toolset

MODEL = (sys.argv[1:] or ["gtm-135m"])[0]
SPEC = Path(__file__).parent / "specs" / "galaxy.yaml"


async def agent(simulator: Simulator, seed: int) -> list[Result]:
    """An agent of its own: reads, then writes, in its own session."""
    async with simulator.asession(seed=seed) as session:
        first = await session.acall("getPlanet", {"planetId": 1})
        return [first, await session.acall("createPlanet", {"name": f"Planet of agent {seed}"})]


async def agents(simulator: Simulator) -> list[list[Result]]:
    return await asyncio.gather(*(agent(simulator, seed) for seed in range(4)))


with Simulator(load_toolset(SPEC), model=MODEL) as simulator:
    sessions = [simulator.session(seed=seed) for seed in range(4)]
    batch = simulator.call_batch([(session, "getPlanet", {"planetId": 1}) for session in sessions])
    for session, result in zip(sessions, batch, strict=True):
        print(f"seed {session.seed}: {result.content['name']}")

    alone = [results[0].text for results in simulator.run(agents, simulator)]
    print("the same one by one:", alone == [result.text for result in batch])
