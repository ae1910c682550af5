"""What is known of a result before any model runs, what is still unknown, and how the world changes.

The one place where effects become documents: echoed arguments, stored fields, keys, times, counts. What it returns
is pure data plus one function from the finished answer to the world's changes; nothing here generates or commits.
A document is stored as it was answered, so that reads can only repeat it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gtm.tools.shape import escape
from gtm.tools.view import View, is_secret, visible
from gtm.types import Json, Source
from gtm.world import lists, services
from gtm.world.model import Bound
from gtm.world.outcome import Moment, Plan, Refusal
from gtm.world.state import Change, Delete, Document, Place, Put, State, key_text
from gtm.world.tree import UNKNOWN, adopt
from gtm.world.words import flat, words

SINGLE = "@"
"""Key of a thing that has no key of its own (`GET /me`)."""


def make_plan(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Plan:
    """The plan of one call whose arguments were checked."""
    if not bound.stored:
        return _stateless(bound, arguments, moment)
    place = place_of(bound, arguments)
    if bound.effect.kind == "list":
        windowed = lists.fits(bound)
        return lists.plan_list(bound, arguments, moment, place) if windowed else _stateless(bound, arguments, moment)
    if bound.effect.kind == "create":
        return _create(bound, arguments, moment, place)
    return _keyed(bound, arguments, moment, place)


def place_of(bound: Bound, arguments: Mapping[str, Json]) -> Place:
    """The collection a call touches."""
    return Place(bound.effect.resource or "", tuple(key_text(arguments.get(name)) for name in bound.parents))


def _stateless(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Plan:
    known, sources = _echo(bound, arguments)
    return Plan(known, sources, (moment.seed, bound.tool.name, dict(arguments)))


def _echo(bound: Bound, arguments: Mapping[str, Json]) -> tuple[Json, dict[str, Source]]:
    """Arguments that the answer repeats at its top under the same name."""
    if bound.shape is None or bound.shape.get("type") != "object":
        return UNKNOWN, {}
    known = {
        name: visible(arguments[name], bound.parameters.child(name))
        for name, leaf in bound.shape["properties"].items()
        if name in arguments
        and _same_type(leaf, arguments[name])
        and not is_secret(bound.parameters.child(name), name)
    }
    return known, {f"/{escape(name)}": "argument" for name in known}


def _same_type(leaf: dict[str, Json], value: Json) -> bool:
    kind = leaf.get("type")
    if "enum" in leaf or "const" in leaf:
        return value in leaf.get("enum", [leaf.get("const")])
    if kind in {"integer", "number"}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "array": list, "object": dict}.get(str(kind), ()))


def _create(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    collection = moment.state.at(place)
    seed = (moment.seed, bound.tool.name, dict(arguments), collection.created)
    given = arguments.get(bound.own_key) if bound.own_key else None
    if given is not None and moment.state.get(place, given) is not None:
        return Plan(refusal=Refusal("conflict", f"{_label(bound)} {given!r} already exists"))
    name = bound.key_field or bound.resource_key or bound.own_key or "id"
    last = (bound.effect.resource or "").rpartition("/")[2]
    key = (
        given
        if given is not None
        else services.new_key(name, bound.key_leaf, last, collection, services.seed_of(*seed))
    )
    fields = bound.argument_fields(arguments)
    return _document_plan(
        bound, arguments, moment, place, seed, _Draft(key, fields, {}, given is not None, "created")
    )


def _keyed(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    if bound.own_key and arguments.get(bound.own_key) is None:
        return Plan(
            refusal=Refusal("not_found", f"no {bound.own_key!r} was given, so there is no {_label(bound)} to find")
        )
    key = arguments[bound.own_key] if bound.own_key else SINGLE
    document = moment.state.get(place, key) or _by_field(bound, moment.state, place, key)
    kind = bound.effect.kind
    if document is None and (moment.state.is_deleted(place, key) or _is_absent(bound, moment, key)):
        creates = kind == "update" and bound.effect.upsert
        if not creates:
            return Plan(refusal=Refusal("not_found", f"{_label(bound)} {key!r} was not found"))
    value = document.value if document else {}
    # A read's seed does not follow the document: what it mends for its own schema, it mends the same way every time.
    seed = (moment.seed, bound.tool.name, dict(arguments), *([value] if kind != "read" else []))
    if kind == "delete":
        return _delete(bound, arguments, moment, place, document, key)
    if kind == "read":
        draft = _Draft(document.key if document else key, {}, value, True, "imagined")
        return _document_plan(bound, arguments, moment, place, seed, draft)
    fields = {name: v for name, v in bound.argument_fields(arguments).items() if name != bound.own_key}
    base = _kept(bound, value) if _replaces(bound) else value
    draft = _Draft(
        document.key if document else key, fields, base, True, "created" if document is None else "imagined"
    )
    return _document_plan(bound, arguments, moment, place, seed, draft)


def _is_absent(bound: Bound, moment: Moment, key: Json) -> bool:
    if moment.mode == "closed":
        return True
    return moment.mode == "auto" and bound.caller_keys and key != SINGLE


def _by_field(bound: Bound, state: State, place: Place, key: Json) -> Document | None:
    """A thing named by another of its fields (`get_user(email)` beside `get_user(id)`)."""
    wanted = flat(bound.own_key or "")
    if not wanted or (bound.key_field and flat(bound.key_field) == wanted):
        return None
    for document in state.at(place).ordered:
        if any(flat(name) == wanted and key_text(value) == key_text(key) for name, value in document.value.items()):
            return document
    return None


def _replaces(bound: Bound) -> bool:
    return bound.tool.http is not None and bound.tool.http.method.upper() == "PUT"


def _kept(bound: Bound, value: dict[str, Json]) -> dict[str, Json]:
    """What a PUT leaves standing: fields that its caller cannot write."""
    writable = {flat(name) for name in bound.tool.parameters.get("properties") or {}}
    return {name: v for name, v in value.items() if flat(name) not in writable or name == bound.key_field}


def merge_patch(value: Json, patch: Json) -> Json:
    """RFC 7396: objects merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for name, part in patch.items():
        if part is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), part)
    return merged


