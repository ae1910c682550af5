"""What a new thing has from the one it is made of: a snapshot, a clone, what is restored or started from a template.

A create says so by its verb (`restore_db_from_snapshot`), by what it makes (`snapshot`), or by naming a template of
it. Only fields that both things show are taken over: never what tells one from the other, times, states and labels.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gtm.types import Json
from gtm.world import services
from gtm.world.bound import Bound
from gtm.world.fields import bare, last_noun, takes
from gtm.world.labelled import BESIDE
from gtm.world.labels import LABELS
from gtm.world.lineage import find
from gtm.world.naming import DUPLICATES, duplicates
from gtm.world.outcome import Moment, Refusal
from gtm.world.repeats import is_shared
from gtm.world.state import Document, Place, State
from gtm.world.words import flat, words

_VERBS = DUPLICATES | {"restore", "replicate"}
_COPIES = DUPLICATES | {"snapshot", "backup", "replica"}
_TEMPLATES = frozenset("template definition blueprint".split())
_STARTS = frozenset("execute launch run start trigger".split())
"""Verbs by which a thing begins to do what it is for: a build of a project."""
_SOURCES = frozenset("source original from base".split())
_NAMES = frozenset("id name arn identifier key uuid path".split())
_OWN = frozenset(
    "name path status state phase progress description version revision type kind url uri slug number sku email"
    " handle login count counts stars".split()
)
"""Last words of fields that each thing has for itself; an id (`roleArn`) only where it is of nothing else."""


def named_source(bound: Bound, arguments: Mapping[str, Json], state: State) -> str | None:
    """The argument of a copy that names a thing of the same kind: it says nothing of the new one."""
    if not duplicates(bound.tool):
        return None
    found = (name for name, _ in _sources(bound, arguments, state) if _noun(name) in {flat(bound.last), ""})
    return next(found, None)


def inherited(bound: Bound, arguments: Mapping[str, Json], state: State) -> dict[str, Json]:
    """The fields that a new thing has from the known thing it is made of."""
    found: dict[str, Json] = {}
    source = next((known for _, known in _sources(bound, arguments, state) if known is not None), None)
    started = _started(bound, arguments, state) if source is None else None
    if started is not None:  # of what it is a run it has no more than what is said of both
        said = {name: value for name, value in started.value.items() if is_shared(name, value)}
        source = replace(started, value={n: v for n, v in said.items() if v is not None and not isinstance(v, bool)})
    fields = {flat(name): name for name in bound.resource.fields}
    for field, value in source.value.items() if source is not None else ():
        name = fields.get(flat(field))
        if name is not None and name not in found and not _is_own(bound, name):
            found |= {name: value} if takes(bound.resource.fields[name], value) else {}
    return found


def without_source(bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Refusal | None:
    """Why nothing can be made like a thing of the same kind that is not there, where nothing is imagined."""
    if moment.mode != "closed" or not {*words(bound.tool.name)[:1]} & _VERBS:
        return None
    for name, known in _sources(bound, arguments, moment.state):
        if known is None and _noun(name) in {flat(bound.last), ""}:
            return Refusal("not_found", f"{bound.resource.label} {arguments[name]!r} was not found")
    return None


def _sources(bound: Bound, arguments: Mapping[str, Json], state: State) -> Iterator[tuple[str, Document | None]]:
    """The argument that names what a thing is made of, and that thing if it is known; nothing for other creates."""
    last = flat(bound.last)
    copies = bool({*words(bound.tool.name)[:1]} & _VERBS) or bool({*words(bound.last)[-1:]} & _COPIES)
    named = [name for name, value in arguments.items() if isinstance(value, str | int) and _is_name(name)]
    named = [name for name in named if name not in bound.own_keys and name not in bound.parents]
    own = [name for name in named if copies and (_noun(name) == last or (not _noun(name) and _is_source(name)))]
    said = [name for name in named if copies and _is_source(name)]
    templates = [name for name in named if _is_template(_noun(name), last)]
    others = [name for name in named if copies and _noun(name)]
    for name in (own or said or templates or (others if len(others) == 1 else []))[:1]:
        yield name, _known(bound, _noun(name) or last, arguments[name], state)


def _started(bound: Bound, arguments: Mapping[str, Json], state: State) -> Document | None:
    """The known thing that a new one is a run of (`start_build(project_name)`): the only other one that is named."""
    if not {*words(bound.tool.name)[:1]} & _STARTS:
        return None
    named = [name for name, value in arguments.items() if isinstance(value, str | int) and _is_name(name)]
    others = [name for name in named if _noun(name) not in {"", flat(bound.last)}]
    return _known(bound, _noun(others[0]), arguments[others[0]], state) if len(others) == 1 else None


def _known(bound: Bound, noun: str, value: Json, state: State) -> Document | None:
    """The thing of a kind that is called so."""
    for identity in sorted(state.collections):
        resource, *parents = json.loads(identity)
        if resource != BESIDE and flat(last_noun(resource)).endswith(noun) and state.collections[identity].documents:
            found = find(bound.things(resource), state, Place(resource, tuple(parents)), value)
            if found is not None:
                return found
    return None


def _is_name(argument: str) -> bool:
    return bool({*words(argument)[-1:]} & _NAMES) or (len(words(argument)) == 1 and _is_source(argument))


def _is_source(argument: str) -> bool:
    return bool({*words(argument)[:1]} & _SOURCES)


def _noun(argument: str) -> str:
    """What an argument names: `experimentTemplateId`, `SourceDBSnapshotIdentifier`; "" where it does not say."""
    return "".join(words(argument)[1 if _is_source(argument) else 0 : -1])


def _is_template(noun: str, of: str) -> bool:
    """Whether a thing is a template of another: `experimenttemplate` of an experiment."""
    return any(noun == of + word for word in _TEMPLATES)


def _is_own(bound: Bound, field: str) -> bool:
    """Whether each thing has a field for itself."""
    place = bound.resource.fields[field]
    return (
        field in (bound.key_field, bound.resource_key)
        or bool({*words(field)[-1:]} & _OWN)
        or bare(field, bound.last) in _NAMES
        or bool(LABELS & {*words(field)})
        or services.is_time(field, place.flat)
    )
