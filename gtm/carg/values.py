"""Realistic values: what the fields of an API really held, drawn again where name, type and schema fit.

`Values.of` gathers the leaves of a family's recorded and documented calls; `fill` writes a value for a shape
(`gtm.tools.shape`). Where nothing real fits: an example in the field's description, then a believable value by name
and format (`gtm.carg.fakes`, `gtm.tools.plausible`). Fields of one real thing stay together where they can.
A function of the records, the shape and a seeded generator; no clock, no global state.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from gtm.carg import fakes
from gtm.carg.fitting import MAX_TEXT, fits
from gtm.carg.notes import NO_RULES, Rules
from gtm.carg.records import Entry, Recording
from gtm.tools import plausible
from gtm.tools.draw import copy_json
from gtm.tools.leaf import json_type
from gtm.tools.merge import Schema
from gtm.tools.view import is_secret
from gtm.types import Json
from gtm.world.words import VERBS, flat, noun, singular, words

MAX_CALLS = 4_000
"""Recorded calls of a family that are looked at; more tell nothing new."""
MAX_LEAVES = 300
"""Leaves of one answer that are looked at."""
MAX_POOL = 48
"""Different values kept of one field."""
MAX_DONORS = 64
"""Things kept of one name."""
DONATED = 0.75
"""How many of a thing's fields are those of one real thing, where one is known."""
GOOD_ARGUMENTS = ("doc", "none_needed", "from_response")

_HOLDERS = frozenset("data items results result value values list entries records resources body attributes".split())
_PLACEHOLDERS = frozenset(
    "string text value str example test foo bar baz null none undefined n/a na todo xxx redacted removed".split()
)
_SLOT = re.compile(r"\{\w+\}|<\w+>")
_SCALARS = ("string", "integer", "number", "boolean")


