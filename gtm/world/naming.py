"""What a tool does as far as its name, description, arguments and answer tell, where no path does.

The verb gives the kind, the words around it the resource, an argument named like the resource the key. Whether a
reader shows one thing or several is a sum of small hints (`MANY`). Looks at one tool at a time.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from gtm.tools.view import View
from gtm.types import Effect, Tool
from gtm.world.hints import (
    ID_ENDINGS,
    NAME_ENDINGS,
    adrift,
    answers_many,
    argument_names,
    demanded_key,
    effect,
    endings_of,
    is_key_like,
    is_scalar,
    key_argument,
    opaque,
    required_names,
    selectors,
    shows_array,
)
from gtm.world.keys import NEW
from gtm.world.spoken import Said, last_argument, spoken_verb
from gtm.world.words import (
    TANGLED,
    flat,
    is_plural,
    noun,
    words,
)

MANY = {
    "list verb": 7.0,
    "told many": 2.0,
    "told one": -1.0,
    "answers many": 3.0,
    "answers one": -0.5,
    "plural": 3.0,
    "paging": 1.0,
    "own key": -2.0,
    "asks many": 3.0,
}
"""What speaks for a reader that shows several things, and how much (rounded from a fit on 5,560 HTTP definitions)."""

MANY_FROM = 2.5
"""A sum above this is a list."""

PAGING_ARGUMENTS = frozenset(
    "limit page pagesize perpage maxresults offset cursor nexttoken pagetoken skip top marker startingafter"
    " orderby sort sortby startindex pagenumber filter filters maxitems count endingbefore".split()
)
"""Arguments (flat names) that hardly anything but a list takes."""

_STARTS = frozenset(
    "start run submit upload import export publish invite subscribe launch request send record log deploy"
    " share grant join apply".split()
)
"""Actions that make a new thing where they name none that exists."""

DUPLICATES = frozenset({"copy", "clone", "duplicate", "fork"})
"""Actions that make a thing like another one."""

_UNDOES = frozenset("detach disassociate leave revoke unassign unfollow unlink unstar unsubscribe untag".split())
"""Actions that take a tie away."""

_TIES = {"tag": "tag", "untag": "tag", "label": "label", "subscribe": "subscription", "unsubscribe": "subscription"}
"""Actions that say what they tie to anything (`tag_resource`)."""

_ANYTHING = frozenset({"resource", "item", "object", "entity"})

_LOOKUPS = frozenset("check is has".split())
"""Verbs of calculations that look something up where they name it."""

_KEPT = frozenset({"data"})
"""Last words that say what there is (`weather_data`), unless other tools speak of the rest alone."""


def effect_by_name(tool: Tool, common: Mapping[str, int]) -> Effect:
    """The effect of a tool without a path that means anything; an action is opaque here (see `action_by_name`).

    `common` counts the toolset's tools that demand an argument of a name.
    """
    verb = spoken_verb(tool)
    if verb is None and not _shows(tool):
        return opaque("no known verb in name or description")
    said, confidence = verb or (Said("show", "read", words(tool.name), None), 0.55)
    if said.kind is None:
        return opaque(f"the action {said.verb!r} on a thing that is not read elsewhere")
    if said.verb in _LOOKUPS and _looks_up(tool):
        said, confidence = replace(said, kind="read"), 0.55
    reason, kind = f"the verb {said.verb!r}", said.kind or "opaque"
    if tool.annotations.get("read_only_hint") is True and kind not in {"read", "list"}:
        return effect("compute", None, (), confidence, f"{reason}, declared read-only")
    if kind == "compute":
        return effect("compute", None, (), confidence, reason)
    resource = noun(said.about, _KEPT if kind in {"read", "list"} else _KEPT | {"list"})
    if not resource:
        return opaque(f"{reason} without a resource")
    return _of_resource(tool, said, resource, confidence, common)


def _of_resource(tool: Tool, said: Said, resource: str, confidence: float, common: Mapping[str, int]) -> Effect:
    reason, kind = f"the verb {said.verb!r}", said.kind or "opaque"
    if kind in {"read", "list"}:
        return _reader(tool, said, resource, confidence, common)
    if kind == "create":
        return effect("create", resource, (), confidence, reason)
    key = key_argument(tool, resource) or last_argument(tool) or demanded_key(tool, common)
    if key is None and kind == "delete":
        key = next((name for name in reversed(required_names(tool)) if is_scalar(tool, name)), None)
    if key is None:
        return effect(kind, resource, (), 0.55, f"{reason} without an argument that names the thing")
    found = effect(kind, resource, (key,), confidence, f"{reason} and the key {key!r}")
    upsert = said.verb in {"write", "put", "save", "upsert", "set", "overwrite"}
    return found.model_copy(update={"upsert": upsert and kind == "update"})


def action_by_name(
    tool: Tool, readable: Collection[str], created: Collection[str], common: Mapping[str, int]
) -> Effect | None:
    """An action on a thing that the toolset reads is an update of it; one that names no known thing may start one."""
    verb = spoken_verb(tool)
    if verb is None or verb[0].kind is not None or tool.annotations.get("read_only_hint") is True:
        return None
    said = verb[0]
    resource = noun(said.about)
    named = next((name for name in endings_of(resource) if name in readable), "")
    told = any(words(name)[:1] in NEW for name in argument_names(tool))
    untold = told and tool.output_schema is None and tool.http is None
    if named and said.verb in DUPLICATES and (untold or _answers_one(tool, named)):
        return effect("create", named, (), 0.6, f"the action {said.verb!r} answers a new {named!r}")
    key = key_argument(tool, named or resource)
    starts = said.verb in _STARTS
    if key is None and not starts:
        key = demanded_key(tool, common)
    made = starts and key is not None and words(key)[-1] not in ID_ENDINGS and resource not in created
    if named and key in (required_names(tool) or (key,)) and key is not None and not made:
        found = effect("update", named, (key,), 0.6, _on(said.verb, named, key))
        return None if said.verb in TANGLED else found.model_copy(update={"upsert": _copies(tool, said.verb, key)})
    several = any(words(name)[-1:] in {("ids",), ("arns",), ("names",)} for name in required_names(tool))
    if resource and starts and not several:
        return effect("create", resource, (), 0.55, f"the action {said.verb!r} starts something new")
    if starts or said.verb in TANGLED:
        return None
    kind = "delete" if said.verb in _UNDOES else "update"
    return adrift(kind, f"the action {said.verb!r} on a thing that is not read elsewhere")


def duplicates(tool: Tool) -> bool:
    """Whether a tool makes a thing like one that it names."""
    verb = spoken_verb(tool)
    return verb is not None and verb[0].verb in DUPLICATES


def _answers_one(tool: Tool, resource: str) -> bool:
    """Whether an answer holds an object that is called as the thing."""
    top = View(tool.output_schema, tool.output_schema)
    places = ((name, top.child(name)) for name in top.properties)
    return any(
        place is not None and place.type == "object" and noun(words(name)) == resource for name, place in places
    )


def _copies(tool: Tool, verb: str, key: str) -> bool:
    """Whether a thing is restored from another one that an argument names: then it may be a new one."""
    source = flat(tool.name).partition("from")[2]
    others = ("".join(words(name)[:-1]) for name in argument_names(tool) if name != key and is_key_like(name))
    return verb == "restore" and any(noun and noun in source for noun in others)


def about_by_name(tool: Tool, kind: str, common: Mapping[str, int]) -> tuple[str | None, tuple[str, ...]]:
    """The resource a tool speaks of and the arguments that name one of it."""
    verb = spoken_verb(tool)
    resource = noun(verb[0].about if verb is not None else words(tool.name))
    if verb is not None and verb[0].verb in _TIES and resource in _ANYTHING:
        resource = _TIES[verb[0].verb]
    key = key_argument(tool, resource) or demanded_key(tool, common) if kind in {"read", "update", "delete"} else None
    keys = (key,) if key is not None else (*selectors(tool), *required_names(tool)) if kind == "read" else ()
    return resource or None, keys


def _shows(tool: Tool) -> bool:
    """Whether a tool without a verb takes nothing that could be stored, and says what it answers.

    A tool without arguments may say so in its description (`All teams.`), unless it is declared to change something.
    """
    changes = tool.annotations.get("destructive_hint") is True or tool.annotations.get("read_only_hint") is False
    top = View(tool.output_schema, tool.output_schema)
    shows = top.type == "array" or bool(top.properties) or (not argument_names(tool) and _tells_of(tool.description))
    return shows and not changes and all(is_scalar(tool, name) for name in argument_names(tool))


def _tells_of(description: str) -> bool:
    """Whether a description names something that there is to know; one that begins with an unknown verb does not."""
    spoken = words(description.partition(".")[0])
    return bool(spoken) and (spoken[0] in _KNOWN_THINGS or bool(_KNOWLEDGE.intersection(spoken[:4])))


_KNOWN_THINGS = frozenset("all the current latest available my total".split())
_KNOWLEDGE = frozenset("info information status health history statistics overview summary details report".split())


def _looks_up(tool: Tool) -> bool:
    """Whether a check is of something that is there, not of what its arguments say (`check_name_availability`)."""
    said = {*words(tool.name), *words(tool.description[:200])}
    judged = said & {"availability", "available", "valid", "validity", "validate"}
    return not judged and all(is_scalar(tool, name) for name in required_names(tool))


def _on(verb: str, resource: str, key: str) -> str:
    return f"the action {verb!r} on the {resource!r} named by {key!r}"


def _reader(tool: Tool, said: Said, resource: str, confidence: float, common: Mapping[str, int]) -> Effect:
    required = required_names(tool)
    own = key_argument(tool, resource) or last_argument(tool)
    key = own if own in (required or (own,)) else None
    plural = is_plural([word for word in said.about if noun((word,))][-1])
    many = answers_many(tool)
    hints = {
        "list verb": said.kind == "list",
        "told many": said.many is True,
        "told one": said.many is False,
        "answers many": many is True,
        "answers one": many is False,
        "plural": plural,
        "paging": any(flat(name) in PAGING_ARGUMENTS for name in argument_names(tool)),
        "own key": own in required,
        "asks many": shows_array(tool) and _asks_many(tool, resource),
    }
    several = sum(MANY[hint] for hint, holds in hints.items() if holds) > MANY_FROM
    if several and (many is not False or shows_array(tool)):
        return effect("list", resource, (), confidence, f"the verb {said.verb!r} and several things")
    if several:
        # A text about several things (`list_directory`): an argument names what they are in, not one of them.
        return adrift("read", f"the verb {said.verb!r}, but the answer is not a list of things")
    if key is None and not all(is_scalar(tool, name) for name in required):
        return adrift("read", f"the verb {said.verb!r} on several things at once")
    if key is None and required:
        key = demanded_key(tool, common)
    if key is not None:
        return effect("read", resource, (key,), confidence, f"the verb {said.verb!r} and the key {key!r}")
    if selectors(tool) and not required:
        return effect("read", resource, (), 0.55, f"the verb {said.verb!r} on what optional arguments select")
    return effect("read", resource, required, 0.6, f"the verb {said.verb!r} without a key of its own")


def _asks_many(tool: Tool, resource: str) -> bool:
    """Whether an array of names is demanded: `get_parameters(Names)`, `describe_services(services)`."""
    arrays = [name for name in required_names(tool) if not is_scalar(tool, name)]
    said = [(flat(noun(words(name))), words(name)[-1].removesuffix("s")) for name in arrays if words(name)]
    nouns = [flat(own) for own in endings_of(resource)]
    return any(last in ID_ENDINGS or last in NAME_ENDINGS or plain in nouns for plain, last in said)


def updates_fields(tool: Tool) -> bool:
    """Whether an update by name takes a thing's fields (`update_pet`), not a change of them (`edit_file`)."""
    verb = spoken_verb(tool)
    generic = {flat(name) for name in argument_names(tool)} & _CHANGES
    return verb is not None and not generic and verb[0].verb in _SETTERS


_SETTERS = frozenset("update modify patch put replace upsert configure".split())
_CHANGES = frozenset("field fieldname newvalue attributename property column edits changes operations".split())
"""Arguments (flat names) that say which field to change and how."""
