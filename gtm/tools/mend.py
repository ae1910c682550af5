"""Small changes to a value, one for each thing a validator finds wrong: clamp, cut, pad, add, drop, rename.

Each takes the work piece, the place and the error, and says whether it changed what was wrong; what it adds is
sampled. Which change is tried when, and what follows where none helps, is `gtm.tools.repair`'s business.
"""

import random
from collections.abc import Callable

import jsonschema_rs

from gtm.tools.draw import copy_json
from gtm.tools.merge import Expander, Schema
from gtm.tools.patterns import string_for
from gtm.tools.validator import prepare
from gtm.tools.workpiece import NOTHING, Error, Path, Workpiece, at, child_schema, pointer_of
from gtm.types import Json

MAX_PADDING = 2_000
"""Array items added to reach a minimum; a schema that asks for more is refused."""
_MISFITS: tuple[Json, ...] = (None, "none", 0, False, {}, [])
"""What a property is set to so that a branch of `oneOf` no longer takes the object."""


def _clamp(piece: Workpiece, path: Path, error: Error) -> bool:
    """A number moved to the nearest bound that its whole schema allows."""
    value = at(piece.value, path)
    limit = error.kind.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(limit, int | float):
        return False
    if error.kind.name.startswith("exclusive"):
        limit = limit + (1 if error.kind.name == "exclusiveMinimum" else -1)
    piece.put(path, int(limit) if isinstance(value, int) and float(limit).is_integer() else limit)
    return not piece.errors_at(path)


def _cut_text(piece: Workpiece, path: Path, error: Error) -> bool:
    value = at(piece.value, path)
    if not isinstance(value, str):
        return False
    piece.put(path, value[: int(error.kind.value)])
    return not piece.errors_at(path)


def _add_required(piece: Workpiece, path: Path, error: Error) -> bool:
    name = error.kind.property if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required) else ""
    holder = at(piece.value, path)
    fresh = piece.sample((*path, name), also=child_schema(piece.flat_holder(error), name))
    if not isinstance(holder, dict) or fresh is NOTHING:
        return False
    holder[name] = fresh
    return True


def _drop_unexpected(piece: Workpiece, path: Path, error: Error) -> bool:
    holder = at(piece.value, path)
    unexpected = error.kind.value
    if isinstance(holder, list):
        gone = {index for index in unexpected if isinstance(index, int)}
        piece.put(path, [item for index, item in enumerate(holder) if index not in gone])
        return bool(gone)
    if not isinstance(holder, dict):
        return False
    for name in unexpected:
        holder.pop(name, None)
    return True


def _drop_place(piece: Workpiece, path: Path, error: Error) -> bool:
    """A place where nothing is allowed (`false`)."""
    holder = at(piece.value, path[:-1]) if path else None
    if isinstance(holder, dict):
        holder.pop(str(path[-1]), None)
        return True
    if isinstance(holder, list) and isinstance(path[-1], int) and path[-1] < len(holder):
        del holder[path[-1]]
        return True
    return False


def _pad(piece: Workpiece, path: Path, error: Error) -> bool:
    items = at(piece.value, path)
    wanted = int(error.kind.value)
    if not isinstance(items, list) or wanted - len(items) > MAX_PADDING:
        return False
    schema = piece.schema_at(path) or {}
    unique, prefix = schema.get("uniqueItems"), len(schema.get("prefixItems", ()))
    misses, start = 0, len(items)
    while len(items) < wanted and misses < 50:
        if len(items) in (start, prefix) or len(items) < prefix:
            shape = piece.shape_at((*path, len(items)))
        fresh = piece.draw(shape, path)
        if fresh is NOTHING:
            return False
        if unique and fresh in items:
            misses += 1
        else:
            items.append(fresh)
    return len(items) >= wanted


def _cut_items(piece: Workpiece, path: Path, error: Error) -> bool:
    items = at(piece.value, path)
    if not isinstance(items, list):
        return False
    del items[int(error.kind.value) :]
    return True


def _make_unique(piece: Workpiece, path: Path, error: Error) -> bool:
    items = at(piece.value, path)
    if not isinstance(items, list):
        return False
    kept: list[Json] = []
    for index in range(len(items)):
        item = items[index]
        for _ in range(10):
            if item not in kept:
                kept.append(item)
                break
            item = piece.sample((*path, index))
    piece.put(path, kept)
    return True


