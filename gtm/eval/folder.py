"""A run's folder: what was asked for, one line a finished unit, what was left out and why.

Invariant: a line is whole or cut off when the run goes on, so a run that is killed loses the units in flight and
measures none twice. A folder is of one configuration; with another it is refused. One process writes at a time.
"""

import fcntl
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from pydantic import ValidationError

from gtm.errors import RunError
from gtm.eval.records import Score, SuiteName
from gtm.types import Frozen, Json, digest

RUN_FILE = "run.json"
LINES = "items"
"""The folder of the lines: `SUITE.CANDIDATE.jsonl`."""

LEFT_OUT = "excluded.json"
"""Name of a session, a step or a tool of the data -> why it is no item."""

FORMAT = "gtm-eval-run-1"


class RunConfig(Frozen):
    """All that decides the numbers of a run."""

    suites: tuple[SuiteName, ...]
    candidates: tuple[str, ...]
    data: str
    """Digest of the data's files."""
    splits: tuple[str, ...] = ("dev", "test")
    limit: int | None = None
    seed: int = 0
    judges: tuple[str, ...] = ()
    prompt_version: str
    version: str
    """Of the package."""


class Line(Frozen):
    """A finished unit."""

    unit: str
    scores: tuple[Score, ...] = ()
    excluded: str = ""
    """Why it has no scores."""


class Exclusion(Frozen):
    """What was left out, by name."""

    suite: str
    candidate: str
    unit: str
    reason: str


class Folder:
    """A run's folder, opened to be written. Used as a context manager."""

    def __init__(self, path: Path, config: RunConfig) -> None:
        self.path = path
        self.config = config
        self._files: dict[tuple[SuiteName, str], IO[bytes]] = {}
        try:
            (path / LINES).mkdir(parents=True, exist_ok=True)
            self._lock = (path / "run.lock").open("w")
        except OSError as error:
            raise RunError(
                f"the run's folder {str(path)!r} cannot be used ({error.strerror}); name another"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._claim()
        except BlockingIOError:
            self._lock.close()
            raise RunError(f"another process writes the run {str(path)!r}; wait for it or end it") from None
        except RunError:
            self._lock.close()
            raise

    def done(self, suite: SuiteName, candidate: str) -> set[str]:
        """Units that are finished."""
        return {line.unit for line in read_lines(self._file(suite, candidate))}

    def append(self, suite: SuiteName, candidate: str, line: Line) -> None:
        """Add a finished unit. One with a metric that is no number is left out instead, by name."""
        wrong = next(
            (name for score in line.scores for name, v in score.values.items() if not math.isfinite(v)), None
        )
        if wrong is not None:
            line = Line(unit=line.unit, excluded=f"the metric {wrong!r} is not a finite number")
        key = (suite, candidate)
        if key not in self._files:
            path = self._file(suite, candidate)
            _cut_off(path)
            self._files[key] = path.open("ab")
        self._files[key].write(line.model_dump_json().encode() + b"\n")
        self._files[key].flush()

    def left_out(self, excluded: Mapping[str, str]) -> None:
        """Note, by name, what the data holds and no suite could use."""
        write_whole(self.path / LEFT_OUT, json.dumps(dict(sorted(excluded.items())), indent=1) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
        self._lock.close()

    def _file(self, suite: SuiteName, candidate: str) -> Path:
        return self.path / LINES / f"{suite}.{_slug(candidate)}.jsonl"

    def _claim(self) -> None:
        path = self.path / RUN_FILE
        if path.exists():
            before = read_config(self.path)
            if before != self.config:
                ours, theirs = self.config.model_dump(), before.model_dump()
                names = ", ".join(name for name in ours if ours[name] != theirs[name])
                raise RunError(
                    f"the run {str(self.path)!r} is of another configuration (it differs in {names}); name another "
                    "folder with --run, or ask for the same"
                )
            return
        config = self.config.model_dump(mode="json")
        write_whole(path, json.dumps({"format": FORMAT, "digest": digest(config), "config": config}, indent=1) + "\n")


def read_config(path: Path) -> RunConfig:
    """What a run was asked for. Raises RunError where the folder is none of a run."""
    try:
        value: Json = json.loads((path / RUN_FILE).read_bytes())
        config = RunConfig.model_validate(value["config"])
    except OSError:
        raise RunError(f"{str(path)!r} is no run of 'gtm eval run' (it has no {RUN_FILE}); check the path") from None
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{str(path / RUN_FILE)!r} is damaged; run into another folder") from None
    return config


def read_run(path: Path) -> tuple[RunConfig, list[Score], list[Exclusion]]:
    """All of a run: scores by suite, candidate, item and step, whatever order they were finished in."""
    config = read_config(path)
    scores: list[Score] = []
    noted = path / LEFT_OUT
    try:
        never = json.loads(noted.read_bytes()) if noted.exists() else {}
    except ValueError:
        raise RunError(f"{str(noted)!r} is damaged; run 'gtm eval run' again") from None
    exclusions = [Exclusion(suite="all", candidate="all", unit=unit, reason=why) for unit, why in never.items()]
    for suite in config.suites:
        for candidate in config.candidates:
            found = read_lines(path / LINES / f"{suite}.{_slug(candidate)}.jsonl")
            for line in sorted(found, key=lambda line: line.unit):
                scores += line.scores
                if line.excluded:
                    exclusions.append(
                        Exclusion(suite=suite, candidate=candidate, unit=line.unit, reason=line.excluded)
                    )
    return config, scores, exclusions


def read_lines(path: Path) -> Iterator[Line]:
    """The finished units of a file; a last line that was cut off is none. Raises RunError on a damaged one."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield Line.model_validate_json(line)
            except ValidationError:
                raise RunError(
                    f"{str(path)!r} line {number} is damaged; delete the file and run again: its units are done anew"
                ) from None


def write_whole(path: Path, text: str) -> None:
    """A file that appears whole or not at all."""
    scratch = path.with_name(f".{path.name}.new")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise RunError(f"{str(path)!r} cannot be written ({error.strerror}); free some room") from error


def _cut_off(path: Path) -> None:
    """Take away a last line that is not whole."""
    if path.exists():
        with path.open("rb+") as file:
            file.truncate(sum(len(line) for line in file if line.endswith(b"\n")))


def _slug(candidate: str) -> str:
    """A candidate's name as part of a file's; a short digest tells apart what looks alike."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", candidate)[:60]
    return plain if plain == candidate else f"{plain}-{digest(candidate)[:8]}"


def check_scores(scores: Sequence[Score], path: Path) -> None:
    """Refuse to report on nothing."""
    if not scores:
        raise RunError(
            f"the run {str(path)!r} has no scores; run 'gtm eval run' to its end, or look at its exclusions"
        )
