"""Paths that end with a verb and a part of their thing, read as the part's own: `/policies/{id}/addRule`, `getRule`.

What several such verbs say of one part, or what has a path of its own beside (`/secrets/{id}:addVersion` and
`/secrets/{id}/versions/{version}`), is made, read, changed and deleted as by POST, GET, PATCH and DELETE at the path
of the part. A GET that ends with a verb of its own (`/versions/{version}:access`) shows the thing, where its answer
has a field of it. Definitions only.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gtm.tools.view import View
from gtm.types import Tool
from gtm.world.hints import argument_names, is_scalar
from gtm.world.routes import Path, form_of
from gtm.world.words import ACTIONS, PREPOSITIONS, VERBS, flat, noun, singular, words

Segments = tuple[tuple[str, bool], ...]

_METHODS = {
    "POST": "add create insert",
    "GET": "get describe fetch",
    "PATCH": "patch update",
    "PUT": "set put replace",
    "DELETE": "remove delete",
}
_BY_VERB = {verb: method for method, verbs in _METHODS.items() for verb in verbs.split()}
_KEYED = frozenset({"GET", "PATCH", "DELETE"})


def part_of(path: Path) -> tuple[Segments, str, str] | None:
    """The item's path, the verb's method and the part (a noun) of what ends so; None of any other path."""
    tail = words(path.verb) if path.verb else words(path.segments[-1][0]) if path.segments else ()
    item = path.segments if path.verb else path.segments[:-1]
    if not item or not item[-1][1] or (not path.verb and path.is_item) or len(tail) < 2:
        return None
    part, owner = noun(tail[1:]), next((text for text, held in reversed(item) if not held), "")
    if tail[0] not in _BY_VERB or PREPOSITIONS & {*tail} or not part or flat(part) == singular(flat(owner)):
        return None
    return item, _BY_VERB[tail[0]], part


def with_parts(paths: dict[str, Path], tools: Sequence[Tool]) -> dict[str, Path]:
    """The paths, those of parts by verbs as the parts' own, where that tells of all of them what they do."""
    groups: dict[tuple[tuple[str, ...], str], list[Tool]] = {}
    for tool in tools:
        found = part_of(paths[tool.name])
        if found is not None:
            groups.setdefault((form_of(found[0]), flat(found[2])), []).append(tool)
    taken = {(path.method, form_of(path.segments)) for path in paths.values()}
    changed: dict[str, Path] = {}
    for (form, _), group in groups.items():
        own = {tool.name: path for tool, path in zip(group, _own(group, paths, form), strict=True)}
        free = all(path is not None and (path.method, form_of(path.segments)) not in taken for path in own.values())
        if free:
            changed |= {name: path for name, path in own.items() if path is not None}
    return {**paths, **_views(paths, tools), **changed}


def segment_of(tool: Tool) -> str | None:
    """The collection in which a verb and a part makes something: `versions` of `:addVersion`."""
    found = part_of(Path.of(tool))
    plural = re.sub(r"(?<=[^aeiou])y$", "ie", found[2]) if found is not None else ""
    return f"{plural}s" if plural else None


def _views(paths: dict[str, Path], tools: Sequence[Tool]) -> dict[str, Path]:
    """What shows a thing in another way than its GET, as a GET of the thing."""
    gets = [tool for tool in tools if paths[tool.name].method == "GET" and not paths[tool.name].verb]
    shown = {paths[tool.name].segments: tool for tool in gets}
    found: dict[str, Path] = {}
    for tool in tools:
        path = paths[tool.name]
        verb = words(path.verb)
        thing = shown.get(path.segments)
        if path.method != "GET" or not path.is_item or len(verb) != 1 or thing is None:
            continue
        alike = {flat(name) for name in _answered(tool)} & {flat(name) for name in _answered(thing)}
        if alike and verb[0] not in ACTIONS and VERBS.get(verb[0], "read") == "read":
            found[tool.name] = replace(path, verb="")
    return found


def _answered(tool: Tool) -> Iterable[str]:
    return View(tool.output_schema, tool.output_schema).properties


def _own(group: Sequence[Tool], paths: dict[str, Path], form: tuple[str, ...]) -> Iterator[Path | None]:
    """Each tool's path as that of the part; None where it cannot be told."""
    told = {tool.name: found for tool in group if (found := part_of(paths[tool.name])) is not None}
    methods = {method for _, method, _ in told.values()}
    part = next(part for _, _, part in told.values())
    beside = _beside(paths, form, part)
    key = beside[1] if beside is not None else _key(group, told)
    known = beside is not None or (
        "GET" in methods and len(methods) > 1 and (key is not None or "POST" not in methods)
    )
    for tool in group:
        item, method, _ = told[tool.name]
        path = replace(
            paths[tool.name], method=method, verb="", segments=(*item, (beside[0] if beside else part, False))
        )
        if key is not None and method in _KEYED:
            has = any(flat(name) == flat(key) for name in argument_names(tool))
            path = replace(path, segments=(*path.segments, (key, True)))
            known = known and has
        yield path if known and (key is not None or method != "DELETE") else None


def _beside(paths: dict[str, Path], form: tuple[str, ...], part: str) -> tuple[str, str] | None:
    """The segment of a part that has item paths of its own, and the parameter of these."""
    for path in paths.values():
        at = len(form)
        inner = path.segments[at : at + 2]
        is_item = form_of(path.segments[:at]) == form and [held for _, held in inner] == [False, True]
        if is_item and singular(flat(inner[0][0])) == flat(part):
            return inner[0][0], inner[1][0]
    return None


def _key(group: Sequence[Tool], told: dict[str, tuple[Segments, str, str]]) -> str | None:
    """The argument that says which of a thing's parts is meant: all name it, also those that make one."""
    shared: list[str] | None = None
    for tool in group:
        if told[tool.name][1] not in _KEYED | {"POST"}:
            continue
        slots = tool.http.slots if tool.http is not None else {}
        own = [
            name
            for name in argument_names(tool)
            if is_scalar(tool, name) and not (name in slots and slots[name].place == "path")
        ]
        shared = own if shared is None else [name for name in shared if name in own]
    makes = any(method == "POST" for _, method, _ in told.values())
    return shared[0] if shared and makes else None
