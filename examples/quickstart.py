"""The first call: definitions in, a tool that behaves out.

python examples/quickstart.py [MODEL]      # 'scripted' needs no weights
"""

import sys
from pathlib import Path

from gtm import Simulator, load_toolset

MODEL = (sys.argv[1:] or ["gtm-135m"])[0]
SPEC = Path(__file__).parent / "specs" / "galaxy.yaml"

with Simulator(load_toolset(SPEC), model=MODEL) as simulator, simulator.session(seed=7) as session:
    made = session.call("createPlanet", {"name": "Kepler-22b"})
    print("created:", made.text)

    read = session.call("getPlanet", {"planetId": made.content["id"]})
    print("read:   ", read.text)
    print("from:   ", read.provenance)

    refused = session.call("getPlanet", {"planetId": "seven"})
    print("refused:", refused.status, refused.text)
