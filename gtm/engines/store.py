"""Completions in an SQLite file that several processes may share.

Invariant: the first completion written for a key is the one that everybody reads. The file is a cache: where it is
locked, corrupt or on a full disk, that is said once in the log and the process goes on without it.
"""

import logging
import sqlite3
import time
from pathlib import Path
from typing import cast

from gtm.engines.base import Completion, Ending

log = logging.getLogger(__name__)

LOCK_SECONDS = 1.0
"""Longest wait for another process that writes; the caller's event loop stands still meanwhile."""

PRUNE_EVERY = 256
"""Writes between two looks at the size."""

MAX_PRUNES = 12
"""A quarter less each time: 3 % of the file is left."""

PAGES = ("page_count", "freelist_count", "page_size")

TABLE = (
    "CREATE TABLE IF NOT EXISTS completions (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, "
    "text BLOB NOT NULL, ending TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL)"
)
READ = "SELECT text, ending, prompt_tokens, completion_tokens FROM completions WHERE key = ?"
WRITE = (
    "INSERT OR IGNORE INTO completions (key, text, ending, prompt_tokens, completion_tokens) VALUES (?, ?, ?, ?, ?)"
)
PRUNE = "DELETE FROM completions WHERE id <= (SELECT min(id) + (max(id) - min(id)) / 4 FROM completions)"


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; of two processes that do so at once SQLite refuses one without waiting."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class CompletionFile:
    """The file. Its owner makes sure that one thread at a time uses it."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._writes = 0
        self._connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            _write_ahead(self._connection)
            # A crash of the machine may lose the last answers; they are made again.
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute(TABLE)
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def get(self, key: bytes) -> Completion | None:
        """What is kept for a key."""
        if self._connection is None:
            return None
        try:
            return self._read(self._connection, key)
        except (sqlite3.Error, ValueError, AttributeError) as error:
            self._give_up(error)
            return None

    def put(self, key: bytes, completion: Completion) -> Completion:
        """Keep a completion, unless the key has one: the one that is kept now."""
        if self._connection is None:
            return completion
        text = completion.text.encode("utf-8", "surrogatepass")
        row = (key, text, completion.ending, completion.prompt_tokens, completion.completion_tokens)
        try:
            self._connection.execute(WRITE, row)
            kept = self._read(self._connection, key)
            self._writes += 1
            if self._writes % PRUNE_EVERY == 1:
                self._prune(self._connection)
        except (sqlite3.Error, ValueError, AttributeError) as error:
            self._give_up(error)
            return completion
        return kept or completion

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, connection: sqlite3.Connection, key: bytes) -> Completion | None:
        row = connection.execute(READ, (key,)).fetchone()
        if row is None:
            return None
        text, ending, prompt_tokens, completion_tokens = row
        if ending not in ("stop", "length"):
            raise ValueError(f"{ending!r} is no ending")
        return Completion(
            text.decode("utf-8", "surrogatepass"), cast(Ending, ending), int(prompt_tokens), int(completion_tokens)
        )

    def _prune(self, connection: sqlite3.Connection) -> None:
        """Drop the oldest quarter until the file is small enough; its pages are used again."""
        for _ in range(MAX_PRUNES):
            pages, free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PAGES)
            if (pages - free) * size <= self._limit:
                return
            connection.execute(PRUNE)

    def _give_up(self, error: Exception) -> None:
        log.warning("the response cache %r cannot be used (%s): answers are kept in memory only; "
                    "delete the file to start it anew", str(self._path), error)  # fmt: skip
        self.close()