@dataclass(frozen=True, slots=True)
class _Draft:
    """A document about to be answered: its key, what the caller says, what was stored."""

    key: Json
    fields: dict[str, Json]
    stored: dict[str, Json]
    key_given: bool
    origin: Literal["created", "imagined"]


def _document_plan(
    bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place, seed: tuple[Json, ...], draft: _Draft
) -> Plan:
    writes = bound.effect.kind != "read"
    field = bound.key_field or bound.resource_key
    value, sources = _with_fields(bound, draft, field)
    if field and draft.key != SINGLE and field not in draft.stored:
        value[field] = lists.typed_key(bound, draft.key)
        sources[field] = "argument" if draft.key_given else "computed"
    if writes:
        for name, when in _times(bound, moment.now, created=not draft.stored).items():
            if sources.get(name) != "argument":
                value[name], sources[name] = when, "computed"

    def settle(content: Json) -> tuple[Change, ...]:
        shown = lists.document_in(content, bound.document)
        # What a write answered is the truth; a read only adds what was never shown.
        stored = {**value, **shown} if writes else adopt(value, shown)
        key = shown.get(field, draft.key) if field and not draft.key_given else draft.key
        changes: list[Change] = []
        if writes or not draft.stored or stored != draft.stored:
            changes.append(Put(place, key, stored, draft.origin))
        if not writes:
            changes += lists.wrapping(bound, arguments, moment.state, place, content)
        return tuple(changes)

    known, marked = _answer_with(bound, arguments, value, sources)
    if not writes:
        known = lists.wrapped(bound, arguments, moment.state, place, known, marked)
    return Plan(known, marked, seed, (draft.stored,) if draft.stored else (), settle)


def _with_fields(bound: Bound, draft: _Draft, field: str | None) -> tuple[dict[str, Json], dict[str, Source]]:
    """The stored document with what the caller says put in."""
    value = dict(draft.stored)
    sources: dict[str, Source] = dict.fromkeys(value, "state")
    for name, part in draft.fields.items():
        target = lists.stored_name(bound, value, name)
        # A thing's key never changes: every other tool still calls it by the old one.
        if _is_read_only(bound, target) or (target == field and draft.stored):
            continue
        merged = merge_patch(value.get(target), part) if bound.effect.kind == "update" else part
        if merged is None and not _allows_null(bound, target):
            value.pop(target, None)
        else:
            value[target], sources[target] = merged, "argument"
    return value, sources


def _answer_with(
    bound: Bound, arguments: Mapping[str, Json], value: dict[str, Json], sources: Mapping[str, Source]
) -> tuple[Json, dict[str, Source]]:
    """The document put in its place in the answer, other top properties echoed."""
    if bound.shape is None:
        return UNKNOWN, {}
    if bound.document is None:
        return _echo(bound, arguments)
    part, marks = lists.shown(bound, value, sources)
    known, path = lists.wrap(bound.document, part)
    marked: dict[str, Source] = {f"{path}/{escape(name)}": source for name, source in marks.items()}
    if bound.document and bound.document[0] != "*":
        echoed, echo_marks = _echo(bound, arguments)
        known = {**echoed, **known}
        marked = {**echo_marks, **marked}
    return known, marked


def _times(bound: Bound, now: datetime, *, created: bool) -> dict[str, Json]:
    """`created`/`updated` fields that the document declares."""
    view = bound.view
    found: dict[str, Json] = {}
    for name in view.properties if view else ():
        leaf = _leaf(view, name) or {}
        if services.is_time(name, leaf) and (services.is_updated(name) or (created and services.is_created(name))):
            found[name] = services.moment(leaf, now)
    return found


def _delete(
    bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place, document: Document | None, key: Json
) -> Plan:
    seed = (moment.seed, bound.tool.name, dict(arguments), document.value if document else None)
    changes: tuple[Change, ...] = (Delete(place, document.key if document else key),)
    value = dict(document.value) if document else {}
    sources: dict[str, Source] = dict.fromkeys(value, "state")
    if bound.key_field and bound.key_field not in value and key != SINGLE:
        value[bound.key_field], sources[bound.key_field] = lists.typed_key(bound, key), "argument"
    known, marked = _answer_with(bound, arguments, value, sources)
    if bound.shape is not None and bound.shape.get("type") == "object" and isinstance(known, dict):
        for name, leaf in bound.shape["properties"].items():
            if leaf.get("type") == "boolean" and set(words(name)) & {
                "deleted",
                "success",
                "ok",
                "removed",
                "succeeded",
            }:
                known[name], marked[f"/{escape(name)}"] = True, "computed"
    return Plan(known, marked, seed, (value,) if value else (), lambda content: changes)


def _is_read_only(bound: Bound, name: str) -> bool:
    view = bound.view.child(name) if bound.view else None
    return view is not None and view.keyword("readOnly") is True and name != bound.key_field


def _allows_null(bound: Bound, name: str) -> bool:
    view = bound.view.child(name) if bound.view else None
    return view is not None and view.nullable


def _leaf(view: View | None, name: str | None) -> dict[str, Json] | None:
    """A property's constraints as one flat dict."""
    inner = view.child(name) if view and name else None
    return inner.flat if inner else None


def _label(bound: Bound) -> str:
    return (bound.effect.resource or "").rpartition("/")[2].replace("_", " ") or "resource"
