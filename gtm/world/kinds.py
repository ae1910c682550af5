"""Paths that name things of a list by their kind: `/records/{host}/TXT`, `/records/TXT/{name}`, `/records/TXT`.

A segment in capitals beside a collection that is listed, whose things show a type, is a value of that type. What such
paths read and write are the things of the list: all of the kind, or those that are called as the parameter says.
Definitions only; what calls do is in `gtm.world.ofkind`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gtm.tools.view import View
from gtm.types import Effect, Tool
from gtm.world.fields import bare, last_noun
from gtm.world.hints import effect
from gtm.world.routes import Path, form_of
from gtm.world.several import SEVERAL
from gtm.world.words import flat, words

_OF_KIND = f"{SEVERAL} of one kind"
_KINDS = {"GET": "list", "PUT": "update", "PATCH": "update", "POST": "update", "DELETE": "delete"}
_FEWEST = 2
"""Fields of the listed things that a write must send."""
_CALLED = ("host", "hostname", "domain", "subdomain")


@dataclass(frozen=True, slots=True)
class Kind:
    """Which things a path is about."""

    base: tuple[tuple[str, bool], ...]
    """The collection's path."""
    value: str
    """The segment in capitals."""
    parameter: str | None
    """What calls the things; None where all of the kind are meant."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A kind as fields of the things say it."""

    field: str
    value: str
    argument: str | None
    named: str | None
    """The field that the argument is a value of."""


def kind_of(path: Path) -> Kind | None:
    """The things that a path names by their kind; None of any other path."""
    texts = [text for text, _ in path.segments]
    shape = tuple(held for _, held in path.segments[-3:])
    if path.verb or len(path.segments) < 2:
        return None
    if shape[-2:] == (False, False) and _is_value(texts[-1]):
        found = Kind(path.segments[:-1], texts[-1], None)
    elif shape == (False, True, False) and _is_value(texts[-1]):
        found = Kind(path.segments[:-2], texts[-1], texts[-2])
    elif shape == (False, False, True) and _is_value(texts[-2]):
        found = Kind(path.segments[:-2], texts[-2], texts[-1])
    else:
        return None
    return None if _is_value(found.base[-1][0]) else found


def kinds(paths: Mapping[str, Path], tools: Sequence[Tool]) -> dict[str, Kind]:
    """Of tools whose paths name things by their kind: which, where these are listed and show it."""
    listed = {form_of(paths[t.name].segments): _shown(t) for t in tools if paths[t.name].method == "GET"}
    found: dict[str, Kind] = {}
    gone: dict[str, Kind] = {}
    for tool in tools:
        path, kind = paths[tool.name], kind_of(paths[tool.name])
        things = listed.get(form_of(kind.base), frozenset()) if kind is not None else frozenset()
        if kind is None or not _has_kind(things) or _goes_on(path, paths):
            continue
        if path.method == "DELETE":
            gone[tool.name] = kind
        elif path.method in _KINDS and _is_about(tool, path.method, things):
            found[tool.name] = kind
    # One word in capitals may be anything (`/tickets/VIP`), several are kinds.
    values: dict[tuple[str, ...], set[str]] = {}
    for path in paths.values():
        for at, (text, held) in enumerate(path.segments):
            if at and not held and _is_value(text):
                bases = (path.segments[:at], path.segments[: at - 1])
                for base in map(form_of, bases):
                    values.setdefault(base, set()).add(text)
    found = {name: kind for name, kind in found.items() if len(values[form_of(kind.base)]) > 1}
    # Where one of them is read as a thing of its own, all are such things.
    reads = (kind_of(paths[t.name]) for t in tools if t.name not in found and paths[t.name].method == "GET")
    alone = {form_of(kind.base) for kind in reads if kind is not None}
    alone |= {form_of(kind.base) for kind in (*found.values(), *gone.values()) if _is_keyed(kind, listed)}
    found = {name: kind for name, kind in found.items() if form_of(kind.base) not in alone}
    known = {form_of(paths[name].segments) for name in found}
    return found | {name: kind for name, kind in gone.items() if form_of(paths[name].segments) in known}


def kind_effect(method: str, collection: str, parents: tuple[str, ...]) -> Effect:
    """What a call at such a path does to the things of the collection."""
    return effect(_KINDS[method], collection, parents, 0.8, f"{_OF_KIND}, by {method}")


def selection_of(tool: Tool, own: Effect, fields: Iterable[str]) -> Selection | None:
    """The fields that say what a tool is about; None of a tool that is about no kind."""
    kind = kind_of(Path.of(tool)) if own.reason.startswith(_OF_KIND) and tool.http is not None else None
    names = tuple(fields)
    said = next((name for name in names if flat(name).endswith("type")), None)
    if kind is None or said is None:
        return None
    if kind.parameter is None or tool.http is None:
        return Selection(said, kind.value, None, None)
    slots = tool.http.slots.items()
    argument = next((n for n, slot in slots if slot.place == "path" and slot.name == kind.parameter), kind.parameter)
    return Selection(said, kind.value, argument, _called(names, kind.parameter, last_noun(own.resource or "")))


def _called(names: Sequence[str], parameter: str, last: str) -> str | None:
    """The field that holds what things are called."""
    own = [name for name in names if bare(name, last) == bare(parameter, last)]
    own += [name for name in names if words(name)[-1:] == ("name",)]
    own += [name for name in names if flat(name) in _CALLED]
    return next((name for name in own if flat(name) != "id"), None)


def _is_value(text: str) -> bool:
    return text.isalpha() and text.isupper()


def _is_keyed(kind: Kind, listed: Mapping[tuple[str, ...], frozenset[str]]) -> bool:
    """Whether a parameter is the id that the things show: then each kind is a collection of its own."""
    return words(kind.parameter or "")[-1:] == ("id",) and "id" in listed[form_of(kind.base)]


def _goes_on(path: Path, paths: Mapping[str, Path]) -> bool:
    """Whether what a thing's own kind (`/zones/{zone}/TXT`) holds has paths: then it is a collection inside of it."""
    own = form_of(path.segments)
    longer = (form_of(other.segments) for other in paths.values() if len(other.segments) > len(own))
    return path.segments[-2][1] and any(form[: len(own)] == own for form in longer)


def _has_kind(names: frozenset[str]) -> bool:
    return any(name.endswith("type") for name in names)


def _is_about(tool: Tool, method: str, things: frozenset[str]) -> bool:
    """Whether a tool answers such things with their type, or sends some of their fields."""
    if method == "GET":
        return _has_kind(_shown(tool))
    view = View(tool.parameters, tool.parameters)
    return len((_inside(view) | {flat(name) for name in view.properties}) & things) >= _FEWEST


def _shown(tool: Tool) -> frozenset[str]:
    """The fields (flat) of the things that an answer shows in arrays."""
    return _inside(View(tool.output_schema, tool.output_schema))


def _inside(view: View) -> frozenset[str]:
    places = [view, *(child for name in view.properties if (child := view.child(name)) is not None)]
    return frozenset(flat(name) for place in places if place.items is not None for name in place.items.properties)
