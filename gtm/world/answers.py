"""Documents inside answers: put there, found again, and what stands around them kept."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from gtm.tools.shape import escape
from gtm.tools.view import View
from gtm.types import Json, Source, canonical
from gtm.world.bound import Bound
from gtm.world.fields import matching, taken, takes
from gtm.world.repeats import repeated, told_of
from gtm.world.state import Change, Place, State, Wrap, key_text
from gtm.world.state import Collection as Kept
from gtm.world.tree import UNKNOWN, Whole, absorb, overlay, steps_of
from gtm.world.words import flat


def wrap(path: tuple[str, ...], value: Json) -> tuple[Json, str]:
    """A document put in its place in an otherwise unknown answer, and the pointer to it."""
    if not path:
        return value, ""
    inner, pointer = wrap(path[1:], value)
    step = path[0]
    if step == "*":
        return [inner], f"/0{pointer}"
    return {step: inner}, f"/{escape(step)}{pointer}"


def document_in(content: Json, path: tuple[str, ...] | None) -> dict[str, Json]:
    """The (first) document shown in an answer; empty where there is none."""
    if path is None:
        return {}
    for step in path:
        if step == "*":
            content = content[0] if isinstance(content, list) and content else None
        else:
            content = content.get(step) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def documents_in(content: Json, path: tuple[str, ...] | None) -> list[dict[str, Json]]:
    """All documents shown in an answer."""
    if path is None:
        return []
    if "*" not in path:
        found = document_in(content, path)
        return [found] if found else []
    rest = path[path.index("*") + 1 :]
    return [document for item in items_in(content, path) if (document := document_in(item, rest))]


def items_in(content: Json, path: tuple[str, ...]) -> list[Json]:
    """The array that a list's answer shows things in."""
    for step in path:
        if step == "*":
            break
        content = content.get(step) if isinstance(content, dict) else None
    return content if isinstance(content, list) else []


def put_items(base: Json, path: tuple[str, ...], items: list[Json]) -> Json:
    """An answer with its array filled."""
    if path[0] == "*":
        return items
    return {path[0]: put_items(base, path[1:], items)}


def stored_name(bound: Bound, value: Mapping[str, Json], argument: str) -> str:
    """The document's name for an argument: the declared or stored property that reads the same."""
    declared = bound.view.properties if bound.view and bound.view.properties else bound.resource.fields
    if argument in declared or argument in value:
        return argument
    found = matching(argument, (*declared, *value), bound.last) or argument
    # `UserName` beside a user's `Name`: what some tool shows side by side are two fields.
    both = any(argument in view.properties and found in view.properties for view in bound.resource.views)
    return argument if both else found


def shown(
    bound: Bound, value: Mapping[str, Json], sources: Mapping[str, Source], sent: Collection[str]
) -> tuple[dict[str, Json], dict[str, Source]]:
    """The part of a document that an answer shows: always the same fields, and those that a caller set."""
    view = bound.view
    if view is not None and not view.properties:
        return dict(value), {name: sources.get(name, "state") for name in value}
    declared = view.properties if view else {}
    summary = _summary(bound, value, declared)
    if summary:
        holder, held = summary
        sent = {*sent, *held} if holder in sent else sent
        value = {**held, **value}
    part: dict[str, Json] = {}
    marks: dict[str, Source] = {}
    others = [name for name in value if name not in declared]
    always = bound.shown_fields
    fits = view is not None and takes(view, value)
    told = _tree(frozenset(sent))
    for name in declared:
        source = name if name in value else matching(name, others, bound.last) if others else None
        if source is None or (name not in always and source not in sent):
            continue
        inner = view.child(name) if view else None
        if inner is None or inner.keyword("writeOnly") is True:
            continue
        known = value[source]
        if isinstance(known, dict | list):
            said = told.get(source, {} if source not in sent else None)
            known = _placed(known, inner, always.get(name, {}), said)
        if not (fits and source == name) and not takes(inner, known):
            # Another tool took or showed what this one cannot: only what it can is known.
            known = taken(known, inner)
            known = value.get(_side(source, _KINDS.get(inner.type, ""))) if known is None else known
            if known is None:
                continue
        part[name] = known
        marks[name] = sources.get(source, "state")
    unknown = [name for name, leaf in always.items() if name not in part and leaf.get("type") in {"array", "object"}]
    if unknown and view is not None:
        own = flat(bound.last) + "id"  # what names this thing makes no other of an item
        said = {own: UNKNOWN} | told_of({name: known for name, known in value.items() if name in sent})
        again = {name: repeated(view.child(name), always[name], said) for name in unknown}
        part |= {name: known for name, known in again.items() if known is not UNKNOWN}
    return part, marks


