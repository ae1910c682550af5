"""One world, two futures: snapshot, restore, fork; and a store, where sessions outlive the process.

python examples/snapshot_fork.py [MODEL]
"""

import sys
import tempfile
from pathlib import Path

from gtm import Simulator, load_toolset
from gtm.world.store import Store

MODEL = (sys.argv[1:] or ["gtm-135m"])[0]
SPEC = Path(__file__).parent / "specs" / "filesystem.mcp.json"
FILE = {"path": "/srv/plan.txt"}

with Simulator(load_toolset(SPEC), model=MODEL) as simulator, simulator.session() as session:
    session.call("write_file", {**FILE, "content": "draft"})
    before = session.snapshot()

    other = session.fork()
    other.call("write_file", {**FILE, "content": "rewritten in the fork"})
    print("fork:    ", other.call("read_file", FILE).text)
    print("original:", session.call("read_file", FILE).text)

    session.call("write_file", {**FILE, "content": "a mistake"})
    session.restore(before)
    print("restored:", session.call("read_file", FILE).text)

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "sessions.sqlite")
        with Store(path) as store:
            simulator.session(store=store, name="a").call("write_file", {**FILE, "content": "kept"})
        with Store(path) as store:
            print("stored:  ", simulator.session(store=store, name="a").call("read_file", FILE).text)
