"""Arguments that name things: nothing can be done with one that was never made.

Careful, for a name may be made up in many ways: only where nothing is imagined, and only a value that occurs nowhere
in the world. What a create demands must be called after a resource that some tool makes (`missing`). What reads,
changes and deletes call by an identifier must be there, whatever it is, if nothing in the session so far brought it
(`unheard`): of the recorded AWS calls that do so without being refused for other reasons 8 in 10 failed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from urllib.parse import unquote

from gtm.tools.view import View
from gtm.types import Effect, Json, Tool, canonical
from gtm.world.family import absences, documents_absence, is_action
from gtm.world.fields import bare, is_identifying, last_noun
from gtm.world.hints import argument_names, required_names
from gtm.world.lineage import last_part
from gtm.world.outcome import Moment, Refusal
from gtm.world.resource import Resource
from gtm.world.state import State
from gtm.world.words import flat, says, singular, words

_ENDINGS = ("id", "name", "arn", "identifier")
_CALLING = frozenset({"read", "delete", "list"})
"""Kinds of which a documented "not found" speaks of what the call names, not of what it sets."""

_MAKING = frozenset("restore register import launch run provision allocate request copy clone create".split())
"""Verbs of tools of unknown effect that may make what they name."""

_IDS = frozenset({"id", "arn", "identifier"})
_ID_WORDS = _IDS | {f"{word}s" for word in _IDS}
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
        self._makers: dict[str, list[Tool]] = {}
        for tool in tools:
            if (resource := effects[tool.name].resource) and _makes(effects[tool.name]):
                self._makers.setdefault(flat(last_noun(resource)), []).append(tool)
        self._made = self._makers.keys()
        self._told: dict[tuple[str, str], bool] = {}
        creates = [tool for tool in tools if effects[tool.name].kind == "create"]
        demanded = {name for tool in creates for name in required_names(tool)}
        # What creates demand and no tool makes, or answers of its own accord (an account), is there from the start.
        given = {n for n in demanded if not any(_answers(other, effects[other.name], n) for other in tools)}
        self._scopes = {name for name in given if not self._is_made(name)}

    def names(self, tool: Tool) -> tuple[str, ...]:
        """The arguments of one tool, in order."""
        effect = self._effects[tool.name]
        puts = effect.upsert and not is_action(effect)
        if effect.reason == "declared" or effect.kind == "compute" or puts or not self._made:
            return ()
        made = effect.key if effect.upsert else ()
        return tuple(n for n in argument_names(tool) if n not in made and self._calls(n, tool, effect))

    def _is_made(self, name: str) -> bool:
        """Whether a tool that takes a name makes what is called so: `RuleSetName` of a receipt rule set."""
        noun = singular("".join(words(name)[:-1]))
        makers = (tool for made, tools in self._makers.items() if noun and made.endswith(noun) for tool in tools)
        return noun in self._makers or any(name in required_names(tool) for tool in makers)

    def _is_told(self, noun: str, name: str) -> bool:
        """Whether all that makes things answers, or takes, what they are called by: some definitions leave it out."""
        if (noun, name) not in self._told:
            makers = [tool for tool in self._makers[noun] if tool.output_schema]
            nouns = {noun, singular("".join(words(name)[:-1])) or noun}
            forms = {singular(flat(name)), *(called + ending for called in nouns for ending in _IDS)}
            self._told[noun, name] = all(_tells_of(tool, forms) for tool in makers)
        return self._told[noun, name]

    def _calls(self, name: str, tool: Tool, effect: Effect) -> bool:
        *words_before, last = [*words(name)] or [""]
        noun, own = "".join(words_before), last_noun(effect.resource or "")
        required = name in required_names(tool)
        if flat(name) in _ANY_THING:
            return required and effect.kind != "create" and documents_absence(tool)
        # An error that says so (`DirectoryDoesNotExist`) tells what a call needs, even a create.
        its_own = effect.kind == "create" and (noun in flat(own) or flat(own) in noun)
        one = singular(noun)
        bare_own = flat(own) if effect.kind in _CALLING and flat(own) in self._made else ""
        said = one or bare_own  # `Names` of load balancers, where `LoadBalancerNotFound`
        told = said not in {"", "resource"} and not its_own and any(said in absent for absent in absences(tool))
        if told and name not in self._scopes:
            return last in _ID_WORDS or singular(last) in {"name", "url"}
        if effect.kind in {"create", "opaque"}:
            return False
        asks = required or (effect.kind in {"read", "delete"} and one in {"", flat(own)})
        if effect.kind in _CALLING and asks and name not in self._scopes and documents_absence(tool):
            return last in _ID_WORDS or (last == "name" and effect.kind != "list")
        if last in _ID_WORDS:
            # A filter (`customer_id`) may find nothing; what a list is asked for by its own ids must be there.
            asked = required or (effect.kind == "list" and (last.endswith("s") or one == flat(own)))
            noun = one if one in self._made else flat(own) if name in effect.key else ""
            return asked and noun in self._made and self._is_told(noun, name)
        return singular(last) == "name" and one in self._made


def _tells_of(tool: Tool, forms: Collection[str]) -> bool:
    """Whether a tool's arguments or answer have one of these names anywhere, or an `id` where a thing may be."""
    top = View(tool.output_schema, tool.output_schema)
    inner = [child.items or child for key in top.properties if (child := top.child(key)) is not None]
    names = {flat(key) for place in (top, *inner) for key in place.properties} | {*map(flat, argument_names(tool))}
    text = canonical([tool.parameters, tool.output_schema]).decode().lower().replace("_", "")
    return bool(names & _IDS) or any(f'"{form}"' in text for form in forms)


def _makes(effect: Effect) -> bool:
    return effect.kind == "create" or effect.upsert


def unheard(names: Sequence[str], arguments: Mapping[str, Json], moment: Moment) -> Refusal | None:
    """Why a call cannot succeed that calls things, or one of several, by what nothing brought so far."""
    if moment.mode != "closed":
        return None
    for name in names:
        given = arguments.get(name)
        items = [item for item in (given if isinstance(given, list) else [given]) if isinstance(item, str) and item]
        absent = next((item for item in items if not _is_known(item, moment)), None)
        if absent is not None:
            return Refusal("not_found", f"{' '.join(words(name)[:-1]) or 'resource'} {absent!r} was not found")
    return None


def _is_known(value: str, moment: Moment) -> bool:
    """Whether a name, or the last part of an address, is or was shown anywhere, or was said in making something."""
    texts = {value, unquote(value), last_part(value) or value}
    return _occurs(texts, moment.state) or any(map(moment.heard, texts))


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


def _occurs(texts: Collection[str], state: State) -> bool:
    """Whether one of these is in the world's documents, or in the keys of what is around them."""
    for place, collection in state.collections.items():
        if any(says(place, text) for text in texts):
            return True
        for document in collection.documents.values():
            shown = canonical([document.key, document.value]).decode()
            if any(says(shown, text) for text in texts):
                return True
    return False
