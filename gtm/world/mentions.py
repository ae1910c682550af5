"""Arguments that name a thing of another resource: nothing can be done with one that was never made.

Careful, for a name may be made up in many ways: only where nothing is imagined, only required arguments that are
called after a resource that some tool makes, and only a value that occurs nowhere in the world.
"""

from collections.abc import Callable, Mapping, Sequence

from gtm.tools.view import View
from gtm.types import Effect, Json, Tool, canonical
from gtm.world.fields import bare, is_identifying, last_noun
from gtm.world.hints import argument_names, required_names
from gtm.world.lineage import last_part
from gtm.world.outcome import Moment, Refusal
from gtm.world.resource import Resource
from gtm.world.state import State
from gtm.world.words import flat, words

_ENDINGS = ("id", "name", "arn", "identifier")
_MAKING = frozenset("restore register import launch run provision allocate request copy clone create".split())
"""Verbs of tools of unknown effect that may make what they name."""

KEYED = frozenset({"read", "update", "delete"})
"""Kinds whose tools are about one thing."""

Mentions = tuple[tuple[str, Resource], ...]


def mentioned(
    tool: Tool, effects: Mapping[str, Effect], tools: Sequence[Tool], thing: Callable[[str], Resource]
) -> Mentions:
    """The required arguments of a tool that name things of other resources which only known tools make."""
    effect = effects[tool.name]
    if effect.reason == "declared" or (effect.resource is None and _MAKING & set(words(tool.name))):
        return ()
    makers = {e.resource: name for name, e in effects.items() if e.kind == "create" or e.upsert if e.resource}
    forms = {flat(last_noun(name)) + ending: name for name in makers for ending in _ENDINGS}
    found = []
    for argument in required_names(tool):
        name = forms.get(flat(argument))
        if name is None or _is_kind(effect.resource or "", name) or not is_identifying(argument):
            continue
        made = [other for other in tools if effects[other.name].resource == name]
        inner = any(forms.get(flat(given), name) != name for maker in made for given in required_names(maker))
        # A create may make what it names (`StackName` of a change set), never what it tells by an id.
        if inner or any(thing(name).ancestors) or (effect.kind == "create" and words(argument)[-1] == "name"):
            continue
        others = (other for other in tools if effects[other.name].resource != name)
        if not any(_answers(other, effects[other.name], argument) for other in others):
            found.append((argument, thing(name)))
    return tuple(found)


def called_by(tools: Sequence[Tool]) -> frozenset[str]:
    """Flat names of the arguments by which tools about one thing can name it."""
    return frozenset(flat(name) for tool in tools for name in argument_names(tool) if is_identifying(name))


def missing(mentions: Mentions, arguments: Mapping[str, Json], moment: Moment) -> Refusal | None:
    """Why a call that names what was never made cannot succeed."""
    if moment.mode != "closed":
        return None
    for argument, resource in mentions:
        value = arguments.get(argument)
        if isinstance(value, str) and value and _tells(resource, argument) and not _occurs(value, moment.state):
            return Refusal("not_found", f"{resource.label} {value!r} was not found")
    return None


def _tells(resource: Resource, argument: str) -> bool:
    """Whether what makes things shows or takes what this argument holds."""
    return bool({flat(argument), bare(argument, last_noun(resource.name))} & resource.named_by)


def _is_kind(resource: str, other: str) -> bool:
    """Whether things of one resource are a kind of the other's (`medical_vocabulary`, `db_instance_read_replica`)."""
    own, last = last_noun(resource), last_noun(other)
    return resource == other or own.startswith(last + "_replica") or own.endswith("_" + last)


def _answers(tool: Tool, effect: Effect, argument: str) -> bool:
    """Whether a write answers a key that it was not given: then it may have made the thing."""
    if effect.kind not in {"create", "opaque"} or flat(argument) in {flat(name) for name in argument_names(tool)}:
        return False
    top = View(tool.output_schema, tool.output_schema)
    inner = [child for name in top.properties if (child := top.child(name)) is not None]
    return any(flat(argument) == flat(name) for place in (top, *inner) for name in place.properties)


def _occurs(value: str, state: State) -> bool:
    """Whether a name, or the last part of an address, is or was shown anywhere in the world."""
    texts = {value, last_part(value) or value}
    for place, collection in state.collections.items():
        if any(text in place for text in texts):
            return True
        for document in collection.documents.values():
            shown = canonical([document.key, document.value]).decode()
            if any(text in shown for text in texts):
                return True
    return False
