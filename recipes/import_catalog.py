"""Import every tool of the collections in a folder and say, file by file, what was accepted, relaxed and refused.

python recipes/import_catalog.py --data DIR      # DIR holds *.jsonl.gz; GTM_DATA names it too
"""

import argparse
import collections
import os
import pathlib
import re
import sys
import time

from gtm.errors import GtmError
from gtm.tools.catalog import iter_entries

ROW = "{:<24} {:>7} {:>9} {:>8} {:>8} {:>8}"
"""File, tools, accepted, refused, relaxed, seconds."""


def main() -> int:
    """0 when at least 99.5 % were accepted, 1 when fewer, 2 when there is nothing to import."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("GTM_DATA"), help="folder of *.jsonl.gz")
    folder = parser.parse_args().data
    files = sorted(pathlib.Path(folder).glob("*.jsonl*")) if folder else []
    if not files:
        where = f"in {str(folder)!r}" if folder else "to read"
        print(f"no *.jsonl or *.jsonl.gz {where}; name the folder with --data or GTM_DATA", file=sys.stderr)
        return 2
    print(ROW.format("file", "tools", "accepted", "refused", "relaxed", "seconds"))
    total: collections.Counter[str] = collections.Counter()
    reasons: dict[str, collections.Counter[str]] = {
        "refused": collections.Counter(),
        "relaxed": collections.Counter(),
    }
    started = time.perf_counter()
    for path in files:
        total += _import(path, reasons)
    _row("all", total, time.perf_counter() - started)
    for what, counts in reasons.items():
        for reason, count in counts.most_common(20):
            print(f"{what} {count:>6}  {reason}")
    print(f"accepted {100 * total['accepted'] / total['tools']:.3f} % of {total['tools']} tools")
    return 0 if total["accepted"] >= 0.995 * total["tools"] else 1


def _import(path: pathlib.Path, reasons: dict[str, collections.Counter[str]]) -> collections.Counter[str]:
    counts: collections.Counter[str] = collections.Counter()
    started = time.perf_counter()
    for entry in iter_entries(path):
        counts["tools"] += 1
        if entry.tool is None:
            counts["refused"] += 1
            reasons["refused"][_general(entry.reason)] += 1
        else:
            counts["accepted"] += 1
            counts["relaxed"] += bool(entry.tool.problems)
            reasons["relaxed"].update({_general(problem) for problem in entry.tool.problems})
    _row(path.name, counts, time.perf_counter() - started)
    return counts


def _row(label: str, counts: collections.Counter[str], seconds: float) -> None:
    cells = (counts[key] for key in ("tools", "accepted", "refused", "relaxed"))
    print(ROW.format(label, *cells, f"{seconds:.1f}"), flush=True)


def _general(reason: str) -> str:
    """A reason without the names in it, so that equal ones are counted together."""
    return re.sub(r"(['\"]).*\1|\(.*\)", "...", reason)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GtmError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
