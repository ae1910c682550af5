"""What stands inside of a thing and repeats what its caller said of the thing itself.

A user made with `connection` shows it again in `identities[].connection`, a load balancer's `Listeners` are shown as
`ListenerDescriptions[].Listener`. Fills only places of which nothing is known. Names that say something else of
whatever they stand in (`name`, `status`, `amount`) are no repetition.
"""

from collections.abc import Mapping

from gtm.tools.view import View
from gtm.types import Json
from gtm.world.fields import takes
from gtm.world.tree import UNKNOWN
from gtm.world.words import flat, singular, words

MAX_DEPTH = 4
"""Levels below a thing at which repetitions are looked for."""

_ALONE = frozenset(
    "account bucket connection currency database domain host namespace project protocol region repository strategy"
    " tenant zone".split()
)
"""Single words that mean the same wherever they stand in a thing."""
_OWN = frozenset(
    "amount at balance body by code cost count date description email enabled end error first full given index key"
    " kind label last length level limit message middle nick note number offset on order page phone position postal"
    " price quantity rate reason role score size start state status street summary text time title total type units"
    " updated url value version weight zip author creator manager owner parent previous reporter user guest".split()
)
"""Words of names that say something of what they stand in, and not of what is around it."""
_CONTAINERS = frozenset("attributes data errors fields items labels links metadata options properties tags".split())
"""Names of arrays and objects that each thing has its own of."""


def is_shared(name: str, value: Json) -> bool:
    """Whether a place of this name, inside of a thing or of what belongs to it, holds what the thing's field does."""
    if isinstance(value, dict | list):
        return flat(name) not in _CONTAINERS
    parts = words(name)
    if parts[-1:] in {("id",), ("uuid",), ("ids",)}:
        return False  # a reply's `author_id` is its own author's
    return not _OWN & {*parts} if len(parts) > 1 else parts[:1] != () and parts[0] in _ALONE


def told_of(said: Mapping[str, Json]) -> dict[str, Json]:
    """What may be repeated, by flat name: a thing's fields, and what stands in those that are objects."""
    parts = [value for value in said.values() if isinstance(value, dict)]
    inner = {flat(name): value for part in parts for name, value in part.items()}
    return inner | {flat(name): value for name, value in said.items()}


def repeated(view: View | None, shape: Json, told: Mapping[str, Json], depth: int = 0) -> Json:
    """The part of an unknown place that repeats `told` (flat name -> value); UNKNOWN where nothing does."""
    if view is None or depth > MAX_DEPTH or not isinstance(shape, dict):
        return UNKNOWN
    if shape.get("type") == "array":
        return _items(view, shape, told, depth)
    found: dict[str, Json] = {}
    for name, leaf in (shape.get("properties") or {}).items():
        place = view.child(name)
        value = told.get(flat(name), UNKNOWN)
        if place is None:
            continue
        if _is_told(value) and is_shared(name, value) and takes(place, value):
            found[name] = value
        elif (inner := repeated(place, leaf, told, depth + 1)) is not UNKNOWN:
            found[name] = inner
    return found or UNKNOWN


def _items(view: View, shape: dict[str, Json], told: Mapping[str, Json], depth: int) -> Json:
    """The items of an unknown array: one for each item of what they repeat, else one."""
    items, place = shape.get("items"), view.items
    if not isinstance(items, dict) or place is None:
        return UNKNOWN
    for name in items.get("properties") or ():
        inner = place.child(name)
        parts = next((v for n, v in told.items() if isinstance(v, list) and singular(n) == flat(name) != n), None)
        if inner is not None and parts and all(isinstance(part, dict) and takes(inner, part) for part in parts):
            return [{name: part} for part in parts]
    ids = [name for name in place.properties if words(name)[-1:] in {("id",), ("uuid",)}]
    if any(flat(name) not in told for name in ids):
        return UNKNOWN  # things of their own: comments, replies, refunds
    scalars = {name: value for name, value in told.items() if not isinstance(value, dict | list)}
    one = repeated(place, items, scalars, depth + 1)
    return UNKNOWN if one is UNKNOWN else [one] * max(1, int(shape.get("minItems", 1)))


def _is_told(value: Json) -> bool:
    return value is not UNKNOWN and value is not None and not isinstance(value, bool)


def renewed(value: dict[str, Json], name: str, before: Json, now: Json) -> None:
    """Put a field's new value wherever the old one was repeated inside of the thing; changes `value`."""
    if not isinstance(before, str | int | float) or isinstance(before, bool) or not is_shared(name, before):
        return
    for holder, part in value.items():
        if isinstance(part, dict | list):
            value[holder] = _replaced(part, flat(name), before, now)


def _replaced(part: Json, name: str, before: Json, now: Json) -> Json:
    if isinstance(part, list):
        return [_replaced(item, name, before, now) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        n: now if flat(n) == name and inner == before else _replaced(inner, name, before, now)
        for n, inner in part.items()
    }
