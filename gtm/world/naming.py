"""What a tool does as far as its name, description, arguments and answer tell, where no path does.

The verb gives the kind, the words around it the resource, an argument named like the resource the key. Whether a
reader shows one thing or several is a sum of small hints (`MANY`). Looks at one tool at a time.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

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
    is_scalar,
    key_argument,
    opaque,
    required_names,
    selectors,
    shows_array,
)
from gtm.world.words import (
    ACTIONS,
    CLEAR,
    FILLERS,
    PREPOSITIONS,
    TANGLED,
    VERBS,
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

_LEAD = frozenset(
    "this the api endpoint method operation function tool call request action you can use used to allows lets"
    " let it will is a an user users which that us enables for service command helps please simply".split()
)
"""Words that a description may say before its verb."""

_UNDOES = frozenset("detach disassociate leave revoke unassign unfollow unlink unstar unsubscribe untag".split())
"""Actions that take a tie away."""

_LOOKUPS = frozenset("check is has".split())
"""Verbs of calculations that look something up where they name it."""

_ROUTE = re.compile(r"((_api)?_v\d+)(_\w+)?_(get|post|put|patch|delete)\Z")
_FORMAT = re.compile(r"(?<=\w)[_.-](json|xml)\Z")
"""What frameworks put behind a name: the route and the method, the format of the answer."""

_WHOLE = frozenset("collection entities entity instance instances item items object resource resources".split())
"""Words for any thing: in `apps-get_collection` the part before them names it."""

_UPSERT = re.compile(r"(create|add)_?(or|and)_?update|update_?or_?(create|add|insert)", re.IGNORECASE)
_LAST_ONLY = {"all": "list", "index": "list", "collection": "list", "list": "list", "one": "read"}
_MANY_TEXT = re.compile(
    r"\W*(lists?\b|\w+ ((an?|the) )?(\w+ )?(lists?|array|collection|set|page) of\b"
    r"|\w+ (the )?(all|multiple|several|one or more)\b)",
    re.IGNORECASE,
)
_ONE_TEXT = re.compile(
    r"\W*\w+ (the )?(an? (?!list|collection|set|page|array|paginated)"
    r"|(one|single|detail(s|ed)|info(rmation)?|specific|specified|current|status)\b"
    r"(?! (about|of|on|for) (all|multiple|several)))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """A verb and the words of the thing it speaks of."""

    verb: str
    kind: str | None
    """None for an action."""
    about: tuple[str, ...]
    many: bool | None
    """Whether it says that there are several."""


def effect_by_name(tool: Tool, common: Mapping[str, int]) -> Effect:
    """The effect of a tool without a path that means anything; an action is opaque here (see `action_by_name`).

    `common` counts the toolset's tools that demand an argument of a name.
    """
    verb = _verb(tool)
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
    resource = noun(said.about)
    if not resource:
        return opaque(f"{reason} without a resource")
    return _of_resource(tool, said, resource, confidence, common)


def _of_resource(tool: Tool, said: Said, resource: str, confidence: float, common: Mapping[str, int]) -> Effect:
    reason, kind = f"the verb {said.verb!r}", said.kind or "opaque"
    if kind in {"read", "list"}:
        return _reader(tool, said, resource, confidence, common)
    if kind == "create":
        return effect("create", resource, (), confidence, reason)
    key = key_argument(tool, resource) or demanded_key(tool, common)
    if key is None:
        return effect(kind, resource, (), 0.55, f"{reason} without an argument that names the thing")
    found = effect(kind, resource, (key,), confidence, f"{reason} and the key {key!r}")
    upsert = said.verb in {"write", "put", "save", "upsert", "set", "overwrite"}
    return found.model_copy(update={"upsert": upsert and kind == "update"})


def action_by_name(
    tool: Tool, readable: Collection[str], created: Collection[str], common: Mapping[str, int]
) -> Effect | None:
    """An action on a thing that the toolset reads is an update of it; one that names no known thing may start one."""
    verb = _verb(tool)
    if verb is None or verb[0].kind is not None or tool.annotations.get("read_only_hint") is True:
        return None
    said = verb[0]
    resource = noun(said.about)
    named = next((name for name in endings_of(resource) if name in readable), "")
    key = key_argument(tool, named or resource)
    starts = said.verb in _STARTS
    if key is None and not starts:
        key = demanded_key(tool, common)
    made = starts and key is not None and words(key)[-1] not in ID_ENDINGS and resource not in created
    if named and key in (required_names(tool) or (key,)) and key is not None and not made:
        return None if said.verb in TANGLED else effect("update", named, (key,), 0.6, _on(said.verb, named, key))
    several = any(words(name)[-1:] in {("ids",), ("arns",), ("names",)} for name in required_names(tool))
    if resource and starts and not several:
        return effect("create", resource, (), 0.55, f"the action {said.verb!r} starts something new")
    if starts or said.verb in TANGLED:
        return None
    kind = "delete" if said.verb in _UNDOES else "update"
    return adrift(kind, f"the action {said.verb!r} on a thing that is not read elsewhere")


def _shows(tool: Tool) -> bool:
    """Whether a tool without a verb has a documented answer and takes nothing that could be stored."""
    top = View(tool.output_schema, tool.output_schema)
    shows = top.type == "array" or bool(top.properties)
    return shows and all(is_scalar(tool, name) for name in argument_names(tool))


def _looks_up(tool: Tool) -> bool:
    """Whether a check is of something that is there, not of what its arguments say (`check_name_availability`)."""
    said = {*words(tool.name), *words(tool.description[:200])}
    judged = said & {"availability", "available", "valid", "validity", "validate"}
    return not judged and all(is_scalar(tool, name) for name in required_names(tool))


def _on(verb: str, resource: str, key: str) -> str:
    return f"the action {verb!r} on the {resource!r} named by {key!r}"


def _verb(tool: Tool) -> tuple[Said, float] | None:
    """The verb that counts, and how far it is to be trusted: a clear one in the name, else the description's."""
    said, told = _said(tool), _told(tool.description)
    if said is None:
        return (Said(told.verb, told.kind, words(tool.name), told.many), 0.55) if told is not None else None
    if told is not None and not noun(said.about):
        said = replace(said, about=told.about)
    many = said.many if said.many is not None or told is None else told.many
    if told is None or said.verb in CLEAR or told.kind == said.kind:
        return Said(said.verb, said.kind, said.about, many), 0.8 if said.verb in CLEAR else 0.65
    if told.verb in CLEAR and (said.verb == "post" or told.kind in {"read", "list", "compute"}):
        return Said(told.verb, told.kind, said.about, told.many), 0.65
    return Said(said.verb, said.kind, said.about, many), 0.6


