"""What is known of a result before any model runs, what is still unknown, and how the world changes.

The one place where effects become documents. What it returns is pure data plus one function from the finished answer
to the world's changes; nothing here generates or commits. What a document is made of is in `gtm.world.drafts`, what a
list shows in `gtm.world.lists`, what is inside of what in `gtm.world.lineage`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gtm.tools.shape import escape
from gtm.tools.view import View
from gtm.types import Json, Source
from gtm.world import answers, lists, services
from gtm.world.actions import action_of
from gtm.world.additions import Addition
from gtm.world.batch import plan_batch, plan_removals
from gtm.world.bound import Bound
from gtm.world.called import imagined_as, is_taken, lookup, naming_fields, untold
from gtm.world.copies import inherited, named_source, without_source
from gtm.world.drafts import Draft, answer_with, document_plan, echo_all, kept_by_put, succeeded
from gtm.world.fields import fitted, is_identifying, last_noun, matching
from gtm.world.hints import argument_names
from gtm.world.keys import narrowed
from gtm.world.labelled import labels_put_on, merged_labels, plan_labels
from gtm.world.lineage import buried, enter, find, last_part, removal
from gtm.world.mentions import missing, unheard
from gtm.world.ofkind import asked, plan_kind
from gtm.world.outcome import Moment, Plan, Refusal
from gtm.world.state import SINGLE, Change, Delete, Document, Place, Put, State, key_text, other_name
from gtm.world.tree import UNKNOWN
from gtm.world.twins import shared
from gtm.world.words import flat, singular, words

_OVERWRITES = frozenset({"overwrite", "allowoverwrite", "overwriteexisting", "replaceexisting"})
"""Flat names of arguments without which a PUT keeps what is there."""


def make_plan(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Plan:
    """The plan of one call whose arguments were checked."""
    plan = _plan(bound, bound.lifted(arguments), moment)
    onto = labels_put_on(bound, arguments, moment.state)
    if onto and plan.refusal is not None and plan.refusal.kind == "not_found" and not bound.own_keys:
        plan = _stateless(bound, arguments, moment)  # what it names is there, and needs no label of its own
    if onto and plan.refusal is None:
        settle = plan.settle
        plan = replace(plan, settle=lambda content: (*settle(content), *onto))
    known = {} if plan.known is UNKNOWN else plan.known
    if plan.refusal is not None or not bound.going_well or not isinstance(known, dict):
        return plan
    said = {name: value for name, value in bound.going_well.items() if name not in known}
    marks: dict[str, Source] = {f"/{escape(name)}": "computed" for name in said}
    return replace(plan, known={**known, **said}, sources={**plan.sources, **marks})


def _plan(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Plan:
    refusal = missing(bound.mentions, arguments, moment) or unheard(bound.names, arguments, moment)
    if refusal is not None:
        return Plan(refusal=refusal)
    told = _labelled(bound, arguments, moment)
    if isinstance(told, Plan):
        return told
    arguments = told
    if not bound.stored:
        refusal = buried(bound, arguments, moment)
        return Plan(refusal=refusal) if refusal is not None else _stateless(bound, arguments, moment)
    entry = enter(bound, arguments, moment)
    if entry.refusal is not None:
        return Plan(refusal=entry.refusal)
    moment = replace(moment, mode="closed") if entry.fresh and not bound.single else moment
    return _stored(bound, arguments, moment, entry.place)


def _stored(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    """The plan of a call about documents of one collection."""
    if bound.selection is not None and bound.effect.kind != "list":
        return plan_kind(bound, bound.selection, arguments, moment, place)
    if bound.effect.kind == "list":
        return _list(bound, arguments, moment, place)
    if bound.effect.kind == "create":
        return _create(bound, arguments, moment, place)
    if bound.effect.kind == "delete" and bound.batch is not None:
        return plan_removals(bound, arguments, moment, place)
    if bound.addition is not None:
        return _added(bound, bound.addition, arguments, moment, place)
    return _keyed(bound, arguments, moment, place)


def _added(bound: Bound, addition: Addition, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    """The plan of a call that changes a list of a thing; a thing that nobody told of may be there and have any."""
    name = bound.own_key or ""
    name = name if arguments.get(name) is not None else _instead(bound, arguments) or name
    key, given = arguments.get(name), arguments.get(addition.argument)
    document = lookup(bound, moment.state, place, key)
    if given is None or (document is None and not moment.state.is_deleted(place, key)):
        return _stateless(bound, arguments, moment)
    known = document.value.get(addition.field) if document is not None else None
    return _keyed(bound, {name: key, addition.field: addition.changed(known, given)}, moment, place)


def _list(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    if bound.selection is not None and lists.fits(bound):
        named = bound.selection.argument is not None
        moment = replace(moment, mode="closed") if named else moment
        return lists.plan_list(bound, asked(bound.selection, arguments), moment, place)
    unknown = _unknown(bound, arguments, moment, place)
    if unknown is not None:
        return Plan(refusal=Refusal("not_found", f"{bound.resource.label} {unknown!r} was not found"))
    if not lists.fits(bound):
        return _stateless(bound, arguments, moment)
    return lists.plan_list(bound, arguments, moment, place)


def _labelled(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Plan | Mapping[str, Json]:
    """The plan of a call about labels, or the arguments of any other."""
    if bound.labelling is None:
        return arguments
    merged = merged_labels(bound, bound.labelling, arguments, moment)
    return merged or plan_labels(bound, bound.labelling, arguments, moment) or arguments


def _unknown(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Json:
    """What a description of things asks for by name where none of those is there; None where that is no error."""
    if moment.mode != "closed" or "list" in words(bound.tool.name) or bound.tool.http is None:
        return None
    for name, value in arguments.items():
        items = value if isinstance(value, list) else [value]
        asked = [item for item in items if isinstance(item, str)]
        one = singular(name) if isinstance(value, list) else name
        if not asked or name in bound.parents or not (flat(one) in bound.resource.named_by and is_identifying(one)):
            continue
        if all(find(bound.resource, moment.state, place, item) is None for item in asked):
            return asked[0]
    return None


def _stateless(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Plan:
    known, sources = echo_all(bound, arguments)
    return Plan(known, sources, (moment.seed, bound.tool.name, dict(arguments)))


def _create(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    if bound.batch is not None and isinstance(arguments.get(bound.batch), list):
        return plan_batch(bound, arguments, moment, place)
    refusal = without_source(bound, arguments, moment)
    if refusal is not None:
        return Plan(refusal=refusal)
    collection = moment.state.at(place)
    seed = (moment.seed, bound.tool.name, dict(arguments), collection.created)
    source = named_source(bound, arguments, moment.state)
    fields = {**_defaults(bound, arguments), **bound.argument_fields(arguments)}
    fields = {name: value for name, value in fields.items() if name != source}
    given = answers.made_key(bound, arguments, fields)
    if is_taken(bound, fields, collection, given):
        given = given if given is not None else next(fields[n] for n in naming_fields(bound, fields))
        return Plan(refusal=Refusal("conflict", f"{bound.resource.label} {given!r} already exists"))
    key = given if given is not None else _new_key(bound, fields, moment.state, place, services.seed_of(*seed))
    if given is None and bound.address is not None:
        token = services.seed_of(*seed, "name") & 0xFFFFFFFFFFFF
        key = bound.address.of(arguments.get(bound.address.parent), f"{token:012x}")
    before = imagined_as(fields, collection, bound) if given is None else None
    key = before.key if before is not None else key
    copied = _copied(bound, arguments, moment.state, fields)
    if bound.single:
        copied |= {name: v for name, v in shared(bound, moment.state, place, SINGLE).items() if name not in fields}
    base = before.value if before is not None else {}
    draft = Draft(key, fields, base, given is not None, "created", frozenset(copied), copied=copied)
    plan = document_plan(bound, arguments, moment, place, seed, draft)
    gone = (Delete(place, key),) if before is not None else ()
    again = tuple(_made_again(bound, fields, moment.state))
    return replace(plan, settle=lambda content: (*gone, *plan.settle(content), *again)) if gone or again else plan


def _copied(bound: Bound, arguments: Mapping[str, Json], state: State, fields: Mapping[str, Json]) -> dict[str, Json]:
    """What a new thing has from another one, as far as the caller does not say otherwise."""
    return {name: value for name, value in inherited(bound, arguments, state).items() if name not in fields}


def _made_again(bound: Bound, fields: Mapping[str, Json], state: State) -> Iterator[Put]:
    """Deleted things of other paths (`/repos/{owner}/{repo}` beside `/user/repos`) that have a new one's name."""
    own = bound.effect.resource or ""
    named = {name: value for name, value in fields.items() if flat(name) == "name" and isinstance(value, str)}
    names = [*named.values()]
    for identity in state.collections if names else ():
        resource, *parents = json.loads(identity)
        if resource != own and last_noun(resource) == last_noun(own):
            place = Place(resource, tuple(parents))
            gone = [name for name in names if state.is_deleted(place, name)]
            yield from (Put(place, name, named, "imagined") for name in gone)


