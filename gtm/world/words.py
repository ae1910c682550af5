"""Names taken apart: words, singulars and the verbs that tell what a tool does.

One vocabulary for effects, documents and services, so that `petId`, `pet_id` and `id` inside `Pet` meet.
English only; what it does not know is left as it is.
"""

import json
import re
from functools import lru_cache

_KINDS = {
    "create": "create add new insert register book make submit allocate issue provision schedule place post send"
    " append reserve enroll store enqueue compose draft",
    "read": "get read fetch show describe retrieve view lookup head load obtain inspect display whoami download",
    "list": "list search find browse enumerate filter query scan ls discover",
    "update": "update edit modify set change patch replace write save put upsert configure alter overwrite",
    "delete": "delete remove destroy drop erase unregister purge del deregister discard",
    "compute": "calculate compute convert translate validate evaluate parse predict estimate summarize format encode"
    " decode hash compare check verify analyze analyse detect classify tokenize render solve calc determine is has"
    " preview simulate autocomplete suggest recommend generate test count encrypt decrypt extract identify echo ping",
}
VERBS: dict[str, str] = {verb: kind for kind, verbs in _KINDS.items() for verb in verbs.split()}
"""Verb -> effect kind."""

CLEAR = frozenset(
    "create add insert register get read fetch describe retrieve list search find enumerate update edit modify"
    " set patch put write save replace upsert configure delete remove destroy calculate compute convert"
    " validate unregister".split()
)
"""Verbs that are hardly ever nouns: they count wherever they stand in a name."""

ACTIONS = frozenset(
    "abort accept acknowledge activate adjust answer apply approve archive assign associate attach authorize"
    " block buy cancel cast clear clone close complete confirm copy deactivate decline decrement deploy deposit"
    " deprecate detach disable disassociate disconnect dismiss enable execute export extend failover finish"
    " follow forward grant import increment invite invoke join label launch leave like link lock login logout"
    " mark merge migrate move mute notify open pause pay poll process promote publish reboot rebuild refresh"
    " refund regenerate reject release rename renew reopen reorder reply request rerun resend reset resize"
    " resolve restart restore resume retry revert revoke rollback rotate run share sign skip snooze star start"
    " stop subscribe suspend swap sync tag terminate toggle transfer trigger unarchive unassign unblock"
    " unfollow unlink unlock unmute unpublish unstar unsubscribe unsuspend untag untrash upgrade upload verify"
    " void vote watch withdraw".split()
)
"""Verbs that change a thing in a way the name alone does not define."""

TANGLED = frozenset(
    "adjust clone copy decrement deposit export forward import increment merge migrate move poll rename reply"
    " swap sync transfer upload withdraw".split()
)
"""Actions that touch another thing, a thing's key, or a field by an amount: no state of one thing tells them."""

PREPOSITIONS = frozenset("by for from with in to of on via using at as into within given based".split())

FILLERS = frozenset(
    "by all a an the of for in from with to my current existing single one many bulk async specific specified"
    " given"
    " multiple new your and or v1 v2 v3 id ids partial".split()
)
"""Words that name nothing."""

MOVES = frozenset({"move", "transfer", "reassign"})
"""Verbs that say what a thing belongs to from then on."""

EDGES = frozenset("info information detail details list api batch data tool management".split())
"""Words that name nothing at either end of others (`pet_info`), but alone or among them do."""

_WORD = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_]+")
_KEEP_S = (
    *("ss", "us", "is", "news", "series", "analytics", "aws", "dns", "sms"),
    *("alias", "canvas", "atlas", "bias", "kubernetes", "https"),
)


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """`getPetById`, `get_pet-by.id` -> (get, pet, by, id)."""
    return tuple(word.lower() for word in _WORD.findall(name[:256]))


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """`pets` -> `pet`, `companies` -> `company`, `addresses` -> `address`; unknown forms stay."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(_KEEP_S):
        return word
    if word in {"movies", "cookies", "calories"}:
        return word[:-1]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes", "tuses", "iases", "ruses", "buses")):
        return word[:-2]
    return word[:-1]


def is_plural(word: str) -> bool:
    """Whether a word names several things."""
    return singular(word) != word


@lru_cache(maxsize=65536)
def flat(name: str) -> str:
    """The form in which names are compared: `petId`, `pet_id`, `PetID` -> `petid`."""
    return "".join(words(name))


def noun(parts: tuple[str, ...], keep: frozenset[str] = frozenset()) -> str:
    """The resource a run of words names: words that name nothing dropped, the last singular, joined by `_`.

    What is to `keep` stays at its end although it names nothing there.
    """
    kept = [part for part in parts if part not in FILLERS]
    while kept and (kept[-1].isdigit() or kept[-1] == "v" or (kept[-1] in EDGES - keep and len(kept) > 1)):
        kept.pop()
    while len(kept) > 1 and (kept[0].isdigit() or kept[0] == "v" or kept[0] in EDGES):
        kept.pop(0)
    if not kept:
        return ""
    return "_".join([*kept[:-1], singular(kept[-1])])


def says(text: str, name: str) -> bool:
    """Whether a text, or JSON, holds a name that is not a piece of a longer one: `web-1`, but not in `web-12`."""
    return any(_holds(text, spelling) for spelling in _spellings(name))


@lru_cache(maxsize=256)
def _spellings(name: str) -> tuple[str, ...]:
    """A name as it is, and as JSON writes it where that differs."""
    return tuple(dict.fromkeys(text for text in (name, json.dumps(name, ensure_ascii=False)[1:-1]) if text))


def _holds(text: str, name: str) -> bool:
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        begins = at == 0 or not _goes_on(text[at - 1], name[0]) or text[max(at - 2, 0) : at] in _ESCAPES
        if begins and (end == len(text) or not _goes_on(text[end], name[-1])):
            return True
        at = text.find(name, at + 1)
    return False


_ESCAPES = frozenset({"\\n", "\\t", "\\r"})
"""What stands in JSON for the end of a line or a gap."""


def _goes_on(letter: str, edge: str) -> bool:
    """Whether a letter beside a name's edge makes the word longer; scripts without spaces end where ASCII begins."""
    return letter in "-_" or (letter.isalnum() and letter.isascii() == edge.isascii())