def summary_in(names: Iterable[str], last: str) -> str | None:
    """The field that holds what lists show of a thing: the `PolicySummary` of a policy."""
    forms = {flat(last) + ending for ending in ("summary", "info", "detail", "details", "properties")}
    return next((name for name in names if flat(name) in forms), None)


def _summary(
    bound: Bound, value: Mapping[str, Json], declared: Mapping[str, Json]
) -> tuple[str, dict[str, Json]] | None:
    """That field of a document and what an answer shows of it, where the answer does not show the field."""
    name = summary_in((name for name in value if name not in declared), bound.last)
    part = value[name] if name is not None else None
    if name is None or not isinstance(part, dict):
        return None
    held = {n: known for n, known in part.items() if n in declared and n not in value}
    return (name, held) if held else None


def kept(known: dict[str, Json], content: dict[str, Json]) -> dict[str, Json]:
    """What is stored of a document once an answer showed it: what was answered is the truth.

    A field that is a text to one tool and a list to another is kept as both.
    """
    merged: dict[str, Json] = absorb(known, content)
    for name, now in content.items():
        before = known.get(name)
        if before is not None and now is not None and _kind(before) != _kind(now):
            merged |= {name: before, _side(name, _kind(now)): now}
    return merged


def renewed(value: dict[str, Json], name: str) -> None:
    """A field was written: what it was to tools of another type is no more."""
    for kind in _KINDS.values():
        value.pop(_side(name, kind), None)


_KINDS = {
    "array": "list",
    "object": "object",
    "string": "text",
    "integer": "text",
    "number": "text",
    "boolean": "text",
}


def _kind(value: Json) -> str:
    return "list" if isinstance(value, list) else "object" if isinstance(value, dict) else "text"


def _side(name: str, kind: str) -> str:
    """As what a document keeps a field for tools to which it is of another type."""
    return f"{name} as {kind}"


_Told = dict[str, Any] | None
"""What a caller set, by property (`*` for the items of an array); None: this, and all that is inside of it."""


def _placed(value: Json, view: View | None, shape: Json, told: _Told) -> Json:
    """The part of a value that a shape has places for, and what a caller set of it; maps are whole."""
    if isinstance(value, dict):
        inner = (shape.get("properties") or {}) if isinstance(shape, dict) else {}
        is_open = view is None or not view.properties
        # An open object shows what it showed first, whatever other tools know of it; a map is shown whole.
        if is_open and (told is None or (inner and inner.keys().isdisjoint(value))):
            return Whole(value)
        needed = (view.keyword("required") if view is not None else None) or ()
        places = {name: view.child(name) if view is not None else None for name in value}
        return {
            name: _placed(part, places[name], inner.get(name), told.get(name, {}) if told is not None else None)
            for name, part in value.items()
            if told is None or name in inner or name in told or name in needed
        }
    if isinstance(value, list):
        items = shape.get("items") if isinstance(shape, dict) else None
        said = told.get("*", {}) if told is not None else None
        return [_placed(part, view.items if view is not None else None, items, said) for part in value]
    return value


def pointers(name: str, value: Json, view: View | None) -> Iterator[str]:
    """Where an argument sets parts of a field: `/spec/image`, `/spec/ports/*/port`; `/spec/` where it has none.

    What has no declared properties is set whole, and so is the field itself where nothing is said.
    """
    inner: list[str] = []
    if isinstance(value, dict) and view is not None and view.properties:
        inner = [at for step, part in value.items() for at in pointers(escape(step), part, view.child(step))] or ["/"]
    elif isinstance(value, list) and view is not None and view.items is not None and view.items.properties:
        inner = [at for part in value for at in pointers("*", part, view.items)] or ["/"]
    yield from (f"/{name}{pointer}" for pointer in dict.fromkeys(inner or [""]))


@lru_cache(maxsize=4096)
def _tree(sent: frozenset[str]) -> dict[str, Any]:
    """What `pointers` told, of the fields that were set in part."""
    tree: dict[str, Any] = {}
    for pointer in sorted(name for name in sent if name.startswith("/")):
        *above, last = steps_of(pointer)
        node: _Told = tree
        for step in above:
            node = node.setdefault(step, {}) if node is not None else None
        if node is not None and last:
            node.setdefault(last, None)
    return tree