@dataclass
class Values:
    """The pools of one family."""

    leaves: Mapping[tuple[str, str, str], Sequence[Json]] = field(default_factory=dict)
    """(flat name of what holds it or "", flat name, type) -> values."""
    donors: Mapping[str, Sequence[Mapping[str, Json]]] = field(default_factory=dict)
    """Flat name of a thing -> the scalar fields (by flat name) of real ones."""

    @classmethod
    def of(cls, entries: Sequence[Entry], recordings: Sequence[Recording]) -> "Values":
        """The pools of a family, recorded values first."""
        gathered = _Gathered()
        topics = {name: topic_of(entry.tool.name) for entry in entries for name in (entry.id, *entry.aliases)}
        calls = [call for recording in recordings for call in recording.calls][:MAX_CALLS]
        for call in calls:
            topic = topics.get(call.tool, "")
            gathered.add(call.arguments, topic)
            if not call.is_error:
                gathered.add(call.response, topic)
        for entry in entries:
            for example in entry.documented:
                if example.args_from in GOOD_ARGUMENTS:
                    gathered.add(example.arguments, topics[entry.id])
                if not example.is_error:
                    gathered.add(example.response, topics[entry.id])
        leaves = {key: tuple(pool.values()) for key, pool in gathered.pools.items()}
        return cls(leaves, {name: tuple(things) for name, things in gathered.donors.items()})

    def fill(self, shape: Schema, rng: random.Random, names: tuple[str, ...] = (), rules: Rules = NO_RULES) -> Json:
        """A value for a shape. `names` lead to its place: what holds it, then its own name."""
        holder = names[-2] if len(names) > 1 else ""
        return self._fill(shape, rng, (holder, names[-1] if names else ""), rules, None)

    def _fill(
        self, shape: Schema, rng: random.Random, at: tuple[str, str], rules: Rules, donor: Mapping[str, Json] | None
    ) -> Json:
        kind = shape.get("type")
        if kind == "object" and "properties" in shape:
            return self._object(shape, rng, at, rules)
        if kind == "array" and "items" in shape:
            return self._array(shape, rng, at, rules)
        return self._leaf(shape, rng, at, rules, donor)

    def _object(self, shape: Schema, rng: random.Random, at: tuple[str, str], rules: Rules) -> Json:
        holder = at[0] if flat(at[1]) in _HOLDERS else at[1]
        donors = self.donors.get(flat(holder))
        donor = rng.choice(donors) if donors and rng.random() < DONATED else None
        filled = {
            name: self._fill(inner, rng, (holder, name), rules, donor) for name, inner in shape["properties"].items()
        }
        for low, high in pairs_in(tuple(filled)):
            # Alike in form, so alike in order: two times, two amounts.
            if type(filled[low]) is type(filled[high]) and _is_above(filled[low], filled[high]):
                swapped = {**filled, low: filled[high], high: filled[low]}
                if fits(swapped[low], shape["properties"][low]) and fits(swapped[high], shape["properties"][high]):
                    filled = swapped
        return filled

    def _array(self, shape: Schema, rng: random.Random, at: tuple[str, str], rules: Rules) -> Json:
        low, high = shape.get("minItems", 0), shape.get("maxItems", 2)
        count = rng.randint(low, max(low, high))
        if rules.rows is not None and shape["items"].get("type") == "object":
            count = max(low, min(count, rules.rows))
        inner = at if flat(at[1]) in _HOLDERS else (at[0], singular(at[1]))
        items: list[Json] = []
        for _ in range(count):
            item = self._fill(shape["items"], rng, inner, rules, None)
            for _ in range(4):
                if item not in items:
                    break
                item = self._fill(shape["items"], rng, inner, rules, None)
            if item not in items or (len(items) < low and not shape.get("uniqueItems")):
                items.append(item)
        return items

    def _leaf(
        self, shape: Schema, rng: random.Random, at: tuple[str, str], rules: Rules, donor: Mapping[str, Json] | None
    ) -> Json:
        told = [one for one in rules.allowed(at[1]) or () if fits(one, shape)] if rules is not NO_RULES else []
        if told:
            return rng.choice(told)
        if "const" in shape:
            return copy_json(shape["const"])
        kind = shape.get("type", "")
        name = flat(at[1])
        if donor is not None and name in donor and fits(donor[name], shape):
            return donor[name]
        if "enum" in shape:
            return copy_json(rng.choice(shape["enum"]))
        for holder in (flat(at[0]), ""):
            pool = self.leaves.get((holder, name, kind)) or (
                self.leaves.get((holder, name, "integer")) if kind == "number" else None
            )
            for _ in range(2 if pool else 0):
                value = rng.choice(pool or ())
                if fits(value, shape):
                    return value
        return invented(shape, rng, at[1], at[0])


def invented(shape: Schema, rng: random.Random, name: str, holder: str = "") -> Json:
    """A value for a leaf of which nothing real is known."""
    kind = shape.get("type")
    if kind == "boolean":
        return rng.random() < 0.5
    shown = fakes.examples_in(shape.get("description", ""), str(kind))
    if shown and rng.random() < 0.7:
        value = rng.choice(shown)
        if fits(value, shape):
            return value
    if kind == "string":
        page = fakes.paging(name, rng) if shape.get("format") in ("int32", "int64", "uint32", "uint64") else None
        if page is not None:
            return str(page)
        made = fakes.text(shape, rng, name, holder)
        return made if made is not None and fits(made, shape) else plausible.text(shape, rng, name)
    if kind in ("integer", "number"):
        page = fakes.paging(name, rng)
        if page is not None and fits(page, shape):
            return page
    if kind == "integer":
        return plausible.integer(shape, rng, name)
    if kind == "number":
        count = plausible.integer({}, rng, name) if fakes.counts(name) else None
        return count if count is not None and fits(count, shape) else plausible.number(shape, rng, name)
    return None if kind == "null" else {} if kind == "object" else []


