"""Collections of tools as JSONL (one definition a line, perhaps in gzip), and the split of their families.

A line has `id`, `domain`, `name`, `parameters`, `output_schema` and, where known, `http` ("GET /path"), `examples`,
`error_examples`, `errors`, `empty_success` and `licence`; its `id` becomes `Tool.source`, so that records can be
joined. Reading streams: a collection never has to fit in memory. Neither names nor lines are taken on trust.
"""

import hashlib
import pathlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from gtm.errors import SpecError
from gtm.tools.document import open_lines, parse_line
from gtm.tools.gather import Gathering, read_output, read_parameters, slug, text_of
from gtm.types import ArgumentSlot, ErrorResponse, Example, HttpBinding, Json, Tool, Toolset

Split = Literal["train", "dev", "test"]
_IN_QUERY = ("GET", "DELETE", "HEAD", "OPTIONS")
_JSON = "application/json"
_CUT = re.compile(r"\(and \d+ more values\)")
"""How a description ends whose list of values the collection cut."""
MAX_DEPTH = 64
"""Levels of a schema that are looked through; deeper ones are refused where it is read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a collection: a tool, or why it is none."""

    label: str
    tool: Tool | None
    reason: str = ""
    record: dict[str, Json] = field(default_factory=dict)
    """The line as it stands, where it is one: topics and the origin of examples are no part of a tool."""


def is_catalog_line(value: Json) -> bool:
    """Whether a JSON value is a line of a collection."""
    return isinstance(value, dict) and {"id", "domain", "name", "parameters"} <= value.keys()


def iter_entries(path: str | pathlib.Path) -> Iterator[Entry]:
    """The lines of one collection, in order, refusals included. Raises SpecError where the file cannot be read."""
    try:
        for number, line in enumerate(open_lines(str(path)), 1):
            yield read_line(line, f"{path}:{number}")
    except OSError as error:
        raise SpecError(f"{str(path)!r} cannot be read ({error.strerror}); check the path") from error


def read_line(line: bytes, where: str) -> Entry:
    """One line of a collection, which `where` names in messages; never raises."""
    label, record = where, {}
    try:
        record = parse_line(line, where)
        if not is_catalog_line(record):
            record = {}
            raise SpecError("lacks 'id', 'domain', 'name' or 'parameters'; this is no line of a tool collection")
        label = text_of(record["id"]) or where
        return Entry(label, _tool(record), record=record)
    except SpecError as error:
        return Entry(label, None, str(error), record)


def iter_catalog(paths: Iterable[str | pathlib.Path]) -> Iterator[Tool]:
    """The usable tools of collections, in order, one at a time."""
    for path in paths:
        yield from (entry.tool for entry in iter_entries(path) if entry.tool is not None)


def load_catalog(path: str | pathlib.Path, domain: str | None = None) -> list[Toolset]:
    """One toolset a domain, in order of first appearance; only `domain` where one is named. Raises SpecError."""
    groups: dict[str, Gathering] = {}
    for entry in iter_entries(path):
        key = entry.tool.domain if entry.tool else domain or ""
        if domain is not None and key != domain:
            continue
        gathering = groups.setdefault(key, Gathering("catalog", str(path)))
        if entry.tool is None:
            gathering.refuse(entry.label, entry.reason)
        else:
            gathering.add(entry.tool)
    usable = [gathering.toolset(slug(key)) for key, gathering in groups.items() if gathering.tools]
    if not usable:
        wanted = f" of the domain {domain!r}" if domain is not None else ""
        raise SpecError(f"{str(path)!r} has no usable tools{wanted}; check the file and the spelling")
    return usable


def family(tool: Tool) -> str:
    """What must not be torn apart between training and test: the provider or service a tool belongs to."""
    return tool.domain


def split(family: str) -> Split:
    """Where a family belongs: 90 % train, 5 % dev, 5 % test, for ever the same."""
    hundredth = int.from_bytes(hashlib.sha256(family.encode()).digest()[:8], "big") % 100
    return "train" if hundredth < 90 else "dev" if hundredth < 95 else "test"


def _tool(record: dict[str, Json]) -> Tool:
    if not isinstance(record["name"], str) or not record["name"]:
        raise SpecError("has no name; give one")
    parameters = read_parameters(_uncut(record["parameters"]))
    output, notes = read_output(_uncut(record.get("output_schema")))
    return Tool(
        name=record["name"],
        description=text_of(record.get("description")),
        parameters=parameters.schema,
        output_schema=output,
        examples=tuple(_examples(record.get("examples"))),
        error_names=tuple(name for name in _list(record.get("errors")) if isinstance(name, str)),
        http=_binding(record, parameters.schema["properties"]),
        domain=text_of(record["domain"]),
        source=text_of(record["id"]),
        licence=text_of(record.get("licence")),
        problems=(*parameters.notes, *notes),
    )


def _uncut(schema: Json, depth: int = 0) -> Json:
    """A schema in which a list of values that was cut, as its description says, takes others of its type, too."""
    if depth > MAX_DEPTH or not isinstance(schema, dict | list):
        return schema
    if isinstance(schema, list):
        return [_uncut(item, depth + 1) for item in schema]
    node = {name: _uncut(value, depth + 1) for name, value in schema.items()}
    told, listed = node.get("description"), node.get("enum")
    if not (isinstance(told, str) and _CUT.search(told) and isinstance(listed, list) and "anyOf" not in node):
        return node
    rest = {name: value for name, value in node.items() if name != "enum"}
    kind = {"type": node["type"]} if "type" in node else {}
    return {**rest, "anyOf": [{"enum": listed, **kind}, kind]} if kind else node


def _examples(given: Json) -> Iterator[Example]:
    for item in _list(given):
        if isinstance(item, dict) and isinstance(item.get("arguments"), dict):
            yield Example(
                arguments=item["arguments"], response=item.get("response"), is_error=item.get("is_error") is True
            )


def _binding(record: dict[str, Json], properties: dict[str, Json]) -> HttpBinding | None:
    method, _, path = text_of(record.get("http")).partition(" ")
    if not method or not path:
        return None
    path = path if path.startswith("/") else f"/{path}"
    empty = text_of(record.get("empty_success"))
    status = int(empty) if empty.isdecimal() else 200
    return HttpBinding(
        method=method,
        path=path,
        slots=_slots(method, path, properties),
        status=status,
        media_type=None if empty else _JSON,
        body_media_type=None if method in _IN_QUERY else _JSON,
        errors=tuple(_errors(record.get("error_examples"))),
    )


def _slots(method: str, path: str, properties: dict[str, Json]) -> dict[str, ArgumentSlot]:
    """Where arguments most likely travel: a collection keeps the path's template, but not the places."""
    in_path = {text.strip("+*"): text for text in re.findall(r"\{([^{}]+)\}", path)}  # `{Key+}` takes slashes, too
    slots = {}
    for name in properties:
        if name in in_path:
            slots[name] = ArgumentSlot(place="path", name=in_path[name])
        elif method in _IN_QUERY:
            slots[name] = ArgumentSlot(place="query", name=name)
        else:
            slots[name] = ArgumentSlot(place="whole_body" if name == "body" else "body", name=name)
    return slots


def _errors(given: Json) -> Iterator[ErrorResponse]:
    for item in _list(given):
        if isinstance(item, dict):
            status = item.get("status")
            known = status if isinstance(status, int) else None
            yield ErrorResponse(status=known, media_type=_JSON, example=item.get("response"))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
