"""Near-duplicates on disk: MinHash signatures, banded in SQLite, so that nothing grows in memory.

`Near(path, threshold).add(key, tokens)` tells which earlier keys share at least `threshold` of their tokens
(Jaccard, as estimated by the whole signature). Deterministic: the same calls in the same order say the same.
Signatures can be made elsewhere, in any process (`signature`), and handed in. Needs the extra `carg`.
"""

import hashlib
import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from operator import eq
from pathlib import Path
from types import TracebackType
from typing import Self

from gtm.errors import ConfigError

PERMUTATIONS = 128
"""Values in a signature: the estimate's deviation is 0.019 at a Jaccard of 0.95, 0.035 at 0.8."""
RECALL = 0.995
"""The share of pairs at the threshold that share a band."""
MOST_COMPARED = 200
"""Earlier keys that one new key is compared with, oldest first; more is a crowd of copies."""
_SEED = 42


def signature(tokens: Iterable[str]) -> bytes:
    """The MinHash of a set of tokens. Raises ConfigError where the extra is missing."""
    try:
        from rensa import RMinHash
    except ImportError:
        raise ConfigError(
            "near-duplicates need the package 'rensa': pip install 'gtm-sim[carg]', or leave the search out "
            "(near = 0 in the recipe)"
        ) from None
    made = RMinHash(PERMUTATIONS, _SEED)
    made.update(list(tokens))
    return array("I", made.digest()).tobytes()


def similarity(one: bytes, other: bytes) -> float:
    """The estimated Jaccard similarity behind two signatures."""
    equal: int = sum(map(eq, array("I", one), array("I", other)))
    return equal / PERMUTATIONS


def shingles(words: list[str], size: int = 3) -> Iterator[str]:
    """Runs of `size` words; all words as one where there are fewer."""
    for at in range(max(1, len(words) - size + 1)):
        yield " ".join(words[at : at + size])


class Near:
    """An index of signatures in a file of its own, which is made anew."""

    def __init__(self, path: Path, threshold: float) -> None:
        self._threshold = threshold
        self._rows = _rows_per_band(threshold)
        path.unlink(missing_ok=True)
        self._base = sqlite3.connect(path, isolation_level=None)
        self._base.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;"
            "CREATE TABLE signature(number INTEGER PRIMARY KEY, key TEXT, signature BLOB);"
            "CREATE TABLE band(hash INTEGER, number INTEGER, PRIMARY KEY(hash, number)) WITHOUT ROWID; BEGIN;"
        )
        bands = PERMUTATIONS // self._rows
        marks = ",".join("?" * bands)
        self._search = (
            f"SELECT DISTINCT number FROM band WHERE hash IN ({marks}) ORDER BY number LIMIT {MOST_COMPARED}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Done with it; the file stays until it is made anew or deleted."""
        self._base.close()

    def add(self, key: str, tokens: Iterable[str]) -> list[str]:
        """The earlier keys that are near, oldest first; then this one is known too."""
        made = signature(tokens)
        found = self.find(made)
        self.put(key, made)
        return found

    def find(self, made: bytes) -> list[str]:
        """The known keys whose signatures are near this one, oldest first."""
        near = []
        for (number,) in self._base.execute(self._search, self._bands(made)).fetchall():
            row = self._base.execute("SELECT key, signature FROM signature WHERE number = ?", (number,)).fetchone()
            if similarity(row[1], made) >= self._threshold:
                near.append(row[0])
        return near

    def put(self, key: str, made: bytes) -> None:
        """Make a key known."""
        cursor = self._base.execute("INSERT INTO signature(key, signature) VALUES (?, ?)", (key, made))
        number = cursor.lastrowid
        self._base.executemany(
            "INSERT OR IGNORE INTO band VALUES (?, ?)", [(band, number) for band in self._bands(made)]
        )

    def _bands(self, made: bytes) -> list[int]:
        width = 4 * self._rows
        count = PERMUTATIONS // self._rows
        return [
            int.from_bytes(
                hashlib.blake2b(made[at * width : (at + 1) * width], digest_size=8, salt=bytes([at])).digest(),
                "big",
                signed=True,
            )
            for at in range(count)
        ]


def _rows_per_band(threshold: float) -> int:
    """The most values a band can have (the fewest false candidates) at which pairs at the threshold are found."""
    for rows in range(PERMUTATIONS // 2, 1, -1):
        missed = (1 - threshold**rows) ** (PERMUTATIONS // rows)
        if missed <= 1 - RECALL:
            return rows
    return 1
