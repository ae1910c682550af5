"""Which recorded errors the recorded state explains; made from the recording alone, without GTM's own world.

An error is *not found* by status 404 or 410 or such words in its code or text, *conflict* by 409, 412 or such words.
What happened so far (successes only, never the future) explains it in one of these ways:

- `deleted`: the last change of the named thing was a successful deletion, of itself or of what it belongs to.
- `never_seen`: the session's start is known (a fresh account, given files), and an identifier among the arguments has
  occurred in no earlier success.
- `never_made`: the same start, and no earlier success wrote or read this kind of thing under a name among the
  arguments (the policy of a bucket that has none).
- `exists`: a call that makes a thing names one that an earlier success made, and that nothing deleted.

Everything else is `unknown`: what existed before the first call, quotas, wrong values, dependants.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Literal

from gtm.types import Json
from replay.identity import names_a_thing, plain, scalars
from replay.records import Recording, Turn

Kind = Literal["not_found", "conflict", "other"]
Verb = Literal["read", "delete", "write"]

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


def error_kind(turn: Turn) -> Kind:
    """What a recorded error says went wrong."""
    if turn.status in (404, 410):
        return "not_found"
    if turn.status in (409, 412):
        return "conflict"
    body = turn.response
    error = body.get("Error") if isinstance(body, dict) else None
    code = str(error.get("Code")) if isinstance(error, dict) else ""
    for text in (code, json.dumps(body)[:2000]):
        if _ABSENT.search(text):
            return "not_found"
        if _TAKEN.search(text):
            return "conflict"
    return "other"


@dataclass(frozen=True, slots=True)
class Action:
    """What a call does, by its name and method: a verb on a noun, with the identifiers among its arguments."""

    verb: Verb
    noun: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    """(argument, its value as text)."""

    @property
    def values(self) -> frozenset[str]:
        return frozenset(value for _, value in self.named)

    @property
    def removes_named(self) -> bool:
        """Whether a deletion's last identifier is the thing itself, not what a part is deleted from."""
        name = plain(self.named[-1][0]) if self.named else ""
        return "".join(self.noun) in name or (len(self.noun) <= 1 and name in ("id", "name", "arn", "key", "path"))


def action(turn: Turn) -> Action:
    """Read a call's verb and noun off its name: `aws:s3:PutBucketPolicy` writes a `bucket policy`."""
    name = re.split(r"[:/]", turn.tool)[-1]
    words = [_singular(word.lower()) for word in _WORDS.findall(name)]
    verbs = [word for word in words if word in _VERBS]
    verb = _VERBS[verbs[0]] if verbs else "write"
    if not verbs or (turn.tool.startswith("rec-") and turn.method in _BY_METHOD):
        verb = _BY_METHOD.get(turn.method, verb)
    noun = tuple(word for word in words if word not in _VERBS and word not in ("a", "the", "to", "from", "for", "by"))
    return Action(verb, noun, tuple(_named(turn.arguments)))


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

    known_start: bool
    _events: list[Action] = field(default_factory=list)
    _seen: str = ""

    @classmethod
    def of(cls, recording: Recording) -> "Ledger":
        """The ledger before the first call."""
        return cls(recording.known_start, _seen="\n".join(recording.files))

    def add(self, turn: Turn) -> None:
        """Note one success."""
        done = action(turn)
        self._events.append(done)
        shown = [turn.arguments, turn.response] if done.verb != "delete" else [turn.arguments]
        self._seen += "\n" + "\n".join(str(value) for _, value in scalars(shown))

    def explain(self, turn: Turn) -> str:
        """How the state so far explains this error, or `unknown`."""
        kind, wanted = error_kind(turn), action(turn)
        if kind == "not_found":
            return self._absent(wanted)
        if kind == "conflict" and wanted.verb == "write" and self._exists(wanted):
            return "exists"
        return "unknown"

    def _absent(self, wanted: Action) -> str:
        for event in reversed(self._events):
            if event.verb == "delete" and event.values and self._covers(event, wanted):
                return "deleted"
            if event.verb == "write" and event.noun == wanted.noun and wanted.values & event.values:
                break
        if not self.known_start:
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

    @staticmethod
    def _covers(deletion: Action, wanted: Action) -> bool:
        """Whether what was deleted is what is wanted now, or holds it."""
        if deletion.noun != wanted.noun and not deletion.removes_named:
            return False
        return all(any(value in other for other in wanted.values) for value in deletion.values)

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
