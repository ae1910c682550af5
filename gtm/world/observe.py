"""What the world learns from a turn that really happened elsewhere.

The documents of the answer are stored as they are; nothing is imagined, nothing refused. A list pins its window.
"""

from collections.abc import Mapping

from gtm.types import Json
from gtm.world import answers
from gtm.world.actions import action_of, outcome_of
from gtm.world.batch import removals
from gtm.world.bound import Bound
from gtm.world.called import lookup
from gtm.world.drafts import merge_patch
from gtm.world.filters import Filters
from gtm.world.labelled import labels_put_on, learn_labels
from gtm.world.lineage import place_of, removal
from gtm.world.outcome import Refusal
from gtm.world.state import SINGLE, Change, Delete, Pin, Place, Put, State, key_text


def learn(bound: Bound, arguments: Mapping[str, Json], content: Json, state: State) -> tuple[Change, ...]:
    """The changes that a successful call and its answer tell of."""
    if bound.labelling is not None:
        return learn_labels(bound, bound.labelling, arguments, content, state)
    onto = labels_put_on(bound, arguments, state)
    return (*_learnt(bound, bound.lifted(arguments), content, state), *onto) if bound.stored else onto


def _learnt(bound: Bound, arguments: Mapping[str, Json], content: Json, state: State) -> tuple[Change, ...]:
    """What is told of documents."""
    place = place_of(bound, arguments, state)
    kind = bound.effect.kind
    if kind == "list":
        return _listed(bound, arguments, content, state, place)
    if kind == "create" and bound.batch is not None and isinstance(arguments.get(bound.batch), list):
        return _created(bound, arguments, content, state, place)
    if kind == "delete" and bound.batch is not None:
        several = removals(bound, arguments, state, place)
        return () if isinstance(several, Refusal) else several
    document = answers.document_in(content, bound.document)
    key = _key(bound, arguments, document, state, place)
    if key is None:
        return ()
    if kind == "delete":
        changes = removal(bound, state, place, key)
        return (Delete(place, key),) if isinstance(changes, Refusal) else changes
    known = state.get(place, key)
    value = dict(known.value) if known else {}
    if kind in {"create", "update"}:
        for name, part in bound.argument_fields(arguments).items():
            if name not in bound.own_keys:
                field = answers.stored_name(bound, value, name)
                value[field] = merge_patch(value.get(field), part) if kind == "update" else part
        verb = action_of(bound)
        if verb is not None and not document:
            value |= outcome_of(verb, bound.resource, value, None)
    value |= document
    return (Put(place, key, value, "observed", tuple(value)),)


def _key(
    bound: Bound, arguments: Mapping[str, Json], document: Mapping[str, Json], state: State, place: Place
) -> Json:
    """The key of the thing that a turn was about: as the answer says it, else as the arguments name it."""
    shown = document.get(bound.key_field) if bound.key_field else None
    if bound.effect.kind == "create":
        given = answers.made_key(bound, arguments, bound.argument_fields(arguments))
    else:
        given = answers.given_in(bound, arguments)
    if bound.effect.kind != "create" and given is not None:
        named = lookup(bound, state, place, given)
        if named is not None:
            return named.key
        if len(bound.own_keys) > 1 or bound.key_alias is None:
            return given
    if shown is not None and not isinstance(shown, dict | list):
        return shown
    return given if given is not None else None if bound.own_keys or bound.effect.kind == "create" else SINGLE


def _listed(
    bound: Bound, arguments: Mapping[str, Json], content: Json, state: State, place: Place
) -> tuple[Change, ...]:
    if bound.counts or bound.document is None:
        return ()
    changes: list[Change] = []
    keys: list[str] = []
    for at, document in enumerate(answers.documents_in(content, bound.document)):
        key = document.get(bound.key_field) if bound.key_field else None
        if key is None or isinstance(key, dict | list):
            key = f"#{state.at(place).imagined + at}"
        known = state.get(place, key)
        changes.append(
            Put(place, key, {**known.value, **document} if known else document, "observed", tuple(document))
        )
        keys.append(key_text(key))
    signature = Filters(bound, arguments).signature
    window = (*state.at(place).windows.get(signature, ()), *keys)
    pin = Pin(place, signature, tuple(dict.fromkeys(window)))
    return (*changes, pin, *answers.wrapping(bound, answers.asked(bound, arguments), state, place, content))


def _created(
    bound: Bound, arguments: Mapping[str, Json], content: Json, state: State, place: Place
) -> tuple[Change, ...]:
    items = [item for item in arguments[bound.batch or ""] if isinstance(item, dict)]
    shown = answers.documents_in(content, bound.document)
    pairs = [(item, shown[at] if len(shown) == len(items) else {}) for at, item in enumerate(items)]
    named = [(answers.given_in(bound, item), item, part) for item, part in pairs]
    keyed = [(part.get(bound.key_field or "", given), {**item, **part}) for given, item, part in named]
    return tuple(Put(place, key, value, "observed", tuple(value)) for key, value in keyed if key is not None)
