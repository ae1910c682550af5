"""Which recorded errors the recorded state explains; read off names and recordings alone, without GTM's own world.

An error is *not found* by status 404 or 410 or such words in its code or text, *conflict* by 409 or such words,
*precondition* by 412 or words that tell of something's state or of what still depends on it. What happened so far
(successes only, never the future) explains it in one of these ways:

- `deleted`: the last change of the named thing was a successful deletion, of itself or of what it belongs to.
- `never_seen`: the session's start is known (a fresh account, given files), and an identifier among the arguments has
  occurred in no earlier success.
- `never_made`: the same start, and no earlier success wrote or read this kind of thing under a name among the
  arguments (the policy of a bucket that has none).
- `exists`: a call that makes a thing names one that an earlier success made, and that nothing deleted.
- `state`: a precondition of a thing that earlier successes have shown, in the status that the error names if it
  names one, and that nothing deleted.

Everything else is `unknown`: what existed before the first call, quotas, wrong values.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Literal

from gtm.eval.metrics.values import leaves, names_a_thing, plain
from gtm.eval.records import Item, TrueTurn
from gtm.types import Json, Tool

Kind = Literal["not_found", "conflict", "precondition", "other"]
Verb = Literal["read", "delete", "write"]
Why = Literal["deleted", "never_seen", "never_made", "exists", "state", "unknown"]

_ABSENT = re.compile(
    r"not[ _]?found|no[ _]?such|(does|do|did)(n.t| not) exist|non-?exist|not exist|unable to find|no longer exists"
    r"|(could|can)(n.t| ?not)( be)? (find|found)(?! exact)|enoent|inexistent"
    r"|unknown ?(resource|sender|operation id)|notinuse",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"already[ _]?(exist|owned|in[ _]?use|taken|associated|been)|duplicate|conflict|in[ _]?use(exception|fault)?\b"
    r"|must be unique|(is|been) taken",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"precondition|must be in (one of )?the (following )?stat|current (status|state)|invalid ?state"
    r"|not[ _]?empty|still (has|have|contains|in use)|depend(ency|ent|s on)|has (active|running|children)"
    r"|(cannot|can't|could not) be (deleted|updated|stopped|started)",
    re.IGNORECASE,
)
_READ = "get list describe search find query head check lookup read batchget scan count fetch show view download is"
_DELETE = "delete remove destroy terminate deregister purge batchdelete"
_VERBS: dict[str, Verb] = {
    **dict.fromkeys(_READ.split(), "read"),
    **dict.fromkeys(_DELETE.split(), "delete"),
    **dict.fromkeys(
        "create put add insert update patch set make register post write new modify edit".split(), "write"
    ),
}
_BY_METHOD: dict[str, Verb] = {"GET": "read", "HEAD": "read", "DELETE": "delete"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MAKING = re.compile(r"(create|insert|add|start|run|copy|clone|restore|register|put|post|make|new)\Z")
_OWN_NAMES = ("id", "arn", "name", "key", "path", "uuid", "guid", "selflink", "uri", "slug")
_IDS = ("id", "arn", "guid", "selflink")
_STATUS = re.compile(r"current (?:status|state)\W+(\w+)", re.IGNORECASE)
RECORDED = "rec-"
"""How the ids of tools begin whose names were made up from recorded traffic: there the method says more."""


def error_kind(turn: TrueTurn) -> Kind:
    """What a recorded error says went wrong."""
    if turn.status in (404, 410):
        return "not_found"
    if turn.status in (409, 412):
        return "conflict" if turn.status == 409 else "precondition"
    body = turn.response
    error = body.get("Error") if isinstance(body, dict) else None
    code = str(error.get("Code")) if isinstance(error, dict) else ""
    for text in (code, json.dumps(body)[:2000]):
        if _ABSENT.search(text):
            return "not_found"
        if _TAKEN.search(text):
            return "conflict"
    return "precondition" if _STATE.search(json.dumps(body)[:2000]) else "other"


def is_absent(turn: TrueTurn) -> bool:
    """Whether a turn is an error that says something is not there."""
    return turn.is_error and error_kind(turn) == "not_found"


@dataclass(frozen=True, slots=True)
class Action:
    """What a call does, by its name and method: a verb on a noun, with the identifiers among its arguments."""

    verb: Verb
    word: str
    """The word that says so, where there is one."""
    noun: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    """(argument, its value as text)."""

    @property
    def values(self) -> frozenset[str]:
        """The identifiers."""
        return frozenset(value for _, value in self.named)

    @property
    def makes(self) -> bool:
        """Whether it makes a new thing, by its first word that says what it does, or by having no such word."""
        return self.verb == "write" and bool(_MAKING.match(self.word))

    @property
    def removes_named(self) -> bool:
        """Whether a deletion's last identifier is the thing itself, not what a part is deleted from."""
        name = plain(self.named[-1][0]) if self.named else ""
        return "".join(self.noun) in name or (len(self.noun) <= 1 and name in ("id", "name", "arn", "key", "path"))


