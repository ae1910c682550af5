"""Versions that each write of a thing leaves behind, where tools list them and none makes them.

`GetParameterHistory(Name)` shows what each `PutParameter` set, `ListObjectVersions(Bucket)` each `PutObject`.
Labels, actions and what is only read make no version. What is deleted takes those of its own with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gtm.types import Effect, Json, Tool
from gtm.world.bound import Bound
from gtm.world.family import is_action
from gtm.world.fields import last_noun, matching
from gtm.world.hints import required_names, top_names
from gtm.world.kin import listed_fields, makers_of
from gtm.world.resource import Resource
from gtm.world.spoken import spoken_verb
from gtm.world.state import Change, Delete, Place, Put, State, key_text
from gtm.world.words import flat, noun, singular, words

_PAST = frozenset({"version", "history", "revision"})
_NUMBERS = frozenset({"version", "versionnumber", "revision", "revisionnumber"})
_SHARED = 2
"""Fields that a version must have in common with what makes its thing."""
_LATEST = frozenset({"latest", "islatest", "current", "iscurrent"})


@dataclass(frozen=True, slots=True)
class Past:
    """The versions of a thing."""

    resource: str
    alone: bool
    """Whether a list shows those of one thing, and not of all that something holds."""


def with_pasts(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """Effects in which a history of one thing (`GetParameterHistory(Name)`) is a list inside of the thing."""
    makers = makers_of(effects, tools)
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        of = _stem(effect.resource or "")
        if effect.kind not in {"read", "list"} or effect.reason == "declared" or of not in makers:
            continue
        keys = {e.key[-1] for e in effects.values() if e.resource == of and e.kind != "list" and e.key}
        named = [name for name in required_names(tool) if name in keys]
        lone = len(named) == 1 and required_names(tool) == (named[0],)
        if lone and _are_alike(tool, makers[of or ""]) and _is_past(effect.resource or "", effects):
            told = f"{effect.reason}, of the {of!r} that {named[0]!r} names"
            settled[tool.name] = effect.model_copy(update={"kind": "list", "key": (named[0],), "reason": told})
    return settled


def pasts(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Past]:
    """The things of which versions are listed that no tool makes: resource -> those."""
    makers = makers_of(effects, tools)
    found: dict[str, Past] = {}
    for tool in tools:
        effect, verb = effects[tool.name], spoken_verb(tool)
        name = effect.resource or ""
        if effect.kind != "list" or not effect.key or verb is None or not _is_past(name, effects):
            continue
        outer, of = name.rpartition("/")[0], _stem(noun(verb[0].about)) or ""
        same = {*makers} if "/" not in name else {r for r in makers if r == outer or r.startswith(f"{outer}/")}
        things = [
            r for r in sorted(same) if of in {last_noun(r), *_called(makers[r])} and _are_alike(tool, makers[r])
        ]
        for thing in things[:1]:
            keys = {len(e.key) for e in effects.values() if e.resource == thing and e.kind in {"read", "update"}}
            alone = keys == {len(effect.key)}
            if alone or keys == {len(effect.key) + 1}:
                found.setdefault(thing, Past(name, alone))
    return found


def past_changes(
    past: Past | None, kept: Resource | None, bound: Bound, changes: Sequence[Change], state: State
) -> tuple[Change, ...]:
    """Changes together with the versions that they leave behind."""
    if past is None or kept is None:
        return tuple(changes)
    writes = bound.effect.kind in {"create", "update"} and not is_action(bound.effect) and bound.labelling is None
    more: list[Change] = []
    for change in changes:
        if isinstance(change, Put) and change.place.resource == bound.resource.name and change.sent and writes:
            more += _kept(past, kept, bound, change, state)
        elif isinstance(change, Delete) and change.place.resource == bound.resource.name and past.alone:
            place = _place(past, change)
            more += [Delete(place, document.key) for document in state.at(place).ordered]
    return (*changes, *more)


def _kept(past: Past, kept: Resource, bound: Bound, change: Put, state: State) -> Iterator[Change]:
    """The version that a write leaves, the last one from then on."""
    place, about = _place(past, change), key_text(change.key)
    before = [d for d in state.at(place).ordered if key_text(d.key).rpartition("#")[0] == about]
    flags = [n for n, view in kept.fields.items() if flat(n) in _LATEST and view.type == "boolean"]
    numbers = [n for n, view in kept.fields.items() if flat(n) in _NUMBERS and view.type == "integer"]
    for document in before[-1:] if flags else ():
        yield Put(place, document.key, {**document.value, **dict.fromkeys(flags, False)}, "created", tuple(flags))
    told: dict[str, Json] = {**dict.fromkeys(flags, True), **dict.fromkeys(numbers, len(before) + 1)}
    names = (*bound.own_keys[-1:], bound.resource_key or "")
    key = next((field for name in names if (field := matching(name, kept.fields)) is not None), None)
    if key is not None and key not in change.value:
        told[key] = change.key[-1] if isinstance(change.key, list) else change.key
    sent = (*(name for name in change.sent if name not in told), *told)
    yield Put(place, f"{about}#{len(before) + 1}", {**change.value, **told}, "created", sent)


def _place(past: Past, change: Put | Delete) -> Place:
    own = (key_text(change.key),) if past.alone else ()
    return Place(past.resource, (*change.place.parents, *own))


def _stem(name: str) -> str | None:
    """`parameter` of a `parameter_history`."""
    *first, last = words(last_noun(name)) or ("",)
    return "_".join(first) if last in _PAST else None


def _is_past(name: str, effects: Mapping[str, Effect]) -> bool:
    """Whether a resource is the past of things: called so, and nothing but shown."""
    shown = all(effect.kind in {"read", "list"} for effect in effects.values() if effect.resource == name)
    return shown and {*words(last_noun(name))[-1:]} <= _PAST


def _are_alike(lister: Tool, makers: Sequence[Tool]) -> bool:
    """Whether versions are numbered and have some of what things are made with: no events, no transactions."""
    given = {flat(name) for tool in makers for name in top_names(tool)}
    shown = listed_fields(lister)
    named = (*shown, lister.name)
    numbered = any({*map(singular, words(name))} & {"version", "revision", "generation"} for name in named)
    return numbered and len(given & {flat(name) for name in shown}) >= _SHARED


def _called(makers: Sequence[Tool]) -> set[str]:
    """What tools call what they make."""
    return {noun(verb[0].about) for tool in makers if (verb := spoken_verb(tool)) is not None}
