"""What an action leaves behind: `cancel_order` sets the order's status, `archive` a flag, `publish` a time.

The state an action leads to is found among what the resource's own fields allow; its verb is read off the tool's
effect. English only.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from gtm.types import Json
from gtm.world import services
from gtm.world.bound import Bound
from gtm.world.family import is_action
from gtm.world.resource import Resource
from gtm.world.words import ACTIONS, flat, words

_STATES = {
    "start": "running started active on inprogress online",
    "stop": "stopped inactive off terminated paused",
    "cancel": "cancelled canceled",
    "close": "closed done completed resolved inactive",
    "open": "open opened active",
    "reopen": "open reopened opened active inprogress",
    "activate": "active activated enabled",
    "enable": "enabled active on",
    "disable": "disabled inactive off",
    "deactivate": "inactive deactivated disabled",
    "archive": "archived inactive",
    "unarchive": "active unarchived open",
    "publish": "published public live active",
    "unpublish": "unpublished draft private",
    "pause": "paused suspended",
    "suspend": "suspended inactive",
    "unsuspend": "active",
    "resume": "running active resumed inprogress",
    "restart": "running restarted active",
    "reboot": "running rebooting active",
    "restore": "active restored open available",
    "complete": "completed complete done finished closed",
    "finish": "finished completed done closed",
    "resolve": "resolved closed done completed",
    "approve": "approved accepted",
    "accept": "accepted approved",
    "reject": "rejected declined denied",
    "decline": "declined rejected",
    "lock": "locked",
    "unlock": "unlocked open active",
    "block": "blocked",
    "unblock": "unblocked active",
    "submit": "submitted pending",
    "terminate": "terminated stopped",
    "revoke": "revoked inactive",
    "void": "voided void",
    "pay": "paid",
    "buy": "bought sold",
    "send": "sent",
    "leave": "left",
    "deploy": "deployed running active",
    "renew": "active renewed",
    "ship": "shipped",
    "abort": "aborted cancelled canceled",
}
"""Verb -> words for the state it leads to, best first; the past form is tried after them."""

BEGINNINGS = frozenset(
    "new open created active pending draft queued todo backlog available enabled ready running started starting"
    " latest current default unread public live online".split()
)
"""Words for states in which things are right after they were made."""

_OPPOSITES = {
    "enable": "disable",
    "activate": "deactivate",
    "open": "close",
    "reopen": "close",
    "start": "stop",
    "resume": "pause",
    "restore": "archive",
    "suspend": "activate",
}
"""Verbs that undo each other, where no prefix (`un`) tells."""

_STATUS = ("status", "state", "phase", "lifecycle", "stage", "condition")


def action_of(bound: Bound) -> str | None:
    """The verb of a tool that acts on a thing; None for any other tool."""
    effect = bound.effect
    if effect.kind != "update" or bound.labelling is not None:
        return None
    named = re.search(r"action '(\w+)'", effect.reason)
    if named:
        return named[1].lower()
    verb = next((word for word in words(bound.tool.name) if word in ACTIONS or word in _STATES), None)
    says_nothing = len(bound.parameters.properties) <= len(effect.key)
    return verb if is_action(effect) or (effect.reason == "declared" and says_nothing) else None


def outcome_of(verb: str, resource: Resource, value: Mapping[str, Json], now: datetime | None) -> dict[str, Json]:
    """Fields that the action sets: a flag, a status, the time of it where that is known."""
    found: dict[str, Json] = {}
    names = tuple(dict.fromkeys((*resource.fields, *value)))
    wanted = tuple(dict.fromkeys((*_STATES.get(verb, "").split(), *_past(verb))))
    for name in names:
        flag = _flag(name, resource, value, verb, wanted)
        if flag is not None:
            found[name] = flag
        leaf = resource.leaf(name)
        if now is not None and services.is_time(name, leaf) and set(words(name)) & set(_past(verb)):
            found[name] = services.moment(leaf, now)
    status = next(_statuses(names, resource, value, wanted), None)
    if status is not None:
        found[status[0]] = status[1]
    return found


def _statuses(
    names: tuple[str, ...], resource: Resource, value: Mapping[str, Json], wanted: tuple[str, ...]
) -> Iterator[tuple[str, Json]]:
    """Fields that name a state, with the value that fits, the plainest name first."""
    ranked = sorted(
        (name for name in names if _rank(name, resource) < len(_STATUS) * 2), key=lambda n: _rank(n, resource)
    )
    for name in (*ranked, *(other for other in names if other not in ranked)):
        leaf = resource.leaf(name)
        if "enum" in leaf:
            by_flat = {flat(str(member)): member for member in leaf["enum"]}
            found = next((by_flat[word] for word in wanted if word in by_flat), None)
            if found is not None:
                yield name, found
        elif name in ranked and wanted and _takes_text(leaf, value.get(name)):
            yield name, _styled(wanted[0], value.get(name))


def _rank(name: str, resource: Resource) -> int:
    """How plainly a name means the thing's state: `status` before `orderStatus` before what does not."""
    parts = words(name)
    if not parts or parts[-1] not in _STATUS:
        return 2 * len(_STATUS)
    own = len(parts) == 1 or "".join(parts[:-1]) == flat(resource.name.rpartition("/")[2])
    return _STATUS.index(parts[-1]) + (0 if own else len(_STATUS))


def _takes_text(leaf: Mapping[str, Json], current: Json) -> bool:
    kind = leaf.get("type") or ("string" if current is None or isinstance(current, str) else "")
    return kind == "string" and not {"pattern", "const"} & leaf.keys() and not services.is_time("", dict(leaf))


def _styled(word: str, current: Json) -> str:
    """A state in the letters that the thing's state has now."""
    if isinstance(current, str) and len(current) > 1:
        return word.upper() if current.isupper() else word.capitalize() if current[0].isupper() else word
    return word


def _flag(
    name: str, resource: Resource, value: Mapping[str, Json], verb: str, wanted: tuple[str, ...]
) -> bool | None:
    """What a boolean field becomes; None for fields that the action leaves alone."""
    if resource.leaf(name).get("type") != "boolean" and not isinstance(value.get(name), bool):
        return None
    parts = [part for part in words(name) if part not in {"is", "has", "was"}]
    plain = "".join(parts)
    if plain in wanted:
        return True
    undone = {**{b: a for a, b in _OPPOSITES.items()}, **_OPPOSITES}.get(verb, "")
    undone = verb[2:] if verb.startswith("un") else undone
    return False if plain in {*_past(undone), *_STATES.get(undone, "").split()} else None


_IRREGULAR = {
    "pay": "paid",
    "buy": "bought",
    "send": "sent",
    "leave": "left",
    "run": "run",
    "read": "read",
    "reset": "reset",
    "hide": "hidden",
    "withdraw": "withdrawn",
    "undo": "undone",
    "freeze": "frozen",
}


def _past(verb: str) -> tuple[str, ...]:
    """Past forms of a verb, best first."""
    if not verb:
        return ()
    if verb in _IRREGULAR:
        return (_IRREGULAR[verb],)
    if verb.endswith("e"):
        return (f"{verb}d",)
    if verb.endswith("y") and verb[-2:-1] not in set("aeiou"):
        return (f"{verb[:-1]}ied",)
    doubled = f"{verb}{verb[-1]}ed"
    if verb == "cancel":
        return (doubled, f"{verb}ed")
    if verb[-1] not in "wxy" and re.fullmatch(r"[^aeiou]+[aeiou][^aeiou]", verb):
        return (doubled,)
    return (f"{verb}ed", doubled)