def action(tool: Tool, arguments: dict[str, Json]) -> Action:
    """Read a call's verb and noun off its tool's name: `PutBucketPolicy` writes a `bucket policy`."""
    method = tool.http.method.upper() if tool.http else ""
    words = [_singular(word.lower()) for word in _WORDS.findall(tool.name)]
    verbs = [word for word in words if word in _VERBS]
    verb = _VERBS[verbs[0]] if verbs else "write"
    if not verbs or (tool.source.startswith(RECORDED) and method in _BY_METHOD):
        verb = _BY_METHOD.get(method, verb)
    noun = tuple(word for word in words if word not in _VERBS and word not in ("a", "the", "to", "from", "for", "by"))
    word = verbs[0] if verbs else next((word for word in words if _MAKING.match(word)), "")
    return Action(verb, word, noun, tuple(_named(arguments)))


@dataclass(frozen=True, slots=True)
class Names:
    """How an object, or a call's arguments, names a thing of a kind itself, not another thing."""

    ids: tuple[str, ...]
    """Of fields such as `id` and `arn`: no two things share one."""
    names: tuple[str, ...]
    """Of other fields."""

    def __bool__(self) -> bool:
        return bool(self.ids or self.names)


def own_names(noun: tuple[str, ...], holder: Json) -> Names:
    """The identifiers of a thing among the fields of an object."""
    ids: list[str] = []
    names: list[str] = []
    last = noun[-1] if noun else ""
    for name, value in holder.items() if isinstance(holder, dict) else ():
        short = plain(name)
        own = short in _OWN_NAMES or (last and last in short and names_a_thing(name))
        if own and isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            (ids if short.endswith(_IDS) else names).append(str(value))
    return Names(tuple(ids), tuple(names))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _named(arguments: dict[str, Json]) -> list[tuple[str, str]]:
    """Identifiers among the arguments: scalars, or lists of scalars, at the top, in fields that name things."""
    found = []
    for name, value in arguments.items():
        items = value if isinstance(value, list) else [value]
        if names_a_thing(name) or plain(name).endswith(("bucket", "project", "repo", "owner")):
            found += [
                (name, str(item)) for item in items if isinstance(item, str | int) and not isinstance(item, bool)
            ]
    return [(name, text) for name, text in found if text and "token" not in plain(name)]


@dataclass
class Ledger:
    """What the successes of a session so far have shown."""

    fresh: bool
    _events: list[Action] = field(default_factory=list)
    _seen: str = ""

    @classmethod
    def of(cls, item: Item) -> "Ledger":
        """The ledger before the first call."""
        return cls(item.fresh, _seen="\n".join(str(value) for _, value in _shown(item.initial)))

    def add(self, tool: Tool, turn: TrueTurn) -> None:
        """Note one success."""
        done = action(tool, turn.arguments)
        self._events.append(done)
        shown = [turn.arguments, turn.response] if done.verb != "delete" else [turn.arguments]
        self._seen += "\n" + "\n".join(str(value) for _, value in _shown(shown))

    def explain(self, tool: Tool, turn: TrueTurn) -> Why:
        """How the state so far explains this error."""
        kind, wanted = error_kind(turn), action(tool, turn.arguments)
        if kind == "not_found":
            return self._absent(wanted)
        if kind == "conflict" and wanted.verb == "write" and self._exists(wanted):
            return "exists"
        if kind in ("conflict", "precondition") and wanted.verb != "read" and self._alive(wanted):
            status = _STATUS.search(json.dumps(turn.response))
            return "state" if status is None or status[1] in self._seen else "unknown"
        return "unknown"

    def _absent(self, wanted: Action) -> Why:
        for event in reversed(self._events):
            if event.verb == "delete" and event.values and _covers(event, wanted):
                return "deleted"
            if event.verb == "write" and event.noun == wanted.noun and wanted.values & event.values:
                break
        if not self.fresh:
            return "unknown"
        if any(value not in self._seen for value in wanted.values):
            return "never_seen"
        made = any(
            event.verb != "delete"
            and event.noun == wanted.noun
            and (wanted.values & event.values or not wanted.values)
            for event in self._events
        )
        return "unknown" if made else "never_made"

    def _exists(self, wanted: Action) -> bool:
        own = [name for name, _ in wanted.named if "".join(wanted.noun) in plain(name)]
        names = {name: value for name, value in wanted.named if not own or name in own}
        for event in reversed(self._events):
            both = [(value, names[name]) for name, value in event.named if name in names]
            if (
                event.verb != "read"
                and event.noun == wanted.noun
                and both
                and all(one == other for one, other in both)
            ):
                return event.verb == "write"
        return False

    def _alive(self, wanted: Action) -> bool:
        """Whether every thing that the call names was shown by successes, and was not what was deleted last."""
        named = wanted.values
        shown = bool(named) and all(value in self._seen for value in named)
        return shown and not any(event.verb == "delete" and named & event.values for event in self._events)


def _covers(deletion: Action, wanted: Action) -> bool:
    """Whether what was deleted is what is wanted now, or holds it."""
    if deletion.noun != wanted.noun and not deletion.removes_named:
        return False
    return all(any(value in other for other in wanted.values) for value in deletion.values)


def _shown(value: Json) -> list[tuple[str, Json]]:
    """Leaves, and the keys of maps (paths of given files)."""
    found = list(leaves(value))
    return found + [(path, path) for path, _ in found]
