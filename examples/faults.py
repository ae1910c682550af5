"""Failures on demand, from a configuration file: the same seed fails the same calls.

python examples/faults.py [MODEL]
"""

import sys
from pathlib import Path

from gtm import Simulator, load_toolset
from gtm.simulator.config import Config

MODEL = (sys.argv[1:] or ["gtm-135m"])[0]
HERE = Path(__file__).parent

config = Config.load(HERE / "gtm.yaml")
with Simulator(load_toolset(HERE / "specs" / "workbench.openai.json"), model=MODEL, config=config) as simulator:
    for seed in (1, 2):
        with simulator.session(seed=seed) as session:
            print(f"seed {seed}:")
            for number in range(1, 7):
                result = session.call("calendar_create_event", {"event_name": f"Review {number}"})
                if result.error is None:
                    print(f"  call {number}: ok, event {result.content['event_id']}")
                else:
                    print(f"  call {number}: {result.error.kind}, retry after {result.error.retry_after}")
