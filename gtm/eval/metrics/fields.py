"""What is known of a field of a tool's answers: its declared enum and format, its values in other recordings.

Other recordings are other sessions of the same tool; a session never vouches for itself. A field that shows one and
the same value in `ENOUGH` or more other sessions' values is a constant: to repeat it proves nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gtm.eval.metrics.values import below, content_of, json_type, leaves
from gtm.eval.records import Item
from gtm.tools.validator import resolve
from gtm.types import Json, Tool

ENOUGH = 3
MAX_VALUES = 300
"""Values of one field that are kept."""
MAX_DEPTH = 12


@dataclass(slots=True)
class Declared:
    """What an output schema says of one place."""

    enum: list[Json] = field(default_factory=list)
    format: str = ""

    def allows(self, value: Json) -> bool:
        """Whether a value is one of the enum and of the format."""
        if self.enum and value not in self.enum:
            return False
        pattern = FORMATS.get(self.format)
        return pattern is None or not isinstance(value, str) or bool(pattern.match(value))


FORMATS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d"),
    "date": re.compile(r"\d{4}-\d\d-\d\d\Z"),
    "time": re.compile(r"\d\d:\d\d"),
    "uuid": re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\Z"),
    "uri": re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S*\Z"),
    "ipv4": re.compile(r"\d{1,3}(\.\d{1,3}){3}\Z"),
    "ipv6": re.compile(r"[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\Z"),
    "hostname": re.compile(r"[A-Za-z0-9.-]+\Z"),
}
"""Formats as the real answers write them, a little wider than the standards."""


def declared_fields(schema: Json) -> dict[str, Declared]:
    """Place -> its enum and format, wherever an output schema names one."""
    found: dict[str, Declared] = {}
    if isinstance(schema, dict):
        _collect(schema, schema, "", found, ())
    return found


def _collect(
    root: dict[str, Json], schema: Json, path: str, found: dict[str, Declared], chain: tuple[str, ...]
) -> None:
    """`chain` are the references on the way here: none is followed inside itself."""
    if not isinstance(schema, dict) or path.count(".") + path.count("[]") > MAX_DEPTH:
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in chain:
        _collect(root, resolve(root, reference), path, found, (*chain, reference))
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    form = schema.get("format")
    if values or form in FORMATS:
        here = found.setdefault(path, Declared())
        here.enum += [value for value in values if value not in here.enum]
        here.format = here.format or (form if isinstance(form, str) else "")
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword) or ():
            _collect(root, part, path, found, chain)
    for name, part in (schema.get("properties") or {}).items():
        _collect(root, part, below(path, name), found, chain)
    _collect(root, schema.get("items"), f"{path}[]", found, chain)


class Fields:
    """The values of every field of a family's answers, with the session that showed them."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._values: dict[tuple[str, str, str], list[tuple[str, Json]]] = {}
        self._declared: dict[str, dict[str, Declared]] = {}
        for item in items:
            self.add(item)

    def add(self, item: Item) -> None:
        """Take in the successes of a session."""
        for turn in item.turns:
            if not turn.is_error:
                for path, value in leaves(content_of(turn.response)):
                    values = self._values.setdefault((item.family, turn.tool, path), [])
                    if len(values) < MAX_VALUES:
                        values.append((item.id, value))

    def others(self, item: Item, tool: str, path: str) -> list[Json]:
        """The values at a place in other sessions."""
        return [value for owner, value in self._values.get((item.family, tool, path), ()) if owner != item.id]

    def declared(self, family: str, tool: Tool, path: str) -> Declared | None:
        """What the tool's output schema says of a place, if anything."""
        key = f"{family}\0{tool.name}"
        if key not in self._declared:
            self._declared[key] = declared_fields(tool.output_schema)
        return self._declared[key].get(path)


def is_constant(value: Json, others: list[Json]) -> bool:
    """Whether a field shows nothing but this value elsewhere."""
    return len(others) >= ENOUGH and all(other == value for other in others)


def in_range(value: Json, true: Json, others: list[Json]) -> bool:
    """Whether a number, or a text's length, lies within what the field really shows, the true answer included."""
    if json_type(value) != json_type(true):
        return False
    sizes = [size for one in (*others, true) if (size := _size(one, true)) is not None]
    size = _size(value, true)
    return size is None or not sizes or min(sizes) <= size <= max(sizes)


def _size(value: Json, like: Json) -> float | None:
    if json_type(value) != json_type(like):
        return None
    if isinstance(value, str):
        return len(value)
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value
