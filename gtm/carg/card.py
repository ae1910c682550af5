"""The stage `card`: the data set as a folder to publish: Parquet, JSONL, Episodes, pictures, a manifest and a card.

All figures are sums of what the stages before counted, so no row is read again but to write Parquet, in batches.
Needs the extra `carg`.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gtm.carg.export import LONG, SPLITS
from gtm.carg.folder import RunFolder, write_whole
from gtm.carg.page import page
from gtm.carg.parquet import write_parquet
from gtm.carg.pictures import draw
from gtm.carg.stage import Done, Progress, Unit
from gtm.carg.teacher import Teacher
from gtm.errors import RunError
from gtm.prompt import VERSION
from gtm.types import Json

DATASET = "dataset"
"""The folder in the run's folder."""

FEWEST = 20
"""Tools from which on a domain counts as covered."""


class CardStage:
    """The folder to publish; nothing of it is done by units."""

    name = "card"
    files: tuple[str, ...] = ()

    def prepare(self, folder: RunFolder, teacher: Teacher, tell: Progress) -> dict[str, Json]:
        """Write all of it."""
        return publish(folder, folder.path / DATASET, tell)

    def units(self, folder: RunFolder) -> Iterator[Unit]:
        """None."""
        return iter(())

    def work(self, folder: RunFolder, unit: Unit) -> Done:
        """Nothing."""
        return Done()


def publish(folder: RunFolder, path: Path, tell: Progress = lambda done, total: None) -> dict[str, Json]:
    """Write the data set and its card; the manifest. Raises RunError where there is no room or no export."""
    if not folder.is_complete("export"):
        raise RunError(f"{str(folder.path)!r} has nothing to publish; run the stage 'export' first")
    counts = counts_of(folder, "export")
    manifest = manifest_of(folder, counts)
    try:
        (path / "data").mkdir(parents=True, exist_ok=True)
        (path / "episodes").mkdir(exist_ok=True)
        for at, split in enumerate(SPLITS):
            rows = folder.rows(f"rows-{split}")
            write_parquet(rows, path / "data" / f"{split}.parquet")
            _place(rows, path / "data" / f"{split}.jsonl")
            _place(folder.rows(f"episodes-{split}"), path / "episodes" / f"{split}.jsonl")
            tell(at + 1, len(SPLITS))
        draw(counts, path / "pictures")
        write_whole(path / "README.md", page(manifest, counts).encode())
        write_whole(path / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        raise RunError(
            f"the data set cannot be written to {str(path)!r} ({error.strerror}); free some room and run it again"
        ) from error
    return manifest


def manifest_of(folder: RunFolder, counts: Counter[str]) -> dict[str, Json]:
    """What the data set is, in figures."""
    recipe = folder.recipe
    rows = counts["rows"]
    tools = under(counts, "domain_tools")
    return {
        "name": recipe.name,
        "config_digest": recipe.digest,
        "prompt_version": VERSION,
        "tools": counts["tools"],
        "tools_with_rows": counts["tools_with_rows"],
        "domains": sum(number >= FEWEST for number in tools.values()),
        "domains_in_all": len(tools),
        "rows": rows,
        "real_rows": counts["real_rows"],
        "teacher_rows": counts["teacher_rows"],
        "repeats": counts["repeats"],
        "sessions": counts["sessions"],
        "recorded_sessions": counts["recorded_sessions"],
        "all_sessions": counts["all_sessions"],
        "session_means_calls": LONG,
        "error_share": round(counts["error_rows"] / rows, 4) if rows else 0.0,
        "rows_with_notes": counts["with_notes"],
        "splits": {split: counts[f"split/{split}"] for split in SPLITS},
        **{
            plural: dict(sorted(under(counts, name).items()))
            for plural, name in (
                ("kinds", "kind"),
                ("origins", "origin"),
                ("sources", "source"),
                ("licenses", "license"),
                ("effects", "effect"),
                ("refusals", "refusal"),
                ("errors", "error"),
                ("faults", "fault"),
                ("written_by", "written_by"),
                ("tools_from", "tools_from"),
            )
        },
        "dropped": dict(sorted(_dropped(folder).items())),
        "odd": dict(sorted(under(counts_of(folder, "check"), "odd").items())),
        "masked": dict(sorted(under(counts_of(folder, "check"), "masked").items())),
    }


def counts_of(folder: RunFolder, stage: str) -> Counter[str]:
    """What a stage counted, over all its units."""
    counts: Counter[str] = Counter()
    for note in folder.noted(stage):
        counts.update(note.counts)
    return counts


def under(counts: Counter[str], name: str) -> Counter[str]:
    """The counts whose names begin with `name/`, without it."""
    start = f"{name}/"
    return Counter({key[len(start) :]: value for key, value in counts.items() if key.startswith(start)})


def _dropped(folder: RunFolder) -> Counter[str]:
    """Calls that are no rows, by reason and origin."""
    found: Counter[str] = Counter()
    for stage in ("check", "curate"):
        found.update(under(counts_of(folder, stage), "dropped"))
    return found


def _place(source: Path, target: Path) -> None:
    """A file of the run in the data set: the same one where the disk allows it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
