"""A run's folder: files of rows, each with a journal that says which units are in it, and a manifest once all are.

Invariant: rows are flushed before the journal names their unit, and what stands behind the last journalled unit is
cut off when the stage goes on. So a run that is killed loses the units in flight and nothing else, and repeats none.
One process writes a stage at a time (a lock); any number read.
"""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from gtm.carg.records import parse_lines
from gtm.carg.stage import Done, Span, Unit
from gtm.errors import RunError
from gtm.types import Json

if TYPE_CHECKING:
    from gtm.carg.recipe import Recipe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Noted:
    """A journal's line: a unit that is done, where its rows are, what was counted."""

    unit: str
    spans: dict[str, Span]
    counts: dict[str, int]


@dataclass(frozen=True)
class RunFolder:
    """Where a run's files are, and the recipe it follows."""

    path: Path
    recipe: "Recipe"
    data: Path | None = None
    """What relative paths of catalogs and recordings start from."""
    base: Path | None = None
    """What the recipe's other paths start from: the folder that the recipe is in."""
    allow_exec: bool = False
    """Whether commands and servers that the recipe names may be started and contacted."""

    def rows(self, file: str) -> Path:
        """A file of rows."""
        return self.path / f"{file}.jsonl"

    def journal(self, stage: str) -> Path:
        """A stage's journal."""
        return self.path / f"{stage}.journal.jsonl"

    def manifest(self, stage: str) -> Path:
        """Written when a stage is complete."""
        return self.path / f"{stage}.manifest.json"

    def is_complete(self, stage: str) -> bool:
        """Whether all of a stage's units are done."""
        return self.manifest(stage).is_file()

    def noted(self, stage: str) -> Iterator[Noted]:
        """The units of a stage that are done, in order; a last line that was cut off is none."""
        return _journal(self.journal(stage))

    def units_of(self, stage: str, *files: str) -> Iterator[Unit]:
        """The units of an earlier stage, as units that read its rows (of `files`; default the stage's own)."""
        for note in self.noted(stage):
            wanted = files or (stage,)
            yield Unit(note.unit, {file: note.spans[file] for file in wanted if file in note.spans})

    def read(self, file: str, span: Span) -> bytes:
        """A part of a file of rows."""
        with self.rows(file).open("rb") as opened:
            opened.seek(span[0])
            return opened.read(span[1] - span[0])

    def records(self, kind: type[T], unit: Unit, file: str) -> list[T]:
        """The records of a unit's part of a file; none where it has no part."""
        span = unit.spans.get(file)
        return [] if span is None else parse_lines(kind, self.read(file, span))

    def every(self, kind: type[T], file: str, stage: str) -> Iterator[T]:
        """All records of a file, unit by unit."""
        for unit in self.units_of(stage, file):
            yield from self.records(kind, unit, file)


@dataclass(slots=True)
class Appender:
    """Appends finished units to a stage's files. Made by `appending`."""

    folder: RunFolder
    stage: str
    done: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    ends: dict[str, int] = field(default_factory=dict)
    _files: dict[str, IO[bytes]] = field(default_factory=dict)
    _journal: IO[bytes] | None = None

    def append(self, unit: Unit, done: Done) -> None:
        """Add a unit's rows, then note that they are there."""
        assert self._journal is not None
        spans = {}
        try:
            for file, lines in done.rows.items():
                data = b"".join(lines)
                self._files[file].write(data)
                self._files[file].flush()
                start = self.ends[file]
                self.ends[file] = start + len(data)
                spans[file] = (start, self.ends[file])
            note = {"unit": unit.name, "spans": spans, "counts": dict(sorted(done.counts.items()))}
            self._journal.write(json.dumps(note, ensure_ascii=False).encode() + b"\n")
            self._journal.flush()
        except OSError as error:
            raise RunError(
                f"the stage {self.stage!r} cannot be written to {str(self.folder.path)!r} ({error.strerror}); "
                "free some room and run it again: it goes on where it was"
            ) from error
        self.done.add(unit.name)
        self.counts.update(done.counts)

    def finish(self, more: Json = None) -> dict[str, Json]:
        """Write the manifest: the stage is complete."""
        manifest: dict[str, Json] = {
            "stage": self.stage,
            "recipe": self.folder.recipe.digest,
            "units": len(self.done),
            "bytes": self.ends,
            "counts": dict(sorted(self.counts.items())),
            **(more or {}),
        }
        write_whole(self.folder.manifest(self.stage), json.dumps(manifest, indent=1).encode() + b"\n")
        return manifest


@contextmanager
def appending(folder: RunFolder, stage: str, files: Iterable[str]) -> Iterator[Appender]:
    """A stage's files opened to go on: what no journal line names is cut off first."""
    with _locked(folder, stage):
        appender = Appender(folder, stage)
        for note in folder.noted(stage):
            appender.done.add(note.unit)
            appender.counts.update(note.counts)
            for file, (_, end) in note.spans.items():
                appender.ends[file] = end
        _rewrite(folder.journal(stage))
        try:
            for file in files:
                end = appender.ends.setdefault(file, 0)
                appender._files[file] = _cut_open(folder.rows(file), end)
            appender._journal = folder.journal(stage).open("ab")
            yield appender
        finally:
            for opened in (*appender._files.values(), *filter(None, [appender._journal])):
                # All that counts was flushed; a disk that is full says so a second time here.
                with suppress(OSError):
                    opened.close()


def write_whole(path: Path, data: bytes) -> None:
    """A file that appears whole or not at all."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        scratch.write_bytes(data)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise RunError(f"{str(path)!r} cannot be written ({error.strerror}); free some room") from error


def _journal(path: Path) -> Iterator[Noted]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                value = json.loads(line)
                spans = {name: (int(start), int(end)) for name, (start, end) in value["spans"].items()}
                yield Noted(value["unit"], spans, value["counts"])
            except (ValueError, KeyError, TypeError, AttributeError):
                raise RunError(
                    f"{str(path)!r} line {number} is damaged; delete the run's folder and start again"
                ) from None


def _rewrite(path: Path) -> None:
    """The journal without a last line that was cut off."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        whole = sum(len(line) for line in file if line.endswith(b"\n"))
        file.truncate(whole)


def _cut_open(path: Path, end: int) -> IO[bytes]:
    size = path.stat().st_size if path.exists() else 0
    if size < end:
        raise RunError(f"{str(path)!r} is shorter than its journal says; delete the run's folder and start again")
    file = path.open("ab")
    if size > end:
        file.truncate(end)
    return file


@contextmanager
def _locked(folder: RunFolder, stage: str) -> Iterator[None]:
    with (folder.path / f"{stage}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(
                f"another process writes the stage {stage!r} of {str(folder.path)!r}; wait for it or end it"
            ) from None
        yield
