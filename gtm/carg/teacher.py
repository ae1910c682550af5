"""The teacher: a model that writes what the pipeline cannot know, asked within a budget, every answer kept.

Two engines: `Asking` asks the model for what was never asked, in the first process only; `Answers` knows what is kept
and nothing else, in every process. So rows depend on the kept answers alone, whoever runs the pipeline, and a run
without the model makes the same rows from a file of them. A teacher that fails, says nothing or runs out of budget
is counted; the calls that needed it are left out.
"""

import fcntl
import gzip
import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field

from gtm.engines.base import Completion, Engine, Request
from gtm.engines.cache import request_key
from gtm.errors import EngineError, RunError
from gtm.types import Frozen

if TYPE_CHECKING:
    from gtm.carg.folder import RunFolder

log = logging.getLogger(__name__)

MAX_FAILURES = 20
"""Failures in a row after which nothing more is asked: the teacher is gone, and waiting for it helps nobody."""

KEPT = "teacher.sqlite"
EXPORT = "teacher.answers.jsonl.gz"


class TeacherConfig(Frozen):
    """Its section of the recipe. Where the model runs is a flag: it changes no row that is kept."""

    name: str = Field(default="none", max_length=80)
    """Who wrote the answers; part of what an answer is found by. `none`: nobody is asked."""
    answers: str | None = None
    """A file of kept answers (JSONL, perhaps in gzip), beside the recipe."""
    max_calls: int = Field(default=10_000, ge=0)
    """Requests that may be sent in one run of the stage."""
    max_tokens: int = Field(default=20_000_000, ge=0)
    """Prompt and completion tokens likewise."""


class TeacherSilent(EngineError):
    """The teacher has no answer for a request: nobody was asked, it failed, or its budget is spent."""


class Teacher:
    """The model that may be asked, or nobody."""

    def __init__(self, engine: Engine | None, *, concurrency: int = 32) -> None:
        self.engine = engine
        self.concurrency = concurrency
        """Sessions that are carried out at a time while it is asked."""

    @classmethod
    def none(cls) -> Self:
        """Nobody."""
        return cls(None)


class Answers:
    """What was answered before, as an engine."""

    def __init__(self, folder: "RunFolder") -> None:
        self._config = folder.recipe.teacher
        self._path = folder.path / KEPT
        try:
            self._kept = sqlite3.connect(self._path, isolation_level=None, timeout=60, check_same_thread=False)
            # A new file is locked whole while its journal changes, and who meets that is not made to wait.
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._prepare()
                if self._config.answers is not None:
                    self._take((folder.base or Path()) / self._config.answers)
        except sqlite3.Error as error:
            raise RunError(f"{str(self._path)!r} cannot be used ({error}); free some room, or delete it") from error

    @property
    def name(self) -> str:
        """Who answered."""
        return self._config.name

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """What is kept. Raises TeacherSilent where nothing is."""
        found = [self.find(request) for request in requests]
        whole = [one for one in found if one is not None]
        if len(whole) < len(found):
            raise TeacherSilent(f"the teacher {self.name!r} was never asked this")
        return whole

    async def aclose(self) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._kept.close()

    def find(self, request: Request) -> Completion | None:
        """The kept answer of a request."""
        row = self._kept.execute(
            "SELECT text, ending, prompt_tokens, completion_tokens FROM answers WHERE key = ?", (self._key(request),)
        ).fetchone()
        return None if row is None else Completion(row[0], row[1], row[2], row[3])

    def use(self, request: Request) -> None:
        """Note that a kept answer is needed by this run."""
        self._kept.execute("UPDATE answers SET used = 1 WHERE key = ?", (self._key(request),))

    def keep(self, request: Request, answer: Completion) -> None:
        """Keep a new answer."""
        row = (self._key(request), answer.text, answer.ending, answer.prompt_tokens, answer.completion_tokens)
        self._kept.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, 1)", row)

    def export(self, path: Path) -> int:
        """Write the answers that were used to a file that a recipe can name; how many there are."""
        rows = self._kept.execute(
            "SELECT key, text, ending, prompt_tokens, completion_tokens FROM answers WHERE used ORDER BY key"
        ).fetchall()
        with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        return len(rows)

    def _key(self, request: Request) -> str:
        return request_key(self._config.name, request).hex()

    def _prepare(self) -> None:
        self._kept.execute("PRAGMA journal_mode = WAL")
        # A crash of the machine may lose the last answers; they are asked for again.
        self._kept.execute("PRAGMA synchronous = NORMAL")
        self._kept.execute(
            "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, text TEXT NOT NULL, ending TEXT NOT NULL, "
            "prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, used INTEGER NOT NULL) "
            "WITHOUT ROWID"
        )

    def _take(self, path: Path) -> None:
        """Take a file of answers over, once, whichever process comes first."""
        self._kept.execute("CREATE TABLE IF NOT EXISTS taken (file TEXT PRIMARY KEY)")
        if self._kept.execute("SELECT 1 FROM taken").fetchone():
            return
        self._kept.execute("BEGIN IMMEDIATE")
        try:
            if not self._kept.execute("SELECT 1 FROM taken").fetchone():
                self._kept.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, 0)", _lines(path))
                self._kept.execute("INSERT INTO taken VALUES (?)", (path.name,))
        except BaseException:
            self._kept.execute("ROLLBACK")
            raise
        self._kept.execute("COMMIT")


