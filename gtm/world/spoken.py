"""The verb of a tool and what it speaks of, as its name and the start of its description tell.

Names that frameworks make out of a method and a path are read as such. Knows nothing of effects.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from gtm.types import Tool
from gtm.world.hints import (
    ID_ENDINGS,
    NAME_ENDINGS,
    argument_names,
)
from gtm.world.words import (
    ACTIONS,
    CLEAR,
    EDGES,
    FILLERS,
    PREPOSITIONS,
    VERBS,
    flat,
    is_plural,
    noun,
    words,
)

_LEAD = frozenset(
    "this the api endpoint method operation function tool call request action you can use used to allows lets"
    " let it will is a an user users which that us enables for service command helps please simply".split()
)
"""Words that a description may say before its verb."""

_ROUTE = re.compile(r"(?:_api)?_v\d+(?:_.*)?_(get|post|put|patch|delete)\Z|(?:_api)?_v\d+_.*(?<=.{60})\Z")
_FORMAT = re.compile(r"(?<=\w)([_.-](json|xml)|(_alt|(?<=[a-z])Alt)\d+)\Z")
"""What frameworks put behind a name: the route and the method, the format of the answer, that there are others."""

_WHOLE = frozenset("collection entities entity instance instances item items object resource resources".split())
"""Words for any thing: in `apps-get_collection` the part before them names it."""

_UPSERT = re.compile(r"(create|add)_?(or|and)_?update|update_?or_?(create|add|insert)", re.IGNORECASE)
_METHODS = frozenset({("get",), ("post",), ("put",), ("patch",), ("delete",)})
_THINGS = frozenset("issue book draft label link".split())
"""Verbs that are things where another verb follows."""

_CHANGES_IT = frozenset({"create", "update", "delete"})
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


def spoken_verb(tool: Tool) -> tuple[Said, float] | None:
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
    pieces = _pieces(tool.name)
    parts = tuple(word for piece in pieces for word in piece)
    starts = {sum(map(len, pieces[:index])) for index in range(len(pieces))}
    if len(pieces) > 1 and len(pieces[0]) > 1:
        starts.discard(0)  # `UpdateGroups_Delete`: the first piece is the thing, a verb starts a later one
    # `orgGetLabel`, `issueDeleteComment`: the thing, then what is done.
    thing = len(parts) > 2 and (parts[0] in _THINGS or (parts[0] not in VERBS and parts[0] not in ACTIONS))
    ranked = [
        (_rank(word, at, len(parts) - 1, starts, after_thing=thing and at == 1), -at) for at, word in enumerate(parts)
    ]
    if parts[-1:] == ("list",) and any(VERBS.get(parts[at]) in _CHANGES_IT for at in starts):
        ranked = ranked[:-1]  # `Features_DeletePhraseList`
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
    after = _until_preposition(after, tuple(f"by{flat(name)}" for name in argument_names(tool)))
    about = after if noun(after) else _last_piece(pieces, at)
    if at and about == after and set(after) <= _WHOLE and (before := _last_piece(pieces, at)):
        about = before
    if about[-1:] in {("collection",), ("resource",), ("resources",)} and noun(about[:-1]):
        about = about[:-1]
    if verb == "post" and at == 0:
        about = _last_segment(about, tool)
    return Said(verb, kind, about if kind == "create" else _without_arguments(about, tool), None)


def _pieces(name: str) -> list[tuple[str, ...]]:
    """The words of each part of a name, without what frameworks put behind it."""
    name = _FORMAT.sub("", _UPSERT.sub("Upsert", _without_route(name)))
    pieces = [found for piece in re.split(r"[^A-Za-z0-9]+", name) if (found := words(piece))]
    if len(pieces) > 2 and pieces[0] in _METHODS and pieces[-1][0] in {*CLEAR, "archive"}:
        # `get-_files_v3_files_fileId_getById` says it twice; in `delete_contact_list` the last word is a thing.
        return pieces[:-1] if len(pieces[-1]) > 1 or pieces[-1] == ("archive",) else pieces
    return pieces


def _without_route(name: str) -> str:
    """`read_pet_v1_pets__id__get` -> `read_pet`; the method stays where nothing else is a verb."""
    route = _ROUTE.search(name)
    if route is None:
        return name
    head = name[: route.start()]
    spoken = words(head)
    if route[1] is None and not {*spoken[1:]} & {*words(route[0])}:
        return name
    said = noun(spoken[1:]) and any(word in VERBS or word in ACTIONS for word in spoken)
    return head if said else f"{head}_{route[1]}" if route[1] else name


def _is_done(piece: tuple[str, ...]) -> bool:
    """Whether the last part of a name that a method and a path made says what is done there: `post_text_detect`."""
    kind = VERBS.get(piece[0])
    return kind in {"list", "compute"} and piece[0] not in {"list", "count", "test"} and not is_plural(piece[-1])


def last_argument(tool: Tool) -> str | None:
    """The argument that a name made from a path ends with: `delete_groups_id_persons_memberId`."""
    said = words(tool.name)
    ends = [
        one for one in argument_names(tool) if (own := words(one)) and said[-len(own) :] == own and _names_one(own)
    ]
    return max(ends, key=len, default=None)


def _names_one(argument: tuple[str, ...]) -> bool:
    """Whether an argument says by its name that it names a thing."""
    return argument[-1].endswith(ID_ENDINGS if len(argument) == 1 else _KEY_ENDINGS)


_KEY_ENDINGS = (*ID_ENDINGS, *NAME_ENDINGS[:3])

_CUT_OFF = 56
"""Characters of a name from which on it may have been cut: many clients allow 64, with a prefix."""


def _rank(word: str, at: int, last: int, starts: set[int], *, after_thing: bool) -> int:
    if at == 0 or (at in starts and 0 not in starts):
        place = 3 if at in starts else 1
    else:
        place = 2 if at == last else 1 if at in starts else 0
    if word in CLEAR:
        return 7 + place if place else 7 if after_thing else 3
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


def _until_preposition(parts: tuple[str, ...], ends: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The words before a preposition, or before words that run together to one of `ends` (`bypaymentNumber`)."""
    if parts[:2] == ("list", "of"):
        parts = parts[2:]
    stops = (at for at, part in enumerate(parts) if part in PREPOSITIONS or "".join(parts[at:]) in ends)
    return parts[: next(stops, None)]


