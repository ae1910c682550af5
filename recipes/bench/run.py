"""All benchmarks, each in its own process, against the targets: a table on stderr, JSON on stdout.

    run.py [--quick] [NAME ...]

Names: overhead, serving, generation, memory, stores, forks. `--quick` makes each small (the tests run that). Ratios
are measured in one run; machines are noisy, so read those and not the absolute figures. Exits with 0 in any case.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from gtm.types import Json

HERE = Path(__file__).parent
BENCHES: dict[str, tuple[list[str], list[str]]] = {
    "overhead": ([], ["--calls", "500", "--starts", "1"]),
    "serving": ([], ["--seconds", "0.5", "--rounds", "1"]),
    "generation": (["--strict"], ["--calls", "4", "--rounds", "1", "--naive", "1", "--in-flight", "4"]),
    "memory": ([], ["--sessions", "5", "--turns", "5"]),
    "stores": ([], ["--calls", "200", "--rounds", "1"]),
    "forks": ([], ["--documents", "200", "--forks", "50", "--stored", "10"]),
}
"""Name -> arguments in full, arguments of `--quick`."""

TARGETS: tuple[tuple[str, str, str, float, str], ...] = (
    ("a call with nothing to generate, p50, ms", "overhead", "async_ms.p50", 1, "<="),
    ("the same, p99, ms", "overhead", "async_ms.p99", 5, "<="),
    ("import gtm, s", "overhead", "import_s", 0.3, "<="),
    ("gtm call, cold, weights ready, s", "overhead", "call_cold_s", 4, "<="),
    ("torch in the serving environment", "overhead", "torch_imported", 0, "<="),
    ("MCP over HTTP to a bare SDK server", "serving", "mcp_modern_to_bare", 0.6, ">="),
    ("the same, older protocol era", "serving", "mcp_legacy_to_bare", 0.6, ">="),
    ("MCP over HTTP, calls/s", "serving", "mcp_modern_calls_per_second", 300, ">="),
    ("an API's own path to a bare Starlette app", "serving", "http_to_bare", 0.6, ">="),
    ("Simulator to engine alone, 32 in flight", "generation", "simulator_to_engine", 0.85, ">="),
    ("Simulator to a naive emulator, calls/s", "generation", "simulator_to_naive", 8, ">="),
    ("1,000 sessions of 20 turns, MB", "memory", "rss_mb", 1500, "<="),
    ("SQLite to memory, calls/s, 32 sessions", "stores", "sqlite_32_to_memory", 0.5, ">="),
    ("fork of a world of 10,000 documents, ms", "forks", "memory_fork_ms", 1, "<="),
    ("10,000 forks with a write each, MB", "forks", "memory_forks_mb", 200, "<="),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    reports: dict[str, Json] = {}
    for name in options.names or BENCHES:
        print(f"{name} ...", file=sys.stderr)
        command = [sys.executable, str(HERE / f"{name}.py"), *BENCHES[name][options.quick]]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE)
        reports[name] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(reports, indent=2))
    for label, name, key, target, sense in TARGETS:
        value = _value(reports.get(name), key)
        if value is not None:
            met = value <= target if sense == "<=" else value >= target
            print(f"{label:44s} {value:>10g}  {sense} {target:<6g} {'met' if met else 'MISSED'}", file=sys.stderr)


def _value(report: Json, key: str) -> float | None:
    for part in key.split("."):
        report = report.get(part) if isinstance(report, dict) else None
    return None if report is None else float(report)


if __name__ == "__main__":
    main()
