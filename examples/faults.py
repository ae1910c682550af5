"""Failures on demand: a limit that lifts, a write whose answer is lost, a bad day by name.

python examples/faults.py [MODEL]
"""

import sys
from pathlib import Path

from gtm import Result, Simulator, load_toolset

MODEL = (sys.argv[1:] or ["gtm-135m"])[0]
HERE = Path(__file__).parent


def show(what: str, result: Result) -> None:
    fault = f"{result.fault.kind} ({result.fault.detail})" if result.fault else "ok"
    print(f"  {what:<28} {fault}")


with Simulator(load_toolset(HERE / "specs" / "galaxy.yaml"), model=MODEL) as simulator:
    print("a rate limit lifts when the clock has passed it")
    with simulator.session(faults=[{"kind": "rate_limit", "on_call": [1], "retry_after": 60}]) as session:
        refused = session.call("createPlanet", {"name": "Ceres"})
        show("first call", refused)
        show("at once again", session.call("createPlanet", {"name": "Ceres"}))
        if refused.error is not None and refused.error.retry_after is not None:
            session.advance(refused.error.retry_after)
        show("after waiting as told", session.call("createPlanet", {"name": "Ceres"}))

    print("a timeout that had taken effect: look before trying again")
    faults = [{"kind": "committed_timeout", "tools": ["createPlanet"], "on_tool_call": [1]}]
    with simulator.session(faults=faults, world="closed") as session:
        show("create", session.call("createPlanet", {"name": "Vesta"}))
        found = session.call("getAllData")
        names = [planet["name"] for planet in found.content["data"]]
        show(f"list: {names}", found)
        if "Vesta" not in names:
            show("create again", session.call("createPlanet", {"name": "Vesta"}))

    print("a bad day: the same seed has the same one")
    days = []
    for _ in range(2):
        with simulator.session(seed=4, faults="flaky") as session:
            days.append([session.call("createPlanet", {"name": f"Planet {number}"}) for number in range(12)])
    for number, result in enumerate(days[0], 1):
        show(f"call {number}", result)
    print(f"  twice the same: {days[0] == days[1]}")
