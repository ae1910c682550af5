"""Keys, times and other values that a model must not invent, from seeds alone.

Every value is a function of what is passed in: the same call in the same world gets the same answer in any process.
No wall clock, no global random state. Keys given out here never equal a key the collection has seen.
"""

import hashlib
import random
import re
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gtm.tools.sampler import sample
from gtm.tools.shape import Unsatisfiable
from gtm.tools.validator import prepare
from gtm.types import Json, canonical
from gtm.world.state import Collection
from gtm.world.words import words

EPOCH = datetime(2025, 6, 2, 9, 0, 0, tzinfo=UTC)
"""When every session starts: a Monday morning, the same for all, so that runs can be compared."""

SECONDS_PER_CALL = 7
"""How far the simulated clock moves on each call; a prime, so that round minutes do not pile up."""

RFC3339 = "%Y-%m-%dT%H:%M:%SZ"
_MILLIS = "%Y-%m-%dT%H:%M:%S.000Z"
MAX_CLOCK_TEXTS = 10_000

_MOMENTS = frozenset({("created",), ("updated",), ("modified",)})
_CREATED = frozenset({"created", "creation", "create", "inserted", "added"})
_UPDATED = frozenset({"updated", "modified", "update", "changed", "edited"})
_ID_WORDS = frozenset({"id", "ids", "uuid", "guid", "etag", "sha", "arn", "token", "nonce", "checksum"})
SERVICE = "example"
"""The service in made-up addresses of AWS."""
FIRST_KEY = 1001
"""The first key of a numbered collection; imagined things have smaller ones."""
LONGEST_KEY = 256
"""Digits that a key of ours is filled up with at most."""
MAX_ATTEMPTS = 200
MAX_MISSES = 2
"""Tries to sample a key that may find none."""

_TIME_FORMATS = frozenset({"date-time", "google-datetime", "date", "time", "unix-time", "timestamp", "rfc3339"})


def seed_of(*parts: Json) -> int:
    """A 63-bit seed from JSON values, the same in every process."""
    return int.from_bytes(hashlib.sha256(canonical(list(parts))).digest()[:8], "big") >> 1


def clock(calls: int, ahead: float = 0.0) -> datetime:
    """Simulated time after so many calls, `ahead` seconds later."""
    return EPOCH + timedelta(seconds=SECONDS_PER_CALL * calls + ahead)


@lru_cache(maxsize=MAX_CLOCK_TEXTS)
def clock_text(calls: int, ahead: float = 0.0) -> str:
    """The same as text."""
    return clock(calls, ahead).strftime(RFC3339)


def is_time(name: str, leaf: dict[str, Json]) -> bool:
    """Whether a leaf of an output holds a moment."""
    if leaf.get("format") in _TIME_FORMATS:
        return True
    last = words(name)[-1:]
    if leaf.get("type") == "integer":
        return last in {("timestamp",), ("at",)} or words(name)[-2:] in {("created", "time"), ("update", "time")}
    return (
        leaf.get("type") == "string"
        and "enum" not in leaf
        and ("pattern" not in leaf or _notation(leaf["pattern"]) is not None)
        and (last in _MOMENTS or (last in {("timestamp",), ("datetime",), ("at",)} and len(words(name)) > 1))
    )


@lru_cache(maxsize=1024)
def _notation(pattern: str) -> str | None:
    """How a pattern wants moments written; None where it is no pattern of moments."""
    valid = prepare({"type": "string", "pattern": pattern}).validator
    return next((form for form in (RFC3339, _MILLIS) if valid.is_valid(EPOCH.strftime(form))), None)


def is_created(name: str) -> bool:
    """Whether a time's name says when the thing was made."""
    return bool(_CREATED & set(words(name)))


def is_updated(name: str) -> bool:
    """Whether a time's name says when the thing last changed."""
    return bool(_UPDATED & set(words(name)))


def is_identifier(name: str, leaf: dict[str, Json]) -> bool:
    """Whether a leaf of an output holds a key or another machine-made token."""
    if leaf.get("format") in {"uuid", "objectid", "ulid"}:
        return True
    return (
        leaf.get("type") in {"string", "integer"}
        and "enum" not in leaf
        and words(name)[-1:] in {(word,) for word in _ID_WORDS}
    )


