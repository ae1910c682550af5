"""Values against schemas: arguments are checked, results made to conform, error bodies built.

An agent's arguments are untrusted: they are bounded before any validator sees them. A result that leaves here
validates against its schema, whatever a model wrote. Knows nothing of sessions and worlds.
"""

import json
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import jsonschema_rs

from gtm.errors import SpecError
from gtm.simulator.error_text import ErrorBody
from gtm.simulator.redact import REDACTED
from gtm.simulator.violations import (
    Violation,
    article,
    is_secret,
    label,
    schema_at,
    show,
    unknown_hint,
    violations_of,
)
from gtm.tools.leaf import json_type
from gtm.tools.repair import repair
from gtm.tools.sampler import sample
from gtm.tools.shape import Unsatisfiable, output_shape
from gtm.tools.validator import Identity, measure, prepare, resolve
from gtm.tools.workpiece import pointer_of
from gtm.types import Json, Tool, digest
from gtm.world.tree import inside, steps_of

MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_BYTES = 1_000_000
"""Limits of one call's arguments."""
MAX_VIOLATIONS = 10
ERROR_LEAVES = 12
"""Leaves of an error body beyond the required ones: errors are short."""
_INTEGER_FORMATS = {
    "int8": (-(2**7), 2**7 - 1),
    "uint8": (0, 2**8 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ArgumentReport:
    """What a check of arguments found."""

    violations: tuple[Violation, ...]
    """At most ten; none means that the call may run."""
    unknown: tuple[str, ...]
    """Names the tool does not declare and does not forbid."""
    hints: tuple[str, ...] = ()
    """One sentence for each unknown name."""

    @property
    def ok(self) -> bool:
        """Whether the call may run."""
        return not self.violations


FINE = ArgumentReport((), ())


@dataclass(frozen=True, slots=True)
class Conformed:
    """A value that validates, and what was changed for it."""

    value: Json
    repaired: tuple[str, ...]
    """JSON pointers of the leaves that are not as they were given."""


def compile_validator(schema: dict[str, Json] | bool) -> jsonschema_rs.Validator:
    """The compiled validator of a schema: draft 2020-12, formats on, nothing fetched, regexes bounded, remembered."""
    return prepare(schema).validator


def check_arguments(tool: Tool, arguments: object) -> ArgumentReport:
    """Whether a tool may be called with these arguments.

    Raises:
        SpecError: the tool's own schema is unusable.
    """
    if not isinstance(arguments, dict):
        kind = article(json_type(arguments))
        message = f"the arguments must be a JSON object; got {kind}"
        return ArgumentReport((Violation("", "", "type", message, "object"),), ())
    if _plainly_fine(tool, arguments):
        return FINE
    refused = _transportable(arguments)
    if refused:
        return ArgumentReport(tuple(refused[:MAX_VIOLATIONS]), ())
    prepared = prepare(tool.parameters)
    found: dict[tuple[str, str], Violation] = {}
    for error in prepared.validator.iter_errors(arguments):
        for violation in violations_of(error, prepared.schema, arguments):
            found.setdefault((violation.pointer, violation.message), violation)
        if len(found) >= MAX_VIOLATIONS:
            break
    for path, number in _large(arguments):
        schema = schema_at(prepared.schema, path, arguments)
        low, high = _INTEGER_FORMATS.get(str(schema.get("format")), (number, number))
        if not low <= number <= high:
            shown = "" if is_secret(path, schema) else f"; got {show(number)}"
            text = f"must be an integer of format {schema['format']} ({low} to {high})"
            violation = Violation(pointer_of(path), str(path[0]), "format", f"{label(path)} {text}{shown}", text[8:])
            found.setdefault((violation.pointer, violation.message), violation)
    found = {at: violation for at, violation in found.items() if not _is_redacted(violation.pointer, arguments)}
    unknown, known = _unknown(prepared.schema, arguments)
    reported = {violation.argument for violation in found.values()}
    unknown = [name for name in unknown if name not in reported]
    hints = tuple(f"unknown argument {name[:60]!r} was ignored{unknown_hint(name, known)}" for name in unknown)
    return ArgumentReport(tuple(found.values())[:MAX_VIOLATIONS], tuple(unknown), hints)


def conform(
    schema: dict[str, Json] | bool,
    value: Json,
    rng: random.Random,
    *,
    protected: frozenset[str] = frozenset(),
) -> Conformed:
    """The value, changed as little as possible until it validates.

    Values at `protected` pointers are kept if any way exists.

    Raises:
        Unsatisfiable: nothing satisfies the schema, or nothing was found.
        SpecError: the schema is above a limit, or none at all.
    """
    prepared = prepare(schema)
    if measure(value, MAX_DEPTH, MAX_VALUES):
        return Conformed(fresh := sample(schema, rng), tuple(_leaves(fresh, "")))
    clean = _plain(value)
    mended = clean
    if not prepared.validator.is_valid(clean):
        try:
            mended = repair(prepared, clean, rng, protected=protected)
        except Unsatisfiable:
            mended = sample(schema, rng)
    # An empty object may be valid, but where properties are declared it says nothing.
    if mended == {} and output_shape(schema).leaves:
        mended = sample(schema, rng)
    return Conformed(mended, () if mended is value else tuple(changed(value, mended)))


def error_body(schema: dict[str, Json] | bool, fields: dict[str, Json]) -> Json:
    """A body for a documented error schema that says what `fields` say, valid against the schema.

    `fields` may hold `message`, `status`, `code` and `kind`: they fill properties of such names, also inside wrappers
    (`{"error": {"message"}}`, `{"errors": [{"message"}]}`); the rest is sampled, the same for the same fields. Where
    the schema is open, names nothing or cannot be satisfied, the fields themselves are the body.
    """
    rng = random.Random(digest(fields))
    try:
        prepared = prepare(schema)
        body = sample(output_shape(schema, max_leaves=ERROR_LEAVES, omit="").schema, rng)
        if not prepared.validator.is_valid(body):
            body = sample(schema, rng)
    except (Unsatisfiable, SpecError):
        return dict(fields)
    if body == {} and prepared.validator.is_valid(dict(fields)):
        return dict(fields)
    return ErrorBody(prepared, body, fields).fill()


def lint_schema(schema: dict[str, Json] | bool) -> tuple[str, ...]:
    """What a user should know of a schema: why it cannot be used, or what is relaxed and cut. One sentence each."""
    try:
        shape = output_shape(schema)
    except Unsatisfiable:
        return ("nothing satisfies this schema; it is treated as none",)
    except SpecError as error:
        return (f"the schema is treated as none: {error}",)
    try:
        sample(schema, random.Random(0))
    except Unsatisfiable:
        return (*shape.notes, "no value was found that satisfies this schema; it is treated as none")
    return shape.notes


def changed(before: Json, after: Json, pointer: str = "") -> Iterator[str]:
    """JSON pointers of the leaves of `after` that `before` does not have."""
    if isinstance(after, dict) and after and isinstance(before, dict):
        for name, inner in after.items():
            below = f"{pointer}{pointer_of((name,))}"
            yield from changed(before[name], inner, below) if name in before else _leaves(inner, below)
    elif isinstance(after, list) and after and isinstance(before, list):
        for index, inner in enumerate(after):
            below = f"{pointer}/{index}"
            yield from changed(before[index], inner, below) if index < len(before) else _leaves(inner, below)
    elif type(before) is not type(after) or before != after:
        yield from _leaves(after, pointer)


def _leaves(value: Json, pointer: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{pointer}{pointer_of((name,))}")
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{pointer}/{index}")
    else:
        yield pointer


def _plain(value: Json) -> Json:
    """The value with what JSON cannot carry replaced: NaN and infinities by null, lone surrogates by `?`."""
    if isinstance(value, dict):
        return {_plain(str(name)): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return value


def _plainly_fine(tool: Tool, arguments: dict[str, Json]) -> bool:
    """The usual case in a fraction of the time: short, valid, every name known, no huge integer."""
    if not all(type(name) is str for name in arguments):
        return False
    try:
        text = _STRICT.encode(arguments)
        text.encode()
    except (ValueError, TypeError, RecursionError):
        return False
    if len(text) > PLAIN_BYTES or text.count("[") + text.count("{") > MAX_DEPTH or _LONG_NUMBER.search(text):
        return False
    prepared = prepare(tool.parameters)
    closed, known = _declared(Identity(prepared.schema))
    if _has_small_integers(Identity(prepared.schema)) or (closed and not known.keys() >= arguments.keys()):
        return False
    return prepared.validator.is_valid(arguments)


_STRICT = json.JSONEncoder(allow_nan=False, ensure_ascii=False)
_LONG_NUMBER = re.compile(r"[0-9]{10}")
"""Fewer digits fit every integer format from int32 on."""
_SMALL_INTEGERS = ('"int8"', '"uint8"', '"int16"', '"uint16"')
PLAIN_BYTES = 4_000
"""JSON text up to which arguments take the short way."""


@lru_cache(maxsize=4096)
def _has_small_integers(key: Identity) -> bool:
    text = json.dumps(key.value)
    return any(name in text for name in _SMALL_INTEGERS)


def _transportable(arguments: dict[str, Json]) -> list[Violation]:
    """What no JSON text could carry, or is too large."""
    problem = measure(arguments, MAX_DEPTH, MAX_VALUES)
    if problem:
        return [Violation("", "", "size", f"the arguments are refused: a value {problem}; send less")]
    found = [violation for path, value in _items(arguments) if (violation := _unfit(path, value))]
    if not found and len(json.dumps(arguments)) > MAX_BYTES:
        found = [Violation("", "", "size", f"the arguments are refused: more than {MAX_BYTES:,} bytes; send less")]
    return found


def _unfit(path: Path, value: Json) -> Violation | None:
    problem = ""
    if isinstance(value, str):
        if not value.isascii() and _has_surrogate(value):
            problem = "holds half of a surrogate pair, which is no Unicode text"
    elif isinstance(value, float):
        if not math.isfinite(value):
            problem = "must be a finite number; JSON has no NaN and no infinity"
    elif isinstance(value, int):
        if value.bit_length() > 1023:
            problem = "must be a number that JSON can carry (below 1e308)"
    elif value is not None and not isinstance(value, dict | list):
        problem = f"must be a JSON value; got {type(value).__name__}"
    elif isinstance(value, dict) and any(not isinstance(name, str) or _has_surrogate(name) for name in value):
        problem = "has a property whose name is no Unicode text"
    if not problem:
        return None
    safe = tuple(part if isinstance(part, int) else str(part).encode("utf-8", "replace").decode() for part in path)
    name = label(safe) if safe else "the object of arguments"
    return Violation(pointer_of(safe), str(safe[0]) if safe else "", "json", f"{name} {problem}")


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _items(value: Json) -> Iterator[tuple[Path, Json]]:
    stack: list[tuple[Path, Json]] = [((), value)]
    while stack:
        path, here = stack.pop()
        yield path, here
        if isinstance(here, dict):
            stack.extend(((*path, name), inner) for name, inner in here.items())
        elif isinstance(here, list):
            stack.extend(((*path, index), inner) for index, inner in enumerate(here))


def _is_redacted(pointer: str, arguments: Json) -> bool:
    """Whether a record left the mark of a secret there, which was valid when it was made."""
    value = arguments
    for step in steps_of(pointer):
        value = inside(value, step)
    return bool(value == REDACTED)


def _large(arguments: Json) -> Iterator[tuple[Path, int]]:
    """Integers that may not fit their format; small non-negative ones fit all."""
    for path, value in _items(arguments):
        if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value < 128:
            yield path, value


def _unknown(schema: dict[str, Json], arguments: dict[str, Json]) -> tuple[list[str], list[str]]:
    """Names that are declared nowhere, where an open object allows them silently; and the names that are declared."""
    closed, known = _declared(Identity(schema))
    return [name for name in arguments if closed and name not in known], list(known)


@lru_cache(maxsize=4096)
def _declared(key: Identity) -> tuple[bool, dict[str, None]]:
    """Whether a name that is not declared is worth a word, and the declared names in order."""
    schema = key.value
    known: dict[str, None] = {}
    pending: list[Json] = [schema]
    seen: set[str] = set()
    open_map = False
    while pending:
        node = pending.pop()
        if not isinstance(node, dict):
            continue
        known.update(dict.fromkeys(node.get("properties") or {}))
        extra = node.get("additionalProperties")
        open_map = open_map or (isinstance(extra, dict) and bool(extra)) or bool(node.get("patternProperties"))
        for keyword in ("allOf", "anyOf", "oneOf"):
            pending.extend(node.get(keyword) or ())
        pending.extend(node[keyword] for keyword in ("then", "else") if keyword in node)
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            pending.append(resolve(schema, reference))
    # A tool that declares nothing takes anything; a map takes any key.
    return bool(known) and not open_map, known
