"""A value made to fit its schema: the smallest change first, a wider one where that fails.

Each pass asks the validator what is wrong, mends it in place (`gtm.tools.mend`), samples it anew, leaves it out if it
is optional, and goes one level up at a place that stays wrong. Passes are bounded; what could not be mended is
`Unsatisfiable`. Values at protected pointers are changed only when nothing else is left to change.
"""

import random
from collections.abc import Iterator
from itertools import islice

import jsonschema_rs

from gtm.tools.draw import copy_json
from gtm.tools.mend import CHANGES
from gtm.tools.shape import Unsatisfiable
from gtm.tools.validator import Prepared
from gtm.tools.workpiece import NOTHING, Error, Path, Workpiece, at, pointer_of
from gtm.types import Json

PASSES = 24
ERRORS_PER_PASS = 64

_WHOLE = ("unevaluatedProperties", "unevaluatedItems", "anyOf", "oneOf", "not")
"""Judgements that depend on everything inside a place: they wait for the rest, and are tried more often."""
_SPARING = ("required", "minItems", "minProperties", "contains")
"""Mending these adds to a value; what was there stays."""


def repair(
    prepared: Prepared, value: Json, rng: random.Random, *, protected: frozenset[str] = frozenset(), hint: str = ""
) -> Json:
    """The value, changed until it validates.

    Returns:
        A new value; the one given is left as it was.

    Raises:
        Unsatisfiable: no way was found within bounds.
    """
    for guarded in (protected, frozenset[str]()) if protected else (protected,):
        piece = Workpiece(prepared, copy_json(value), rng, guarded, hint)
        if _run(piece):
            return piece.value
    raise Unsatisfiable("no value was found that satisfies the schema")


def _run(piece: Workpiece) -> bool:
    """Mend until valid; False when the passes are used up."""
    attempts: dict[Path, int] = {}
    validator = piece.prepared.validator
    for number in range(PASSES):
        errors = list(islice(validator.iter_errors(piece.value), ERRORS_PER_PASS))
        if not errors:
            return True
        errors.sort(key=lambda error: error.kind.name in _WHOLE)
        touched: set[Path] = set()
        for error in errors:
            path, whole = tuple(error.instance_path), error.kind.name in _WHOLE
            if any(path[: len(done)] == done or (whole and done[: len(path)] == path) for done in touched):
                continue
            count = attempts[path] = attempts.get(path, 0) + 1
            tries = 6 if whole else 2
            # Some tries at a place, then leave it out, then as many at what holds it, and so on up to the root.
            where = path[: len(path) - min(len(path), (count - 1) // tries)]
            touched.add(where)
            if count == tries + 1 and _leave_out(piece, path):
                continue
            if where != path or not _mend(piece, error, count):
                _resample(piece, where, number // 2, piece.holder(error) if where == path else True)
    return validator.is_valid(piece.value)


def _mend(piece: Workpiece, error: Error, count: int) -> bool:
    """Mend what is behind one error; False where nothing was changed."""
    done = [_mend_one(piece, small, count, small is not error) for small in _relevant(error, piece)]
    return any(done)


def _mend_one(piece: Workpiece, error: Error, count: int, inner: bool) -> bool:
    change = CHANGES.get(error.kind.name)
    place = tuple(error.instance_path)
    if error.kind.name not in _SPARING and pointer_of(place) in piece.protected:
        return False
    if change is not None and change(piece, place, error):
        return True
    # Inside a branch of an alternative nobody else comes by: sample the place twice, then leave it out.
    if inner and place and count <= 2:
        _resample(piece, place, 0, piece.holder(error))
        return True
    return inner and count in (3, 4) and _leave_out(piece, place)


def _leave_out(piece: Workpiece, path: Path) -> bool:
    """Drop the smallest optional thing around a place that resists."""
    for end in range(len(path), 0, -1):
        holder, name = at(piece.value, path[: end - 1]), path[end - 1]
        if not isinstance(holder, dict) or _guards(piece, path[:end]):
            continue
        if name not in (piece.schema_at(path[: end - 1]) or {}).get("required", ()):
            holder.pop(str(name), None)
            return True
    return False


def _guards(piece: Workpiece, path: Path) -> bool:
    """Whether a place is protected, or holds something that is."""
    pointer = pointer_of(path)
    return any(known == pointer or known.startswith(f"{pointer}/") for known in piece.protected)


def _resample(piece: Workpiece, path: Path, skip: int, also: Json) -> None:
    if pointer_of(path) in piece.protected:
        return
    kept = [entry for entry in _places(at(piece.value, path), path) if pointer_of(entry[0]) in piece.protected]
    fresh = piece.sample(path, skip, also)
    if fresh is NOTHING:
        return
    piece.put(path, fresh)
    for place, old in kept:
        piece.put(place, old)


def _places(value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    stack: list[tuple[Path, Json]] = [(path, value)]
    while stack:
        here, inner = stack.pop()
        yield here, inner
        if isinstance(inner, dict):
            stack.extend(((*here, key), below) for key, below in inner.items())
        elif isinstance(inner, list):
            stack.extend(((*here, index), below) for index, below in enumerate(inner))


def _relevant(error: Error, piece: Workpiece) -> list[Error]:
    """The errors to mend for one: its own, or those of the branch that is nearest to being satisfied."""
    kinds = jsonschema_rs.ValidationErrorKind
    for _ in range(8):
        if not isinstance(error.kind, kinds.AnyOf | kinds.OneOfNotValid):
            break
        branches = [branch for branch in error.kind.context if branch]
        if not branches:
            break
        nearest = min(branches, key=lambda branch: _distance(branch, piece))
        if len(nearest) > 1:
            return list(nearest)
        error = nearest[0]
    return [error]


def _distance(branch: list[Error], piece: Workpiece) -> tuple[bool, bool, bool, int]:
    """How far a value is from a branch: what must not change weighs most, then types, then discriminators."""
    names = {error.kind.name for error in branch}
    fixed = any(e.kind.name not in _SPARING and pointer_of(e.instance_path) in piece.protected for e in branch)
    return fixed, "type" in names, "const" in names, len(branch)
