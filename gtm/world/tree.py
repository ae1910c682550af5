"""Partial JSON values: what is known of an answer, what is still missing, and the two put together.

A known value fixes the lengths of its arrays, so the missing part of an array is written as an object whose keys are
the indices. Knows shapes (`gtm.tools.shape`) and nothing else.
"""

from typing import Any

from gtm.tools.shape import escape
from gtm.types import Json


class _Unknown:
    """The one value that says: nothing is known here."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()


class Whole(dict[str, Json]):
    """An object of which all is known: a map of the caller's or one that was shown; nothing is added to it."""


def missing(shape: dict[str, Json], known: Json) -> dict[str, Json] | None:
    """The shape of what a generator must still write; None where all is known."""
    if known is UNKNOWN:
        return shape
    if isinstance(known, Whole):
        return None
    if shape.get("type") == "object" and isinstance(known, dict):
        parts = {name: missing(sub, known.get(name, UNKNOWN)) for name, sub in shape.get("properties", {}).items()}
        return closed({name: part for name, part in parts.items() if part is not None})
    if shape.get("type") == "array" and isinstance(known, list) and isinstance(shape.get("items"), dict):
        parts = {str(index): missing(shape["items"], item) for index, item in enumerate(known)}
        return closed({name: part for name, part in parts.items() if part is not None})
    return None


def closed(properties: dict[str, Json]) -> dict[str, Json] | None:
    """An object shape of exactly these properties; None of none."""
    if not properties:
        return None
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def overlay(known: Json, written: Json) -> Json:
    """Known and written parts as one value; the known part wins."""
    if known is UNKNOWN:
        return written
    if isinstance(known, dict) and isinstance(written, dict):
        merged = {name: overlay(value, written.get(name, UNKNOWN)) for name, value in known.items()}
        return merged | {name: value for name, value in written.items() if name not in known}
    if isinstance(known, list) and isinstance(written, dict):
        return [overlay(item, written.get(str(index), UNKNOWN)) for index, item in enumerate(known)]
    return known


def plain(known: Json) -> Json:
    """The known part without the places where nothing is known, as a prompt shows it."""
    if isinstance(known, dict):
        return {name: plain(value) for name, value in known.items() if value is not UNKNOWN}
    if isinstance(known, list):
        return [plain(value) for value in known]
    return None if known is UNKNOWN else known


def absorb(stored: Json, shown: Json) -> Json:
    """What was shown, with what is stored beside it; what was mended on its way out is kept as it was shown."""
    if isinstance(stored, dict) and isinstance(shown, dict):
        return {**stored, **{name: absorb(stored.get(name, UNKNOWN), value) for name, value in shown.items()}}
    if isinstance(stored, list) and isinstance(shown, list) and len(stored) == len(shown):
        return [absorb(*pair) for pair in zip(stored, shown, strict=True)]
    return shown


def leaves(value: Json, pointer: str = "") -> list[tuple[str, Json]]:
    """(pointer, scalar or empty container) pairs, in order."""
    if isinstance(value, dict) and value:
        return [leaf for name, sub in value.items() for leaf in leaves(sub, f"{pointer}/{escape(str(name))}")]
    if isinstance(value, list) and value:
        return [leaf for index, sub in enumerate(value) for leaf in leaves(sub, f"{pointer}/{index}")]
    return [] if value is UNKNOWN else [(pointer, value)]


def steps_of(pointer: str) -> list[str]:
    """The names and indices that a JSON pointer is made of."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def inside(value: Json, step: str) -> Json:
    """What one step of a pointer leads to; UNKNOWN where nothing is."""
    if isinstance(value, list):
        return value[int(step)] if step.isdecimal() and int(step) < len(value) else UNKNOWN
    return value.get(step, UNKNOWN) if isinstance(value, dict) else UNKNOWN
