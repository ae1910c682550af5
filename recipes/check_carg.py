"""Is a run of `gtm carg` that is killed again and again the same as an unbroken one? Kills it at random times.

    check_carg.py RECIPE [--data DIR] [--kills 10] [--workers 2] [--runner local] [--seed 0] [--run DIR]

Runs the recipe once unbroken and once killed (SIGKILL, the whole process group), each in a new folder, and compares
all files of rows byte by byte. Prints one JSON object; exit 1 where a file differs. With --run the unbroken one is
left there.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", default=os.environ.get("GTM_DATA"))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runner", default="local")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, help="a new folder, where the unbroken run is left")
    options = parser.parse_args()
    if not options.data:
        print("no data: give --data DIR or set GTM_DATA", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "gtm", "carg", "run", str(options.recipe), "--data", options.data]
    command += ["--workers", str(options.workers), "--runner", options.runner, "--run"]
    with tempfile.TemporaryDirectory() as scratch:
        whole, broken = options.run or Path(scratch, "whole"), Path(scratch, "broken")
        began = time.monotonic()
        subprocess.run([*command, str(whole)], check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - began
        killed = kill_often([*command, str(broken)], options.kills, seconds, random.Random(options.seed))
        subprocess.run([*command, str(broken)], check=True, stdout=subprocess.DEVNULL)
        left, right = digests(whole), digests(broken)
    different = sorted(name for name in {*left, *right} if left.get(name) != right.get(name))
    print(json.dumps({"seconds": round(seconds, 1), "kills": killed, "files": len(left), "different": different}))
    return 1 if different else 0


def kill_often(command: list[str], kills: int, seconds: float, rng: random.Random) -> int:
    """Start the run and kill it, so many times; how often it was still running.

    Together the times come to nine tenths of a run, so that the kills fall all over it.
    """
    killed = 0
    for _ in range(kills):
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(max(1.0, rng.uniform(0.2, 1.6) * seconds / kills))
        if process.poll() is None:
            killed += 1
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return killed


def digests(folder: Path) -> dict[str, str]:
    """File of rows, or of a card's export -> what is in it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".jsonl", ".parquet", ".md")]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


if __name__ == "__main__":
    sys.exit(main())