class Asking:
    """Kept answers first, then the model itself, as an engine. For the first process only."""

    def __init__(self, folder: "RunFolder", engine: Engine) -> None:
        self.answers = Answers(folder)
        self._engine = engine
        self._config = folder.recipe.teacher
        self._failed_in_a_row = 0
        self._tokens = 0
        self.counts: Counter[str] = Counter()
        """Requests by what became of them: `kept`, `asked`, `failed`, `over_budget`."""

    @property
    def name(self) -> str:
        """Who answers."""
        return self._config.name

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """Answers, in order. Raises TeacherSilent; RunError where the teacher is gone."""
        return [await self._one(request) for request in requests]

    async def aclose(self) -> None:
        """Close the file of kept answers; the model is its owner's."""
        self.answers.close()

    async def _one(self, request: Request) -> Completion:
        kept = self.answers.find(request)
        if kept is not None:
            self.counts["kept"] += 1
            self.answers.use(request)
            return kept
        if self.counts["asked"] >= self._config.max_calls or self._tokens >= self._config.max_tokens:
            self.counts["over_budget"] += 1
            raise TeacherSilent(f"the budget of the teacher {self.name!r} is spent")
        self.counts["asked"] += 1
        try:
            [answer] = await self._engine.generate([request])
        except EngineError as error:
            self._fail(error)
            raise TeacherSilent(f"the teacher {self.name!r} failed: {error}") from error
        self._failed_in_a_row = 0
        self._tokens += answer.prompt_tokens + answer.completion_tokens
        self.answers.keep(request, answer)
        return answer

    def _fail(self, error: EngineError) -> None:
        self.counts["failed"] += 1
        self._failed_in_a_row += 1
        log.warning("the teacher failed: %s", error)
        if self._failed_in_a_row >= MAX_FAILURES:
            raise RunError(
                f"the teacher failed {MAX_FAILURES} times in a row ({error}); its answers so far are kept: mend it "
                "and run again, or run without it"
            ) from error


def _lines(path: Path) -> Iterator[tuple[str, str, str, int, int]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    key, text, ending, prompt_tokens, completion_tokens = json.loads(line)
                except (ValueError, TypeError):
                    raise RunError(f"{str(path)!r} line {number} is no teacher's answer; restore the file") from None
                yield str(key), str(text), str(ending), int(prompt_tokens), int(completion_tokens)
    except OSError as error:
        raise RunError(f"the teacher's answers {str(path)!r} cannot be read ({error}); check the recipe") from None
