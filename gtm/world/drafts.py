"""A document about to be answered: what is known of it, where it stands in the answer, how it is stored.

Echoed arguments, stored fields, keys, times, states and references meet here. A document is stored as it was
answered, so that reads can only repeat it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gtm.tools.shape import escape
from gtm.tools.view import View, is_secret, visible
from gtm.types import Json, Source
from gtm.world import answers, services
from gtm.world.actions import action_of, outcome_of
from gtm.world.bound import Bound
from gtm.world.called import revisions
from gtm.world.fields import SIZES, TEXT_FIELDS, bare, fitted, matching, nested_place, taken, takes
from gtm.world.keys import is_served
from gtm.world.outcome import Moment, Plan
from gtm.world.references import Stub, refer
from gtm.world.repeats import renewed, repeated, told_of
from gtm.world.state import SINGLE, Change, Place, Put, all_sent
from gtm.world.tree import UNKNOWN
from gtm.world.words import flat, words

_SUCCESS = frozenset({"success", "ok", "succeeded", "acknowledged"})
_FAILURE = frozenset({"error", "failure", "failed", "fail", "notfound", "ko"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A document's key, what the caller says, what was stored."""

    key: Json
    fields: dict[str, Json]
    stored: dict[str, Json]
    key_given: bool
    origin: Literal["created", "imagined"]
    sent: frozenset[str] = frozenset()
    """Stored fields that a caller set."""
    alias: dict[str, Json] = field(default_factory=dict)
    """The field by which the caller named it, where that is not its key."""
    copied: dict[str, Json] = field(default_factory=dict)
    """Fields of a new thing that it has from another."""


def document_plan(
    bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place, seed: tuple[Json, ...], draft: Draft
) -> Plan:
    """The plan of a call about one document."""
    writes = bound.effect.kind != "read"
    value, sources, stubs = drafted(bound, arguments, moment, place, draft)
    key_name = bound.key_field or bound.resource_key

    def settle(content: Json) -> tuple[Change, ...]:
        shown = answers.document_in(content, bound.document)
        # What was answered is the truth; what it does not show, also inside of an object, is left standing.
        stored = answers.kept(value, shown) | _unshowable(bound, draft.fields, value)
        key = shown.get(key_name, draft.key) if key_name and not draft.key_given else draft.key
        changes: list[Change] = [stub.put(stored) for stub in stubs]
        if writes or not draft.stored or stored != draft.stored:
            sent = (*(answers.sent_in(sources) if writes else ()), *draft.copied)
            changes.append(Put(place, key, stored, draft.origin, sent))
        changes += answers.wrapping(bound, answers.about(key), moment.state, place, content)
        return (*changes, *(bound.receipt.put(content) if bound.receipt is not None else ()))

    known, marked = answer_with(bound, arguments, value, sources, draft.sent, moment.now.isoformat())
    known = answers.wrapped(bound, answers.about(draft.key), moment.state.at(place), known, marked)
    if bound.answers_key and not draft.key_given and takes(View(bound.shape, bound.shape), draft.key):
        known, marked = draft.key, {"": "computed"}
    return Plan(known, marked, seed, (draft.stored,) if draft.stored else (), settle)


def drafted(
    bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place, draft: Draft
) -> tuple[dict[str, Json], dict[str, Source], list[Stub]]:
    """All that is known of a document before an engine is asked, and what it refers to for the first time."""
    value, sources = _with_fields(bound, draft)
    for name, part in _key_parts(bound, draft, value).items():
        if sources.get(name) == "argument" and _is_called_otherwise(bound, name):
            continue
        if name not in draft.stored or isinstance(part, dict):
            value[name] = part
            sources.setdefault(name, "argument" if draft.key_given else "computed")
    for name, part in {**_parents_fields(bound, arguments), **draft.alias}.items():
        if name not in value:
            value[name], sources[name] = part, "argument"
    if bound.effect.kind != "read":
        changed = _set_by_server(bound, moment, place, draft, value, sources)
        value.update(changed)
        sources.update(dict.fromkeys(changed, "computed"))
    referred, stubs = refer(bound, moment, value, draft.key)
    value.update(referred)
    sources.update(dict.fromkeys(referred, "computed"))
    sized = _sizes(bound, value, changed=draft.fields)
    value.update(sized)
    sources.update(dict.fromkeys(sized, "computed"))
    return value, sources, stubs