def _last_segment(about: tuple[str, ...], tool: Tool) -> tuple[str, ...]:
    """`spaces_id_groups_groupId_persons_memberId` is about persons: what is last between the arguments of a path.

    A name that was cut off may end in the beginning of an argument.
    """
    arguments = sorted({found for name in argument_names(tool) if (found := words(name))}, key=len, reverse=True)
    segments: list[tuple[str, ...]] = [()]
    at = 0
    while at < len(about):
        rest = about[at:]
        key = next((one for one in arguments if rest[: len(one)] == one and _names_one(one)), None)
        if key is None and len(segments) > 1 and len(tool.name) >= _CUT_OFF:
            key = rest if any("".join(one).startswith("".join(rest)) for one in arguments) else None
        if key:
            segments.append(())
            at += len(key)
        else:
            segments[-1] += rest[:1]
            at += 1
    named = [one for one in segments if noun(one) not in {"", *EDGES} or one[-1:] == ("lists",)]
    return named[-1] if len(segments) > 1 and named else about


def _without_arguments(about: tuple[str, ...], tool: Tool) -> tuple[str, ...]:
    """`pets_petId` is about pets: names made from paths end with the argument that names the thing."""
    arguments = {flat(name) for name in argument_names(tool)}
    about = _last_segment(about, tool)
    for count in (1, 2, 3):
        rest, end = about[:-count], about[-count:]
        is_key = bool(end) and end[-1].endswith(_KEY_ENDINGS)
        if noun(rest) not in {"", *EDGES} and "".join(end) in arguments and (is_key or is_plural(rest[-1])):
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