def moment(leaf: dict[str, Json], when: datetime) -> Json:
    """A time in the leaf's own notation."""
    kind = leaf.get("format")
    if leaf.get("type") in {"integer", "number"}:
        return int(when.timestamp()) * (1000 if kind == "unix-time-ms" else 1)
    if kind == "date":
        return when.strftime("%Y-%m-%d")
    if kind == "time":
        return when.strftime("%H:%M:%SZ")
    return when.strftime((_notation(leaf["pattern"]) if "pattern" in leaf else None) or RFC3339)


def past(seed: int, before: datetime = EPOCH) -> datetime:
    """A moment in the year before."""
    return before - timedelta(seconds=random.Random(seed).randrange(3600, 365 * 86400))


def identifier(name: str, leaf: dict[str, Json], seed: int) -> Json:
    """A machine-made token in the leaf's own notation."""
    rng = random.Random(seed)
    if leaf.get("type") == "integer":
        low, high = int(leaf.get("minimum", 1000)), int(leaf.get("maximum", 999_999))
        return rng.randint(min(low, high), max(low, high))
    if leaf.get("format") == "uuid" or words(name)[-1:] in {("uuid",), ("guid",)}:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))
    if words(name)[-1:] == ("arn",) and "pattern" not in leaf and leaf.get("maxLength", 99) >= 64:
        return f"arn:aws:{SERVICE}:us-east-1:123456789012:{rng.getrandbits(48):012x}"
    if "pattern" in leaf or leaf.get("format") or leaf.get("minLength", 0) > 12 or leaf.get("maxLength", 99) < 8:
        return _sampled(leaf, name, seed)
    if words(name)[-1:] in {("sha",), ("checksum",), ("etag",)}:
        return f"{rng.getrandbits(160):040x}"
    return f"{rng.getrandbits(48):012x}"[: leaf.get("maxLength", 12)]


def drawn(name: str, leaf: dict[str, Json], seed: int) -> Json:
    """A value for a place nobody has seen, without a model: a time, a key, else a sample."""
    if is_time(name, leaf):
        return moment(leaf, past(seed))
    if is_identifier(name, leaf):
        return identifier(name, leaf, seed)
    return _sampled(leaf, name, seed)


def new_key(name: str, leaf: dict[str, Json], resource: str, collection: Collection, seed: int) -> Json:
    """A key that the leaf allows and nothing in the collection has or had. Numbers count up."""
    valid, misses = prepare(leaf).validator, 0
    for attempt in range(MAX_ATTEMPTS):
        own = seed_of(seed, attempt)
        made = (_candidate(name, leaf, resource, collection.created + attempt, own), _sampled(leaf, name, own))
        for key in made:
            if key is not None and not collection.knows(key) and valid.is_valid(key):
                return key
        misses += made[1] is None
        if misses > MAX_MISSES:  # nothing satisfies it, and each try is dear
            break
    # A schema that allows only a handful of keys (an enum, maxLength 1) is used up: count on past it.
    return collection.created + 1_000_000


def valid_key(name: str, leaf: dict[str, Json], seed: int) -> Json:
    """A key for something imagined, as the schema wants it; None where none was found."""
    valid = prepare(leaf).validator
    made = (identifier(name, leaf, seed), _sampled(leaf, name, seed))
    return next((key for key in made if key is not None and valid.is_valid(key)), None)


def _candidate(name: str, leaf: dict[str, Json], resource: str, count: int, seed: int) -> Json:
    if leaf.get("type") in {"integer", "number"}:
        return FIRST_KEY + count
    if leaf.get("type") != "string" or is_special(leaf) or words(name)[-1:] in {("uuid",), ("guid",)}:
        return identifier(name, leaf, seed)
    prefix = re.sub(r"[^a-z]", "", resource.rpartition("/")[2].rpartition("_")[2].lower())[:4]
    key = f"{prefix}_{seed & 0xFFFFFFFF:08x}" if prefix else f"{seed & 0xFFFFFFFFFFFF:012x}"
    lacking = int(leaf.get("minLength", 0)) - len(key)
    if not 0 < lacking <= LONGEST_KEY:
        return key
    return f"{key}{random.Random(seed).getrandbits(4 * lacking):0{lacking}x}"


def _sampled(leaf: dict[str, Json], name: str, seed: int) -> Json:
    try:
        return sample(leaf, random.Random(seed), hint=name)
    except Unsatisfiable:
        return None


def is_special(leaf: dict[str, Json]) -> bool:
    """Whether a text leaf's schema leaves no room for a readable key of ours."""
    return bool(leaf.get("format") or leaf.get("pattern") or "enum" in leaf or leaf.get("maxLength", 99) < 13)
