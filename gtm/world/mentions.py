"""Arguments that name a thing of another resource: nothing can be done with one that was never made.

Careful, for a name may be made up in many ways: only where nothing is imagined, and only a value that occurs nowhere
in the world. What a create demands must be called after a resource that some tool makes (`missing`). What reads,
changes and deletes call by an identifier must be there, whatever it is, if nothing in the session so far brought it
(`unheard`): of the recorded AWS calls that do so without being refused for other reasons 8 in 10 failed.
"""

from collections.abc import Callable, Mapping, Sequence

from gtm.tools.view import View
from gtm.types import Effect, Json, Tool, canonical
from gtm.world.family import absences, documents_absence
from gtm.world.fields import bare, is_identifying, last_noun
from gtm.world.hints import argument_names, required_names
from gtm.world.lineage import last_part
from gtm.world.outcome import Moment, Refusal
from gtm.world.resource import Resource
from gtm.world.state import State
from gtm.world.words import flat, singular, words

_ENDINGS = ("id", "name", "arn", "identifier")
_CALLING = frozenset({"read", "delete", "list"})
"""Kinds of which a documented "not found" speaks of what the call names, not of what it sets."""

_MAKING = frozenset("restore register import launch run provision allocate request copy clone create".split())
"""Verbs of tools of unknown effect that may make what they name."""

_ID_WORDS = frozenset("id ids arn arns identifier identifiers".split())
_ANY_THING = frozenset({"resourcearn", "resourceidentifier"})

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
        found.append((argument, thing(name)))
    return tuple(found)


class Naming:
    """Which arguments of a toolset's tools call things that must be there."""

    def __init__(self, tools: Sequence[Tool], effects: Mapping[str, Effect]) -> None:
        self._effects = effects
        self._made = {flat(last_noun(e.resource)) for e in effects.values() if e.resource and _makes(e)}
        creates = [tool for tool in tools if effects[tool.name].kind == "create"]
        demanded = {name for tool in creates for name in required_names(tool)}
        # What creates demand and no tool answers of its own accord (an account, a project) is there from the start.
        self._scopes = {n for n in demanded if not any(_answers(other, effects[other.name], n) for other in tools)}

    def names(self, tool: Tool) -> tuple[str, ...]:
        """The arguments of one tool, in order."""
        effect = self._effects[tool.name]
        if effect.reason == "declared" or effect.kind == "compute" or effect.upsert or not self._made:
            return ()
        return tuple(name for name in argument_names(tool) if self._calls(name, tool, effect))

    def _calls(self, name: str, tool: Tool, effect: Effect) -> bool:
        *words_before, last = [*words(name)] or [""]
        noun, own = "".join(words_before), last_noun(effect.resource or "")
        required = name in required_names(tool)
        if flat(name) in _ANY_THING:
            return required and effect.kind != "create" and documents_absence(tool)
        # An error that says so (`DirectoryDoesNotExist`) tells what a call needs, even a create.
        its_own = effect.kind == "create" and (noun in flat(own) or flat(own) in noun)
        one = singular(noun)
        told = one not in {"", "resource"} and not its_own and any(one in absent for absent in absences(tool))
        if told and name not in self._scopes:
            return last in _ID_WORDS or singular(last) == "name"
        if effect.kind in {"create", "opaque"}:
            return False
        if effect.kind in _CALLING and required and name not in self._scopes and documents_absence(tool):
            return last in _ID_WORDS or (last == "name" and effect.kind != "list")
        if last in _ID_WORDS:
            return required and (singular(noun) in self._made or (name in effect.key and flat(own) in self._made))
        return singular(last) == "name" and singular(noun) in self._made


def _makes(effect: Effect) -> bool:
    return effect.kind == "create" or effect.upsert


def unheard(tool: Tool, names: Sequence[str], arguments: Mapping[str, Json], moment: Moment) -> Refusal | None:
    """Why a call cannot succeed that calls things by what nothing brought so far.

    Of several things one that is there is enough, unless the tool documents an error for what is absent.
    """
    if moment.mode != "closed":
        return None
    for name in names:
        given = arguments.get(name)
        items = [item for item in (given if isinstance(given, list) else [given]) if isinstance(item, str) and item]
        absent = [item for item in items if not _is_known(item, moment)]
        if absent and (len(absent) == len(items) or documents_absence(tool)):
            return Refusal("not_found", f"{' '.join(words(name)[:-1]) or 'resource'} {absent[0]!r} was not found")
    return None


def _is_known(value: str, moment: Moment) -> bool:
    return _occurs(value, moment.state) or any(moment.heard(text) for text in {value, last_part(value) or value})


def called_by(tools: Sequence[Tool]) -> frozenset[str]:
    """Flat names of the arguments by which tools about one thing can name it."""
    return frozenset(flat(name) for tool in tools for name in argument_names(tool) if is_identifying(name))


def missing(mentions: Mentions, arguments: Mapping[str, Json], moment: Moment) -> Refusal | None:
    """Why a call that names what was never made cannot succeed."""
    if moment.mode != "closed":
        return None
    for argument, resource in mentions:
        value = arguments.get(argument)
        if isinstance(value, str) and value and _tells(resource, argument) and not _is_known(value, moment):
            return Refusal("not_found", f"{resource.label} {value!r} was not found")
    return None


def _tells(resource: Resource, argument: str) -> bool:
    """Whether what makes things shows or takes what this argument holds."""
    return bool({flat(argument), bare(argument, last_noun(resource.name))} & resource.named_by)


def _is_kind(resource: str, other: str) -> bool:
    """Whether things of one resource are a kind of the other's (`medical_vocabulary`, `db_instance_read_replica`)."""
    own, last = last_noun(resource), last_noun(other)
    replicates = own.startswith(last + "_") and own.endswith("_replica")
    return resource == other or replicates or own.endswith("_" + last)


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