def _new_key(bound: Bound, fields: Mapping[str, Json], state: State, place: Place, seed: int) -> Json:
    """A key of our own; of one with several parts, those that the caller left out."""
    name = bound.key_field or bound.resource_key or bound.own_key or "id"
    field = bound.view.child(bound.key_field) if bound.view is not None and bound.key_field is not None else None
    leaf = bound.key_leaf
    if field is not None and field.type == leaf.get("type"):
        leaf = narrowed(leaf, field.flat)
    made = services.new_key(name, leaf, bound.last, state.at(place), seed)
    if len(bound.own_keys) < 2:
        return made
    return [fields.get(part) if fields.get(part) is not None else made for part in bound.own_keys]


def _defaults(bound: Bound, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """What a create's definition says of fields that the caller leaves out, where a reader shows them."""
    found: dict[str, Json] = {}
    views: list[tuple[View | None, Json]] = [(bound.parameters, arguments)]
    views += [(bound.parameters.child(name), arguments.get(name)) for name in sorted(bound.wrappers)]
    for view, given in views:
        if view is None or not isinstance(given, Mapping):
            continue
        for name in view.properties:
            child = view.child(name)
            default = child.keyword("default") if child is not None else None
            if default is not None and name not in given and name not in (*bound.parents, *bound.own_keys):
                field = matching(name, bound.resource.fields, bound.last)
                if field is not None and fitted(default, bound.resource.fields[field]) is not None:
                    found[name] = default
    return found


def _keyed(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place) -> Plan:
    missing = next((name for name in bound.own_keys if arguments.get(name) is None), None)
    argument = bound.own_key if missing is None else _instead(bound, arguments)
    if missing is not None and argument is None:
        return _stateless(bound, arguments, moment)
    key = arguments[argument] if missing and argument else answers.given_in(bound, arguments)
    key = key if bound.own_keys else SINGLE
    kind = bound.effect.kind
    named = _other_name(bound, key)
    document = lookup(bound, moment.state, place, key)
    if document is None and named:
        document = moment.state.at(place).having(flat(named), key)
    claimed = untold(bound, moment, place) if document is None and not named else None
    if claimed is not None and isinstance(key, str):
        return _named_now(bound, arguments, moment, place, claimed)
    # Where tools make such things, what none of them made is none.
    asked = document is None and not named and (key == SINGLE or not bound.resource.made)
    asked = asked and kind in {"read", "update"}
    alike = shared(bound, moment.state, place, key) if asked else {}
    upserts = kind == "update" and bound.effect.upsert
    nameless = named == "" and moment.mode == "auto" and (not upserts or _names_alike(bound))
    absent = moment.state.is_deleted(place, key) or (
        _is_absent(bound, moment, argument) and not _may_be_untold(bound, moment, place)
    )
    if document is None and (nameless or (absent and not upserts)) and not (bound.forgiving or alike):
        # Of a few keys that can be, the one that was not there stays away: a list would imagine it.
        few = "enum" in bound.key_leaf and moment.mode == "auto" and not isinstance(key, list)
        gone = (Delete(place, key),) if few else ()
        refusal = Refusal("not_found", f"{bound.resource.label}{_said(key)} was not found")
        return Plan(refusal=refusal, settle=lambda content: gone)
    if document is not None and document.origin == "created" and upserts and _keeps(bound, arguments, document):
        return Plan(refusal=Refusal("conflict", f"{bound.resource.label}{_said(key)} already exists"))
    value = document.value if document else {}
    sent = document.sent if document else frozenset[str]()
    # A read's seed does not follow the document: what it mends for its own schema, it mends the same way every time.
    seed = (moment.seed, bound.tool.name, dict(arguments), *([value] if kind != "read" else []))
    if kind == "delete":
        return _delete(bound, arguments, moment, place, document, key)
    alias: dict[str, Json] = {}
    if named and document is None and kind == "read":
        alias = {named: key}
        seeded = services.seed_of(moment.seed, place.id, key_text(key))
        made = lists.imagined_key(bound, moment.state.at(place), seeded)
        key = made if made is not None else key
    if kind == "read":
        sent = sent.union(alike)
        draft = Draft(document.key if document else key, {}, value, not alias, "imagined", sent, alias, alike)
        return document_plan(bound, arguments, moment, place, seed, draft)
    own = {*bound.own_keys}
    fields = {name: v for name, v in bound.argument_fields(arguments).items() if name not in own}
    if action_of(bound) is not None and bound.resource.fields:
        fields = {name: v for name, v in fields.items() if matching(name, bound.resource.fields, bound.last)}
    base = kept_by_put(bound, value) if _replaces(bound) else value
    creates = document is None and bound.effect.upsert
    copied = _copied(bound, arguments, moment.state, fields) if creates else {}
    copied |= {name: known for name, known in alike.items() if name not in fields}
    own_key, known = document.key if document else key, sent.union(copied)
    draft = Draft(own_key, fields, base, True, "created" if creates else "imagined", known, alias, copied)
    return document_plan(bound, arguments, moment, place, seed, draft)


def _other_name(bound: Bound, key: Json) -> str | None:
    """The field by which an unseen thing is called, where that is not its key; "" where nothing can be called so."""
    if bound.key_alias is not None or key == SINGLE:
        return bound.key_alias
    own = bound.view.child(bound.key_field) if bound.view is not None and bound.key_field is not None else None
    field = own or bound.resource.fields.get(bound.resource_key or "")
    if field is None or isinstance(key, list) or fitted(answers.typed_key(bound, key), field) is not None:
        return None
    if _names_alike(bound):
        return ""
    others = [name for name, place in bound.resource.fields.items() if is_identifying(name) and fitted(key, place)]
    return next((name for name in sorted(others, key="name".__ne__) if name != bound.resource_key), "")


def _keeps(bound: Bound, arguments: Mapping[str, Json], document: Document) -> bool:
    """Whether a PUT leaves what is there: it only creates, is not told to overwrite, or would change nothing."""
    if bound.effect.reason == "declared":
        return False
    for name in argument_names(bound.tool):
        place = bound.parameters.child(name) if flat(name) in _OVERWRITES else None
        if place is not None and place.type == "boolean":
            return arguments.get(name, place.keyword("default")) is not True
    said = {*words(bound.tool.name)} & {"create", "update", "put", "upsert", "set", "replace", "save"}
    if said == {"create"} and bound.own_keys:
        return True
    if not bound.refuses_repeats:
        return False
    # Recorded writes that changed nothing: 12 of 13 of such tools failed so.
    named = {*bound.own_keys, *bound.parents}
    sent = [(name, value) for name, value in bound.argument_fields(arguments).items() if name not in named]
    stored = [document.value, *(part for part in document.value.values() if isinstance(part, dict))]
    return bool(sent) and all(any(part.get(name) == value for part in stored) for name, value in sent)


def _names_alike(bound: Bound) -> bool:
    """Whether the argument that names a thing is called as the field that holds its key."""
    return words(bound.own_key or "")[-1:] == words(bound.resource_key or "")[-1:]


def _said(key: Json) -> str:
    if key == SINGLE:
        return ""
    return " " + (" / ".join(repr(part) for part in key) if isinstance(key, list) else repr(key))


def _instead(bound: Bound, arguments: Mapping[str, Json]) -> str | None:
    """Another argument that names the thing, where its key was left out: `StreamName` beside `StreamId`."""
    given = [name for name, value in arguments.items() if isinstance(value, str) and name not in bound.parents]
    ranked = sorted((not bound.resource.tells(name), at, name) for at, name in enumerate(given))
    return next((name for _, _, name in ranked if is_identifying(name)), None)


def _is_absent(bound: Bound, moment: Moment, argument: str | None) -> bool:
    """Whether an unseen thing does not exist: only where it is known how such things are made and called."""
    if argument is None:
        return moment.mode == "closed" and bound.resource.optional and not bound.resource.keys
    if moment.mode == "closed" and flat(argument) in bound.resource.parts_of:
        return True
    if not bound.resource.tells(argument):
        return False
    return moment.mode == "closed" or (moment.mode == "auto" and bound.resource.caller_keys)


def _may_be_untold(bound: Bound, moment: Moment, place: Place) -> bool:
    """Whether an unseen key may be that of a thing whose create answered only a receipt and no key."""
    if moment.mode != "auto" or not bound.resource.receipts:
        return False
    key = bound.resource_key
    made = (document for document in moment.state.at(place).ordered if document.origin == "created")
    return any(key not in document.sent for document in made)


def _named_now(bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place, document: Document) -> Plan:
    """The plan of the first call that calls a thing by a name, of which only an operation was told."""
    key, name = answers.given_in(bound, arguments), bound.resource.key or "id"
    told = Put(place, key, {**document.value, name: key}, "created", (*document.sent, name))
    changes = (Delete(place, document.key), told)
    plan = _keyed(bound, arguments, replace(moment, state=moment.state.apply(changes)), place)
    return replace(plan, settle=lambda content: (*changes, *plan.settle(content)))


def _replaces(bound: Bound) -> bool:
    return bound.tool.http is not None and bound.tool.http.method.upper() == "PUT"


def _delete(
    bound: Bound, arguments: Mapping[str, Json], moment: Moment, place: Place, document: Document | None, key: Json
) -> Plan:
    seed = (moment.seed, bound.tool.name, dict(arguments), document.value if document else None)
    asked, key = key, document.key if document else key
    changes = removal(bound, moment.state, place, key)
    if isinstance(changes, Refusal):
        return Plan(refusal=changes)
    if key_text(asked) != key_text(key) and last_part(asked) is None:
        changes = (*changes, Delete(place, other_name(asked)))  # nor is there anything by the other name now
    value = dict(document.value) if document else {}
    sources: dict[str, Source] = dict.fromkeys(value, "state")
    if bound.key_field and bound.key_field not in value and key != SINGLE:
        value[bound.key_field], sources[bound.key_field] = answers.typed_key(bound, key), "argument"
    sent = document.sent if document else frozenset[str]()
    known, marked = answer_with(bound, arguments, value, sources, sent, moment.now.isoformat())
    if known is UNKNOWN and bound.shape is not None and bound.shape.get("type") == "object":
        known = {}
    succeeded(bound, known, marked)

    def settle(content: Json) -> tuple[Change, ...]:
        return (*changes, *(bound.receipt.put(content) if bound.receipt is not None else ()))

    return Plan(known or UNKNOWN, marked, seed, (value,) if value else (), settle)
