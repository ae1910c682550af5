"""Names taken apart: words, singulars and the verbs that tell what a tool does.

One vocabulary for effects, documents and services, so that `petId`, `pet_id` and `id` inside `Pet` meet.
English only; what it does not know is left as it is.
"""

import re
from functools import lru_cache

VERBS: dict[str, str] = {
    **dict.fromkeys(("create", "add", "new", "insert", "register", "book", "make", "submit", "allocate"), "create"),
    **dict.fromkeys(("issue", "provision", "schedule", "place", "post", "send"), "create"),
    **dict.fromkeys(("get", "read", "fetch", "show", "describe", "retrieve", "view", "lookup", "head"), "read"),
    **dict.fromkeys(("list", "search", "find", "browse", "enumerate", "filter", "query", "scan"), "list"),
    **dict.fromkeys(("update", "edit", "modify", "set", "change", "patch", "replace", "write", "save"), "update"),
    **dict.fromkeys(("put", "upsert", "configure"), "update"),
    **dict.fromkeys(("delete", "remove", "destroy", "drop", "erase", "unregister", "purge"), "delete"),
    **dict.fromkeys(("calculate", "compute", "convert", "translate", "validate", "evaluate", "parse"), "compute"),
    **dict.fromkeys(("predict", "estimate", "summarize", "format", "encode", "decode", "hash", "compare"), "compute"),
    **dict.fromkeys(("check", "verify", "analyze", "detect", "classify", "tokenize", "render", "solve"), "compute"),
}
"""First word of a name -> effect kind."""

ACTIONS = frozenset(
    "accept activate approve archive assign attach authorize block buy cancel cast clear clone close complete confirm"
    " copy deactivate deploy detach disable download enable execute export finish follow grant import invite invoke"
    " join leave like lock login logout mark merge move mute open pause pay ping poll process publish reboot refresh"
    " reject release rename reopen reset resize restart restore resume retry revoke rotate run share sign star"
    " start stop subscribe suspend sync test tag transfer trigger unarchive unassign unblock unfollow unlock"
    " unpublish unstar unsubscribe untag upload verify vote watch".split()
)
"""Verbs that change a thing in a way the name alone does not define: such calls are opaque."""

FILLERS = frozenset(
    "info information detail details data record records entry by all list the a an of for in from with to my"
    " current existing single one many bulk batch item items object objects request api v1 v2 v3 id ids".split()
)
"""Words that do not name a resource."""

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_]+")
_KEEP_S = ("ss", "us", "is", "news", "series", "status", "analytics", "aws", "dns", "sms", "address", "access")


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """`getPetById`, `get_pet-by.id` -> (get, pet, by, id)."""
    return tuple(word.lower() for word in _WORD.findall(name[:256]))


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """`pets` -> `pet`, `companies` -> `company`, `addresses` -> `address`; unknown forms stay."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(_KEEP_S):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def is_plural(word: str) -> bool:
    """Whether a word names several things."""
    return singular(word) != word


@lru_cache(maxsize=65536)
def flat(name: str) -> str:
    """The form in which names are compared: `petId`, `pet_id`, `PetID` -> `petid`."""
    return "".join(words(name))


def noun(parts: tuple[str, ...]) -> str:
    """The resource a run of words names: fillers dropped, last word singular, joined by `_`."""
    kept = [part for part in parts if part not in FILLERS]
    return "_".join([*kept[:-1], singular(kept[-1])]) if kept else ""
