"""What a new thing has from the one it is made of: a snapshot, a clone, what is restored or started from a template.

A create says so by its verb (`restore_db_from_snapshot`), by what it makes (`snapshot`), or by naming a template of
it. Only fields that both things show are taken over: never what tells one from the other, times, states and labels.
"""

import json
from collections.abc import Iterator, Mapping

from gtm.types import Json
from gtm.world import services
from gtm.world.bound import Bound
from gtm.world.fields import bare, last_noun, takes
from gtm.world.labels import LABELS
from gtm.world.lineage import find
from gtm.world.state import Document, Place, State
from gtm.world.words import flat, words

_DUPLICATING = frozenset("restore copy clone duplicate fork replicate".split())
_COPIES = frozenset("snapshot backup replica copy clone duplicate fork".split())
_TEMPLATES = frozenset("template definition blueprint".split())
_SOURCES = frozenset("source original from base".split())
_NAMES = frozenset("id name arn identifier key uuid".split())
_OWN = _NAMES | frozenset("status state phase progress description version revision type kind url uri".split())
"""Last words of fields that each thing has for itself."""


def inherited(bound: Bound, arguments: Mapping[str, Json], state: State) -> dict[str, Json]:
    """The fields that a new thing has from the known thing it is made of."""
    found: dict[str, Json] = {}
    fields = {flat(name): name for name in bound.resource.fields}
    for source in _sources(bound, arguments, state):
        for field, value in source.value.items():
            name = fields.get(flat(field))
            if name is not None and name not in found and not _is_own(bound, name):
                place = bound.resource.fields[name]
                found |= {name: value} if takes(place, value) else {}
    return found


def _sources(bound: Bound, arguments: Mapping[str, Json], state: State) -> Iterator[Document]:
    """The known things that a create names and makes its own of."""
    last = last_noun(bound.effect.resource or "")
    duplicates = bool(_DUPLICATING & {*words(bound.tool.name)}) or words(last)[-1:] in {(word,) for word in _COPIES}
    named = {name: _noun(name) for name, value in arguments.items() if isinstance(value, str) and _noun(name)}
    named = {name: noun for name, noun in named.items() if duplicates or _is_template(noun, last)}
    if not named:
        return
    for identity in sorted(state.collections):
        resource, *parents = json.loads(identity)
        kind = flat(last_noun(resource))
        for name, noun in named.items():
            if (
                kind.endswith(noun)
                and (duplicates or _is_template(kind, last))
                and state.collections[identity].documents
            ):
                found = find(bound.things(resource), state, Place(resource, tuple(parents)), arguments[name])
                if found is not None:
                    yield found


def _noun(argument: str) -> str:
    """What an argument names: `experimentTemplateId`, `SourceDBSnapshotIdentifier`; "" where it names nothing."""
    *noun, last = [*words(argument)] or [""]
    if noun and noun[0] in _SOURCES:
        noun = noun[1:]
    return "".join(noun) if last in _NAMES else ""


def _is_template(noun: str, of: str) -> bool:
    """Whether a thing is a template of another: `experimenttemplate` of an experiment."""
    return any(noun == flat(of) + word for word in _TEMPLATES)


def _is_own(bound: Bound, field: str) -> bool:
    """Whether each thing has a field for itself."""
    place = bound.resource.fields[field]
    told = bare(field, bound.last)
    return (
        field in (bound.key_field, bound.resource_key)
        or told in _OWN
        or words(field)[-1:] in {(word,) for word in ("status", "state", "progress")}
        or bool(LABELS & {*words(field)})
        or services.is_time(field, place.flat)
    )