def _said(tool: Tool) -> Said | None:
    """The verb of a name: at its start, at its end, at the start of one of its parts, else anywhere."""
    name = _FORMAT.sub("", _UPSERT.sub("Upsert", _without_route(tool.name)))
    pieces = [found for piece in re.split(r"[^A-Za-z0-9]+", name) if (found := words(piece))]
    parts = tuple(word for piece in pieces for word in piece)
    starts = {sum(map(len, pieces[:index])) for index in range(len(pieces))}
    if len(pieces) > 1 and len(pieces[0]) > 1:
        starts.discard(0)  # `UpdateGroups_Delete`: the first piece is the thing, a verb starts a later one
    ranked = [(_rank(word, at, len(parts) - 1, starts), -at) for at, word in enumerate(parts)]
    rank, at = max(ranked, default=(0, 0))
    if rank == 0:
        return None
    verb, at = parts[-at], -at
    if at == 0 and verb in {"get", "post"} and len(pieces) > 1 and _is_done(pieces[-1]):
        verb, between = pieces[-1][0], tuple(word for piece in pieces[1:-1] for word in piece)
        return Said(verb, VERBS[verb], _without_arguments(between or pieces[-1], tool), None)
    kind = VERBS.get(verb) or (None if verb in ACTIONS else _LAST_ONLY.get(verb))
    after = parts[at + 1 :]
    while after and (after[0] in {"or", "and", "of"} or (after[0] in CLEAR and len(after) > 1)):
        after = after[1:]
    if kind == "read" and ("all" in after[:1] or after[-1:] in {("list",), ("all",), ("collection",)}):
        kind = "list"
    after = _until_preposition(after)
    about = after if noun(after) else _last_piece(pieces, at)
    if at and about == after and set(after) <= _WHOLE and (before := _last_piece(pieces, at)):
        about = before
    if about[-1:] in {("collection",), ("resource",), ("resources",)} and noun(about[:-1]):
        about = about[:-1]
    return Said(verb, kind, about if kind == "create" else _without_arguments(about, tool), None)


def _without_route(name: str) -> str:
    """`read_pet_v1_pets__id__get` -> `read_pet`; the method stays where nothing else is a verb."""
    route = _ROUTE.search(name)
    if route is None:
        return name
    head = name[: route.start()]
    return head if any(word in VERBS or word in ACTIONS for word in words(head)) else f"{head}_{route[4]}"


def _is_done(piece: tuple[str, ...]) -> bool:
    """Whether the last part of a name that a method and a path made says what is done there: `post_text_detect`."""
    kind = VERBS.get(piece[0])
    return kind in {"list", "compute"} and piece[0] not in {"list", "count", "test"} and not is_plural(piece[-1])


def _rank(word: str, at: int, last: int, starts: set[int]) -> int:
    if at == 0 or (at in starts and 0 not in starts):
        place = 3 if at in starts else 1
    else:
        place = 2 if at == last else 1 if at in starts else 0
    if word in CLEAR:
        return 7 + place if place else 3
    if word in VERBS:
        return (0, 4, 4, 6)[place]
    if word in ACTIONS:
        return (0, 2, 5, 5)[place]
    return 2 if at == last and at > 0 and word in _LAST_ONLY else 0