def _add_contained(piece: Workpiece, path: Path, error: Error) -> bool:
    items = at(piece.value, path)
    schema = piece.schema_at(path) or {}
    if not isinstance(items, list):
        return False
    fresh = piece.sample((*path, len(items)), also=schema.get("contains", True))
    if fresh is NOTHING:
        return False
    full = "maxItems" in schema and len(items) >= schema["maxItems"]
    piece.put((*path, len(items) - 1 if full and items else len(items)), fresh)
    return True


def _add_properties(piece: Workpiece, path: Path, error: Error) -> bool:
    holder = at(piece.value, path)
    schema = piece.schema_at(path) or {}
    if not isinstance(holder, dict):
        return False
    wanted = int(error.kind.value)
    spare = [name for name in schema.get("properties") or {} if name not in holder]
    spare += _names(schema, min(wanted, MAX_PADDING))
    for name in spare:
        if len(holder) >= wanted:
            return True
        fresh = NOTHING if name in holder else piece.sample((*path, name))
        if fresh is not NOTHING:
            holder[name] = fresh
    return len(holder) >= wanted


def _names(schema: Schema, count: int) -> list[str]:
    names = schema.get("propertyNames")
    pattern = (
        names.get("pattern") if isinstance(names, dict) else next(iter(schema.get("patternProperties") or ()), None)
    )
    if pattern is None:
        return [f"key{number}" for number in range(1, count + 1)]
    made = [string_for(pattern, random.Random(number)) for number in range(4 * count)]
    return [name for name in made if name is not None]


def _drop_properties(piece: Workpiece, path: Path, error: Error) -> bool:
    holder = at(piece.value, path)
    if not isinstance(holder, dict):
        return False
    required = (piece.schema_at(path) or {}).get("required", ())
    for name in [name for name in reversed(holder) if name not in required]:
        if len(holder) > int(error.kind.value) and pointer_of((*path, name)) not in piece.protected:
            del holder[name]
    return True


def _rename(piece: Workpiece, path: Path, error: Error) -> bool:
    """Properties whose names are not allowed go; `minProperties` is the next pass's business."""
    holder = at(piece.value, path)
    schema = piece.schema_at(path) or {}
    names = schema.get("propertyNames")
    if not isinstance(holder, dict) or not isinstance(names, dict):
        return False
    check = prepare({**piece.definitions, **names}).validator
    wrong = [name for name in holder if not check.is_valid(name)]
    for name in wrong:
        del holder[name]
    return bool(wrong)


def _leave_branch(piece: Workpiece, path: Path, error: Error) -> bool:
    """Of several branches that all accept the value, all but one are left by a value they do not take."""
    holder = at(piece.value, path)
    if not isinstance(error.kind, jsonschema_rs.ValidationErrorKind.OneOfMultipleValid) or not isinstance(
        holder, dict
    ):
        return False
    expander = Expander(piece.prepared.schema)
    branches = [expander.expand(branch) for branch in piece.holder(error).get("oneOf", ())]
    names = dict.fromkeys(name for branch in branches if branch for name in branch.schema.get("properties") or {})
    for name in sorted(names, key=lambda name: name in holder):
        old = holder.get(name, NOTHING)
        for candidate in _MISFITS:
            holder[name] = copy_json(candidate)
            if not piece.errors_at(path) and not piece.errors_at((*path, name)):
                return True
        if old is NOTHING:
            del holder[name]
        else:
            holder[name] = old
    return False


CHANGES: dict[str, Callable[[Workpiece, Path, Error], bool]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _clamp),
    "maxLength": _cut_text,
    "required": _add_required,
    **dict.fromkeys(("additionalProperties", "unevaluatedProperties", "unevaluatedItems"), _drop_unexpected),
    "falseSchema": _drop_place,
    "propertyNames": _rename,
    "oneOf": _leave_branch,
    "minItems": _pad,
    "maxItems": _cut_items,
    "uniqueItems": _make_unique,
    "contains": _add_contained,
    "minProperties": _add_properties,
    "maxProperties": _drop_properties,
}
"""Keyword -> change."""