def _set_by_server(
    bound: Bound, moment: Moment, place: Place, draft: Draft, value: dict[str, Json], sources: Mapping[str, Source]
) -> dict[str, Json]:
    """What a write sets beside what its caller says: times, the number of a revision, what its verb means."""
    found: dict[str, Json] = {}
    for name, when in _times(bound, moment.now, created=not draft.stored).items():
        writable = bound.writable.get(flat(name))
        if sources.get(name) != "argument" or (writable is not None and is_served(writable.flat)):
            found[name] = when
    if draft.origin == "created":
        found |= revisions({**value, **found}, moment.state.at(place), bound)
    verb = action_of(bound)
    return found if verb is None else found | outcome_of(verb, bound.resource, {**value, **found}, moment.now)


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


def echo_all(bound: Bound, arguments: Mapping[str, Json]) -> tuple[Json, dict[str, Source]]:
    """As `echo`, for any answer: the one item of a list where a write (`BuyMovieTickets`) answers several."""
    shape = bound.shape if bound.effect.kind not in {"read", "list"} else None
    items = shape.get("items") if shape is not None else None
    if not isinstance(items, dict) or items.get("type") != "object":
        known, marks = echo(bound, arguments)
        return known or UNKNOWN, marks
    item, marks = _repeated_at(items, bound, arguments)
    return [item] if item else UNKNOWN, {f"/0{pointer}": source for pointer, source in marks.items()}


def echo(bound: Bound, arguments: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Source]]:
    """Arguments that the answer repeats at its top under the same name, and that a write went well."""
    if bound.shape is None or bound.shape.get("type") != "object":
        return {}, {}
    return _repeated_at(bound.shape, bound, arguments)


def _repeated_at(
    shape: dict[str, Json], bound: Bound, arguments: Mapping[str, Json]
) -> tuple[dict[str, Json], dict[str, Source]]:
    known: dict[str, Json] = {}
    marks: dict[str, Source] = {}
    for name, leaf in (shape.get("properties") or {}).items():
        place = bound.parameters.child(name)
        if name in arguments and _same_type(leaf, arguments[name]) and not is_secret(place, name):
            known[name], marks[f"/{escape(name)}"] = visible(arguments[name], place), "argument"
        elif leaf.get("type") == "boolean" and bound.effect.kind in {"create", "update"} and flat(name) in _SUCCESS:
            known[name], marks[f"/{escape(name)}"] = True, "computed"
        elif (went := _went_well(leaf)) is not None:
            known[name], marks[f"/{escape(name)}"] = went, "computed"
    return known, marks


def _went_well(leaf: dict[str, Json]) -> Json:
    """The member of an outcome's enum (`success` or `error`) that a success answers; None for any other place."""
    members = {flat(member): member for member in leaf.get("enum", ()) if isinstance(member, str)}
    good = next((member for name, member in members.items() if name in _SUCCESS), None)
    return good if members.keys() & _FAILURE else None


def answer_with(
    bound: Bound,
    arguments: Mapping[str, Json],
    value: dict[str, Json],
    sources: Mapping[str, Source],
    sent: frozenset[str],
    when: str = "",
) -> tuple[Json, dict[str, Source]]:
    """The document put in its place in the answer, other top properties echoed; `when` tells calls apart."""
    if bound.shape is None:
        return UNKNOWN, {}
    if bound.receipt is not None:
        about = value.get(bound.resource_key or "", "")
        seed = services.seed_of(bound.tool.name, dict(arguments), when)
        told = bound.receipt.known(value, bound.resource.fields, about, seed)
        return told or UNKNOWN, {f"/{escape(name)}": "computed" for name in told}
    if bound.document is None:
        return echo_all(bound, arguments)
    part, named = answers.shown(bound, value, sources, all_sent(sent, answers.sent_in(sources)))
    known, path = answers.wrap(bound.document, part)
    marked: dict[str, Source] = {f"{path}/{escape(name)}": source for name, source in named.items()}
    if bound.document and bound.document[0] != "*":
        echoed, echo_marks = echo(bound, arguments)
        known = {**_beside(bound, arguments), **echoed, **known}
        marked = {**echo_marks, **marked}
    return known, marked