def _last_piece(pieces: list[tuple[str, ...]], until: int) -> tuple[str, ...]:
    """The words before a verb; of `projects_pullRequests_list` only the last piece."""
    before: list[tuple[str, ...]] = []
    for piece in pieces:
        if until <= 0:
            break
        before.append(piece[:until])
        until -= len(piece)
    found = (
        before[-1] if any(len(piece) > 1 for piece in before) else tuple(word for piece in before for word in piece)
    )
    while len(found) > 1 and found[-1] in CLEAR:
        found = found[:-1]
    return found


def _until_preposition(parts: tuple[str, ...]) -> tuple[str, ...]:
    if parts[:2] == ("list", "of"):
        parts = parts[2:]
    stop = next((index for index, part in enumerate(parts) if part in PREPOSITIONS), None)
    return parts[:stop]


def _without_arguments(about: tuple[str, ...], tool: Tool) -> tuple[str, ...]:
    """`pets_petId` is about pets: names made from paths end with the argument that names the thing."""
    arguments = {flat(name) for name in argument_names(tool)}
    for count in (1, 2, 3):
        rest, end = about[:-count], about[-count:]
        is_key = bool(end) and end[-1].endswith((*ID_ENDINGS, *NAME_ENDINGS[:3]))
        if noun(rest) and "".join(end) in arguments and (is_key or is_plural(rest[-1])):
            return rest
    return about


@lru_cache(maxsize=65536)
def _told(description: str) -> Said | None:
    """The verb a description starts with: `Returns a list of pets.`, `This endpoint allows you to delete a pet.`."""
    for place, sentence in enumerate(re.split(r"[.!?:;]\s|\n", description[:600])[:3]):
        for at, word in enumerate(spoken := words(sentence)[:14]):
            verb = _lemma(word) if word not in {"is", "has"} else None
            if verb in _TOLD and place:
                break  # `Forwards an email. Returns a message.`
            if verb is not None and (word not in _LEAD or at == 0):
                start = max(sentence.lower().find(word), 0)
                one = bool(_ONE_TEXT.match(sentence[start:]))
                many = True if _MANY_TEXT.match(sentence[start:]) else False if one else None
                return Said(verb, _TOLD.get(verb) or VERBS.get(verb), _spoken_of(spoken[at + 1 :]), many)
            if word not in _LEAD:
                break
    return None


def _spoken_of(spoken: tuple[str, ...]) -> tuple[str, ...]:
    """`a list of all client invoices in every status` -> (client, invoices)."""
    while spoken and (spoken[0] in FILLERS or spoken[0] in PREPOSITIONS or spoken[0] in CLEAR):
        spoken = spoken[1:]
    return _until_preposition(spoken)[:3]


_TOLD = {"return": "read", "give": "read", "provide": "read", "access": "read", "record": "create"}
"""Verbs that say something only in a description."""


def _lemma(word: str) -> str | None:
    forms = [word]
    if word.endswith("s"):
        forms += [word[:-1], word[:-2], word[:-3] + "y"]
    if word.endswith("ing"):
        forms += [word[:-3], word[:-3] + "e"]
    return next((form for form in forms if form in VERBS or form in ACTIONS or form in _TOLD), None)


def _reader(tool: Tool, said: Said, resource: str, confidence: float, common: Mapping[str, int]) -> Effect:
    required = required_names(tool)
    own = key_argument(tool, resource)
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
    }
    several = sum(MANY[hint] for hint, holds in hints.items() if holds) > MANY_FROM
    if several and (many is not False or shows_array(tool)):
        return effect("list", resource, (), confidence, f"the verb {said.verb!r} and several things")
    if key is None and not all(is_scalar(tool, name) for name in required):
        return adrift("read", f"the verb {said.verb!r} on several things at once")
    if key is None and required:
        key = demanded_key(tool, common)
    if key is not None:
        return effect("read", resource, (key,), confidence, f"the verb {said.verb!r} and the key {key!r}")
    if selectors(tool) and not required:
        return effect("read", resource, (), 0.55, f"the verb {said.verb!r} on what optional arguments select")
    return effect("read", resource, required, 0.6, f"the verb {said.verb!r} without a key of its own")


def updates_fields(tool: Tool) -> bool:
    """Whether an update by name takes a thing's fields (`update_pet`), not a change of them (`edit_file`)."""
    verb = _verb(tool)
    generic = {flat(name) for name in argument_names(tool)} & _CHANGES
    return verb is not None and not generic and verb[0].verb in _SETTERS


_SETTERS = frozenset("update modify patch put replace upsert configure".split())
_CHANGES = frozenset("field fieldname newvalue attributename property column edits changes operations".split())
"""Arguments (flat names) that say which field to change and how."""