def sent_in(sources: Mapping[str, Source]) -> tuple[str, ...]:
    """The fields that a caller set."""
    return tuple(name for name, source in sources.items() if source == "argument")


def typed_key(bound: Bound, key: Json) -> Json:
    """The key in the type that the document declares for it."""
    kind = bound.key_leaf.get("type")
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    if kind == "string" and not isinstance(key, str):
        return key_text(key)
    if kind == "integer" and isinstance(key, str) and key.lstrip("-").isdigit():
        return int(key)
    return key


def made_key(bound: Bound, arguments: Mapping[str, Json], fields: Mapping[str, Json]) -> Json:
    """The key that a create's arguments give its thing; None where the server makes it."""
    address = bound.address
    if address is None:
        inside = bound.resource.holder
        outer = fields.get(inside[0]) if inside is not None else None
        if inside is not None and isinstance(outer, dict) and isinstance(outer.get(inside[1]), str | int):
            return outer[inside[1]]
        return given_in(bound, fields)
    name = arguments.get(address.name or "", fields.get(address.name or ""))
    return address.of(arguments.get(address.parent), name) if isinstance(name, str | int) else None


def given_in(bound: Bound, fields: Mapping[str, Json]) -> Json:
    """The key that a call's fields give; None where they give none, or a part is missing."""
    parts = [fields.get(name) for name in bound.own_keys]
    if not parts or any(part is None or isinstance(part, dict | list) for part in parts):
        return None
    return parts[0] if len(parts) == 1 else parts


def wrapped(bound: Bound, signature: str, collection: Kept, known: Json, sources: dict[str, Source]) -> Json:
    """The known part with what stood around the documents the last time the same was asked."""
    kept = collection.envelopes.get(signature)
    if kept is None or not isinstance(known, dict) or bound.shape is None or not bound.document:
        return known
    schema = bound.tool.output_schema
    view = View(schema, schema) if isinstance(schema, dict) else None
    fitting = _fitting(kept, bound.shape, view, bound.document)
    sources.update(_new(fitting, known, ""))
    return overlay(known, fitting)


def _fitting(
    kept: dict[str, Json], shape: dict[str, Json], view: View | None, path: tuple[str, ...]
) -> dict[str, Json]:
    """Of what stood around documents, at each level above them, what a shape has and takes."""
    found: dict[str, Json] = {}
    declared = shape.get("properties") or {}
    for name, value in kept.items():
        place = view.child(name) if view is not None else None
        if name in declared and path and name == path[0]:
            inner = _fitting(value, declared[name], place, path[1:]) if isinstance(value, dict) else {}
            found |= {name: inner} if inner else {}
        elif name in declared and (place is None or takes(place, value)):
            found[name] = value
    return found


def _new(kept: Mapping[str, Json], known: Mapping[str, Json], at: str) -> Iterator[tuple[str, Source]]:
    """Where the known part has nothing of what was kept."""
    for name, value in kept.items():
        if name not in known:
            yield f"{at}/{escape(name)}", "state"
        elif isinstance(value, dict) and isinstance(known[name], dict):
            yield from _new(value, known[name], f"{at}/{escape(name)}")


def wrapping(bound: Bound, signature: str, state: State, place: Place, content: Json) -> tuple[Change, ...]:
    """The change that keeps what stands around the documents of an answer."""
    if not bound.document or not isinstance(content, dict):
        return ()
    kept = state.at(place).envelopes.get(signature, {})
    around = overlay(kept, _around(content, bound.document))
    return (Wrap(place, signature, around),) if around != kept else ()


def _around(content: dict[str, Json], path: tuple[str, ...]) -> dict[str, Json]:
    """What an answer shows beside its documents, at each level above them."""
    around = {name: value for name, value in content.items() if name != path[0]}
    inner = content.get(path[0])
    beside = _around(inner, path[1:]) if isinstance(inner, dict) and path[1:2] not in {(), ("*",)} else {}
    return {**around, path[0]: beside} if beside else around


def asked(bound: Bound, arguments: Mapping[str, Json]) -> str:
    """By what the surroundings of a list are kept: the call."""
    return canonical([bound.tool.name, dict(arguments)]).decode("utf-8", "replace")


def about(key: Json) -> str:
    """By what the surroundings of one thing are kept: its key, whichever tool shows it."""
    return f"={key_text(key)}"