def _beside(bound: Bound, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """What stands around the document and repeats arguments (`ConsumedCapacity.TableName`)."""
    schema = bound.tool.output_schema
    view, told = View(schema, schema), told_of(arguments)
    shape = bound.shape["properties"] if bound.shape is not None else {}
    places = {name: repeated(view.child(name), leaf, told) for name, leaf in shape.items() if "properties" in leaf}
    return {name: part for name, part in places.items() if part is not UNKNOWN}


def _sizes(bound: Bound, value: Mapping[str, Json], changed: Mapping[str, Json]) -> dict[str, Json]:
    """Sizes that follow from a text of the document, where nobody knows them or the text changes."""
    texts = [name for name in TEXT_FIELDS if isinstance(value.get(name), str)]
    if len(texts) != 1:
        return {}
    size = len(value[texts[0]].encode("utf-8", "replace"))
    sizes = [n for n, place in bound.resource.fields.items() if flat(n) in SIZES and place.type == "integer"]
    return {name: size for name in sizes if name not in value or texts[0] in changed}


def _same_type(leaf: dict[str, Json], value: Json) -> bool:
    kind = leaf.get("type")
    if "enum" in leaf or "const" in leaf:
        return value in leaf.get("enum", [leaf.get("const")])
    if kind in {"integer", "number"}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "array": list, "object": dict}.get(str(kind), ()))


def _with_fields(bound: Bound, draft: Draft) -> tuple[dict[str, Json], dict[str, Source]]:
    """The stored document with what the caller says put in."""
    value = draft.copied | draft.stored
    sources: dict[str, Source] = dict.fromkeys(value, "state")
    key_name = bound.key_field or bound.resource_key
    for name, part in draft.fields.items():
        target = answers.stored_name(bound, value, name)
        holder = nested_place(target, bound.view) if target not in value else None
        if (
            holder is not None
            and holder not in bound.wrappers
            and bound.view is not None
            and matching(target, bound.view.properties) is None
        ):
            target, part = holder, {**_object(value.get(holder)), target: part}
        # A thing's key never changes: every other tool still calls it by the old one.
        if _is_read_only(bound, target) or (target == key_name and draft.stored and draft.key != SINGLE):
            continue
        part = _named_object(bound, target, part)
        if bound.effect.kind == "update" and _is_no_member(bound, target, part):
            continue  # `NO_CHANGE`: what no answer can show is not what the thing has from now on
        merged = merge_patch(value.get(target), part) if bound.effect.kind == "update" else part
        answers.renewed(value, target)
        if isinstance(merged, str | int | float) and target in draft.stored:
            renewed(value, target, draft.stored[target], merged)
        if merged is None and not _allows_null(bound, target):
            value.pop(target, None)
        else:
            value[target], sources[target] = merged, "argument"
            if isinstance(part, dict | list):
                pointers = answers.pointers(escape(target), part, bound.resource.fields.get(target))
                sources.update(dict.fromkeys(pointers, "argument"))
    return value, sources


def kept_by_put(bound: Bound, value: dict[str, Json]) -> dict[str, Json]:
    """What a PUT leaves standing: fields that its caller cannot write, and when the thing was made."""
    key_name = bound.key_field or bound.resource_key
    return {**_unwritable(value, bound.writable), **{n: v for n, v in value.items() if n == key_name}}


def _unwritable(value: dict[str, Json], writable: Mapping[str, View]) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, part in value.items():
        place = writable.get(flat(name))
        if place is None or (services.is_created(name) and services.is_time(name, place.flat)):
            kept[name] = part
        elif isinstance(part, dict) and place.properties:
            inner = {flat(n): child for n in place.properties if (child := place.child(n)) is not None}
            kept |= {name: left} if (left := _unwritable(part, inner)) else {}
    return kept


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _is_called_otherwise(bound: Bound, name: str) -> bool:
    """Whether a thing is not asked for by the field that else holds its key (`pk` beside a `slug` that is sent)."""
    own, told = bare(bound.own_key or name, bound.last), bare(name, bound.last)
    return bound.effect.kind == "update" and own != told and told not in {"id", "uuid", "guid"}


def _key_parts(bound: Bound, draft: Draft, value: Mapping[str, Json]) -> dict[str, Json]:
    """The document's fields that hold its key."""
    if draft.key == SINGLE or (isinstance(draft.key, list) and not bound.own_keys):
        return {}
    if isinstance(draft.key, list):
        exact = matching(bound.own_keys[-1], bound.resource.fields)
        # Where the last part is some id, `id` is that part, and no other.
        is_own = exact is None and words(bound.own_keys[-1])[-1:] == ("id",) and "id" in bound.resource.fields
        names = [matching(n, bound.resource.fields, "" if is_own else bound.last) or n for n in bound.own_keys]
        return dict(zip([*names[:-1], "id" if is_own else names[-1]], draft.key, strict=False))
    key = answers.typed_key(bound, draft.key)
    name = bound.key_field or bound.resource_key
    if name is None:
        inside = bound.resource.holder
        return {inside[0]: {**_object(value.get(inside[0])), inside[1]: key}} if inside is not None else {}
    # A key that the field cannot hold is not shown: what stands there is imagined once.
    fields = bound.resource.fields
    alike = (other for other in fields if flat(other) == flat(name))  # `Id` beside `id`
    own = {n: (bound.view.child(n) if bound.view is not None else None) or fields.get(n) for n in (name, *alike)}
    parts = {n: key for n, place in own.items() if place is None or fitted(key, place) is not None}
    # The `PolicySummary` that a policy's answers hold tells its key, too.
    holder = answers.summary_in(bound.view.properties if bound.view is not None else (), bound.last)
    place = bound.view.child(holder) if bound.view is not None and holder is not None else None
    inner = matching(name, place.properties) if place is not None else None
    return parts if holder is None or inner is None else {**parts, holder: {**_object(value.get(holder)), inner: key}}


