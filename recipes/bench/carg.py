"""Measure the first stages of CARG: rows a second in one process, what MinHash costs, and that memory stays flat.

    carg.py [--data DIR] [--folder DIR] [--near 0.95] [--synthetic 1000000]

Runs `read` and `sources` over a data folder, or over so many synthetic tools, and prints one JSON object: rows a
second (wall and processor time), what was kept and dropped, domains with 20 tools, MinHash signatures a second, peak
memory. With --near 0 the search for near-duplicates is left out.
"""

import argparse
import gzip
import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gtm.carg.folder import RunFolder, appending
from gtm.carg.minhash import signature
from gtm.carg.read import ReadStage
from gtm.carg.recipe import Recipe
from gtm.carg.sources import SourcesStage
from gtm.carg.stage import Stage
from gtm.carg.teacher import Teacher
from gtm.types import Json

ENOUGH = 20
VERBS = "get list create update delete search".split()
NOUNS = "robot invoice patient protein orbit flight tenant recipe sensor ledger song beam".split()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("GTM_DATA"))
    parser.add_argument("--folder", type=Path, help="the run's folder; a temporary one where none is given")
    parser.add_argument("--near", type=float, default=0.95)
    parser.add_argument("--synthetic", type=int, default=0, metavar="N", help="so many made-up tools instead of data")
    options = parser.parse_args()
    if options.data is None and not options.synthetic:
        print("no data: give --data DIR, or --synthetic N", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "run"
        folder.mkdir(parents=True)
        data = options.data
        if options.synthetic:
            data = Path(scratch)
            with gzip.open(data / "made.jsonl.gz", "wb", compresslevel=1) as file:
                file.writelines(synthetic(options.synthetic))
        sources: dict[str, Json] = {"near": options.near}
        if options.synthetic:
            sources |= {"catalogs": ["made.jsonl.gz"], "recordings": []}
        recipe = Recipe.model_validate({"sources": sources})
        print(json.dumps(measured(RunFolder(folder, recipe, data)), indent=1))
    return 0


def measured(folder: RunFolder) -> dict[str, Json]:
    report: dict[str, Json] = {}
    rows, wall, processor = 0, time.perf_counter(), time.process_time()
    stages: tuple[Stage, ...] = (ReadStage(), SourcesStage())
    for stage in stages:
        began, used = time.perf_counter(), time.process_time()
        counts = run(folder, stage)
        if stage.name == "read":
            rows = counts["tools"] + counts["sessions"]
        report[stage.name] = {
            "seconds": round(time.perf_counter() - began, 1),
            "processor_seconds": round(time.process_time() - used, 1),
            "counts": {key: number for key, number in counts.items() if not key.startswith("domain/")},
        }
        domains = {key: number for key, number in counts.items() if key.startswith("domain/")}
    report["rows"] = rows
    report["rows_per_second"] = round(rows / (time.perf_counter() - wall))
    report["rows_per_processor_second"] = round(rows / (time.process_time() - processor))
    report["domains"] = {
        "some": len(domains),
        "enough": sum(number >= ENOUGH for number in domains.values()),
        "largest": Counter(domains).most_common(5),
    }
    report["signatures_per_second"] = round(rate())
    report["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    return report


def run(folder: RunFolder, stage: Stage) -> Counter[str]:
    more = stage.prepare(folder, Teacher.none(), lambda done, all: None)
    with appending(folder, stage.name, stage.files) as appender:
        for unit in stage.units(folder):
            appender.append(unit, stage.work(folder, unit))
        appender.finish(more)
        return appender.counts


def rate(count: int = 5000) -> float:
    """Signatures a second, of 80 tokens each."""
    sets = [[f"word{number * 7 + word} and so on" for word in range(80)] for number in range(count)]
    began = time.perf_counter()
    for tokens in sets:
        signature(tokens)
    return count / (time.perf_counter() - began)


def synthetic(count: int) -> Iterator[bytes]:
    """Distinct tools in families of fifty, of about the size of real ones."""
    for number in range(count):
        family, place = divmod(number, 50)
        noun = NOUNS[(family + place // 6) % len(NOUNS)]
        name = f"{VERBS[place % 6]}_{noun}_{place}"
        fields = {
            f"{noun}_{part}_{(number * 31 + part) % 997}": {"type": "string", "description": f"Part {part} of {noun}"}
            for part in range(8)
        }
        yield (
            json.dumps(
                {
                    "id": f"made:{number}",
                    "domain": f"made{family}.example",
                    "name": name,
                    "description": f"{name.replace('_', ' ')} of the service {family}, number {number}",
                    "parameters": {"type": "object", "properties": fields},
                    "output_schema": {"type": "object", "properties": fields},
                    "licence": "CC0-1.0",
                }
            ).encode()
            + b"\n"
        )


if __name__ == "__main__":
    sys.exit(main())