@lru_cache(maxsize=8192)
def pairs_in(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Fields of which one is not above the other: `start_date` and `end_date`, `min` and `max`."""
    by_words = {words(name): name for name in names}
    found = []
    for parts, name in by_words.items():
        for at, part in enumerate(parts):
            for high in _HIGHER.get(part, ()):
                other = by_words.get((*parts[:at], high, *parts[at + 1 :]))
                if other is not None:
                    found.append((name, other))
    return tuple(found)


_HIGHER = {
    "start": ("end", "stop", "finish"),
    "started": ("ended", "finished", "completed"),
    "starts": ("ends",),
    "begin": ("end",),
    "from": ("to", "until"),
    "since": ("until",),
    "after": ("before",),
    "min": ("max",),
    "minimum": ("maximum",),
    "low": ("high",),
    "lower": ("upper",),
    "oldest": ("newest", "latest"),
    "first": ("last",),
    "created": ("updated", "modified", "deleted", "closed", "expires"),
    "creation": ("modification", "expiration"),
    "issued": ("expires",),
    "in": ("out",),
}
"""A word of a field's name -> words that, in its place, name what is not below it."""


def _is_above(low: Json, high: Json) -> bool:
    """Whether two values are in the wrong order; texts are only compared where they begin with a date."""
    if isinstance(low, str):
        return low[:4].isdigit() and high[:4].isdigit() and low[4:5] == high[4:5] == "-" and low > high
    return isinstance(low, int | float) and not isinstance(low, bool) and low > high


def topic_of(tool: str) -> str:
    """What a tool is about, by its name: `list_pets` -> `pet`."""
    parts = words(tool)
    kept = tuple(part for part in parts if part not in VERBS)
    ends = [at for at, part in enumerate(kept) if part in {"by", "for", "in", "of", "to", "from", "with"} and at]
    return noun(kept[: ends[0]] if ends else kept) or noun(parts)


@dataclass
class _Gathered:
    """Pools in the making."""

    pools: dict[tuple[str, str, str], dict[str, Json]] = field(default_factory=dict)
    donors: dict[str, list[dict[str, Json]]] = field(default_factory=dict)

    def add(self, value: Json, topic: str) -> None:
        """All leaves of an answer, or of arguments."""
        left = MAX_LEAVES
        for holder, thing in _things(value, topic, 0):
            fields = {flat(n): v for n, v in thing.items() if json_type(v) in _SCALARS and _is_real(n, v)}
            for name, inner in thing.items():
                for item in inner if isinstance(inner, list) else (inner,):
                    kind = json_type(item)
                    if kind in _SCALARS and _is_real(name, item):
                        self._keep(holder, singular(name) if isinstance(inner, list) else name, kind, item)
                        left -= 1
            donors = self.donors.setdefault(flat(holder), [])
            if len(fields) > 1 and len(donors) < MAX_DONORS and fields not in donors[-4:]:
                donors.append(fields)
            if left < 0:
                return

    def _keep(self, holder: str, name: str, kind: str, value: Json) -> None:
        for key in ((flat(holder), flat(name), kind), ("", flat(name), kind)):
            pool = self.pools.setdefault(key, {})
            if len(pool) < MAX_POOL:
                pool.setdefault(str(value), value)


def _things(value: Json, holder: str, depth: int) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every object in a value with the name of what it is."""
    if depth > 8:
        return
    if isinstance(value, dict):
        yield holder, value
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _things(inner, holder if flat(name) in _HOLDERS else name, depth + 1)
    elif isinstance(value, list):
        for item in value[:20]:
            yield from _things(item, singular(holder), depth + 1)


def _only_names(name: str, value: str) -> bool:
    """Whether a text is the field's own name, or that in capitals: `databaseName1`, `AZURE_SUBSCRIPTION_ID`."""
    said, own = flat(value), flat(name)
    return said.rstrip("0123456789") == own or (value.isupper() and "_" in value and len(own) > 3 and own in said)


def _is_real(name: str, value: Json) -> bool:
    """Whether a value says something: no placeholder, no secret, nothing cut off."""
    if not isinstance(value, str):
        return True
    if not value or len(value) > MAX_TEXT or value.lower() in _PLACEHOLDERS or is_secret(None, name):
        return False
    if value.startswith(("YOUR_", "MY_", "EXAMPLE_")) or _only_names(name, value):
        return False
    if _SLOT.search(value):
        return False
    return not (value[0] in "{<[$" or value.endswith(("...", "…")) or "\ufffd" in value or "REDACTED" in value)