def _parents_fields(bound: Bound, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Fields of the document that repeat its parents' keys (`ownerId` of a pet under `/owners/{ownerId}`)."""
    found: dict[str, Json] = {}
    key_name = bound.key_field or bound.resource_key
    for at, argument in enumerate(bound.parents):
        ancestors = bound.resource.ancestors
        ancestor = ancestors[at] if at < len(ancestors) else None
        names = [argument] if flat(argument) not in {"id", "name", "key"} else []
        names += [f"{ancestor.name.rpartition('/')[2]}_id"] if ancestor is not None else []
        name = next((n for wanted in names if (n := matching(wanted, bound.resource.fields))), None)
        given = arguments.get(argument)
        if name is not None and name != key_name and given is not None:
            part = fitted(given, bound.resource.fields[name])
            found |= {name: part} if part is not None else {}
    return found


def _times(bound: Bound, now: datetime, *, created: bool) -> dict[str, Json]:
    """`created`/`updated` fields that some tool shows of the document."""
    found: dict[str, Json] = {}
    for name, place in bound.resource.fields.items():
        updated = services.is_updated(name)
        if (updated or (created and services.is_created(name))) and services.is_time(name, place.flat):
            found[name] = services.moment(place.flat, now)
    return found


def _is_read_only(bound: Bound, name: str) -> bool:
    view = bound.view.child(name) if bound.view else bound.resource.fields.get(name)
    return view is not None and view.keyword("readOnly") is True and name != (bound.key_field or bound.resource_key)


def _unshowable(bound: Bound, fields: Mapping[str, Json], value: Mapping[str, Json]) -> dict[str, Json]:
    """Sent fields of which this answer can show nothing, though another tool's can."""
    kept: dict[str, Json] = {}
    for name in fields:
        own = bound.view.child(name) if bound.view is not None else None
        if own is not None and name in value and taken(value[name], own) is None:
            others = (view.child(name) for view in bound.resource.views)
            if any(place is not None and takes(place, value[name]) for place in others):
                kept[name] = value[name]
    return kept


def _named_object(bound: Bound, name: str, value: Json) -> Json:
    """A text that says what an object is called (`assignee: "eve"` where tools show `{login, name}`), as that."""
    places = [place for view in bound.resource.views if (place := view.child(name)) is not None]
    if not isinstance(value, str) or not places or not all(place.properties for place in places):
        return value
    named = (n for n in ("login", "username", "name", "slug", "id", "key", "email") if n in places[0].properties)
    found = next(named, None)
    place = places[0].child(found) if found is not None else None
    return {found: value} if found is not None and place is not None and takes(place, value) else value


def _is_no_member(bound: Bound, name: str, value: Json) -> bool:
    """Whether all that show a field choose from values that this is none of, or show an object and this is none."""
    places = [place for view in bound.resource.views if (place := view.child(name)) is not None]
    chosen = [place for place in places if isinstance(place.keyword("enum"), list)]
    if places and not isinstance(value, dict | list | None) and all(place.properties for place in places):
        return True
    return (
        bool(chosen)
        and isinstance(value, str)
        and len(chosen) == len(places)
        and not any(takes(place, value) for place in places)
    )


def _allows_null(bound: Bound, name: str) -> bool:
    view = bound.view.child(name) if bound.view else bound.resource.fields.get(name)
    return view is not None and view.nullable


def succeeded(bound: Bound, known: Json, marks: dict[str, Source]) -> None:
    """A delete's answer says that it went well."""
    if bound.shape is None or bound.shape.get("type") != "object" or not isinstance(known, dict):
        return
    for name, leaf in bound.shape["properties"].items():
        if leaf.get("type") == "boolean" and set(words(name)) & (_SUCCESS | {"deleted", "removed"}):
            known[name], marks[f"/{escape(name)}"] = True, "computed"
