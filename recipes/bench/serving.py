"""Throughput of `gtm serve` beside bare servers, with the scripted engine; each side in its own process.

    serving.py [--seconds 5] [--rounds 3] [--connections 16]

MCP over HTTP against the official SDK's low-level server with a constant; an OpenAPI document's own path against a
bare Starlette application. The sides take turns; the median of the ratios is reported. Prints one JSON line.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gtm.types import Json

HERE = Path(__file__).parent
SPEC = HERE.parents[1] / "examples" / "specs" / "galaxy.yaml"
PLANET = '{"planetId": 5}'


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    gtm = [sys.executable, "-m", "gtm", "serve", str(SPEC), "--model", "scripted", "--store", "memory", "--port"]
    report: dict[str, Json] = {}
    with running([sys.executable, str(HERE / "bare_mcp.py")]) as bare, running(gtm) as ours:
        for era in ("modern", "legacy"):
            floor = ["--mcp", era, f"http://127.0.0.1:{bare}/mcp"]
            mine = ["--mcp", era, "--tool", "getPlanet", "--arguments", PLANET, f"http://127.0.0.1:{ours}/mcp"]
            report |= compared(f"mcp_{era}", floor, mine, options)
    with running([sys.executable, str(HERE / "bare_http.py")]) as bare, running(gtm) as ours:
        floor = [f"http://127.0.0.1:{bare}/pet/5"]
        mine = [f"http://127.0.0.1:{ours}/planets/5"]
        report |= compared("http", floor, mine, options)
    print(json.dumps(report))


def compared(name: str, floor: list[str], mine: list[str], options: argparse.Namespace) -> dict[str, Json]:
    rounds = [(loaded(floor, options), loaded(mine, options)) for _ in range(options.rounds)]
    return {
        f"{name}_bare_calls_per_second": statistics.median(bare for bare, _ in rounds),
        f"{name}_calls_per_second": statistics.median(ours for _, ours in rounds),
        f"{name}_to_bare": round(statistics.median(ours / bare for bare, ours in rounds), 3),
    }


def loaded(arguments: list[str], options: argparse.Namespace) -> float:
    command = [sys.executable, str(HERE / "load.py"), "--seconds", str(options.seconds)]
    command += ["--connections", str(options.connections), *arguments]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if report["errors"]:
        raise SystemExit(
            f"{' '.join(arguments)}: {report['errors']} of {report['calls']} calls failed: {report['last']}"
        )
    return float(report["calls_per_s"])


@contextmanager
def running(command: list[str]) -> Iterator[int]:
    """A server process on a free port, ready; stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 120
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"{command} did not start")
                time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
