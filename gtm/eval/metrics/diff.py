"""Diff IoU: is what a session's calls changed what its later reads show, and nothing else?

For every recorded read or list after the session's first writing call, the candidate answers the same call with the
true history before it. A *thing* is what an earlier call made, named or showed, known by the identifiers of its own
among the call's arguments and in its answer. G is made of what the recorded answers show, whatever any effect rule
would infer:

- of a thing made in the session every field, as (read, thing, field, value); of a thing that was there before, the
  fields whose value a writing call gave or that differ from when it was last shown;
- of a thing that a call deleted, that it is gone: its own read fails, or a list of its kind, or one that showed it
  before, does not show it.

Left out are run-time values (ids, times, tokens) that nothing before has shown. P is the same of the candidate's
answers to the same reads: another value at a place of G is one fact too many and one missed; fields that the truth
does not have, and items of lists that are such a thing, or that cannot exist because all that did is known, are too
many. The value is |P∩G| / |P∪G| over the whole session. A session that shows no change but deletions has none: an
answer that says nothing would be right there (whether deleted things are missed is asked by the suite `errors` too).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gtm.eval.labels import Action, Names, action, is_absent, own_names
from gtm.eval.metrics.align import At, Extra, Pair, align
from gtm.eval.metrics.known import Known
from gtm.eval.metrics.masks import is_redacted, mask_of
from gtm.eval.metrics.response import said
from gtm.eval.metrics.values import MISSING, content_of, json_type, leaves, same, scalar_text
from gtm.eval.records import Answer, Item, TrueTurn
from gtm.types import Json, Tool, canonical


@dataclass(slots=True)
class Facts:
    """How many facts truth and answers share, and how many each has."""

    shared: int = 0
    true: int = 0
    given: int = 0
    gone: int = 0
    """Of the true ones, deletions."""

    @property
    def iou(self) -> float | None:
        """Intersection over union; None where no change is shown but deletions, which silence would get right."""
        return self.shared / (self.true + self.given - self.shared) if self.true > self.gone else None

    def add(self, *, equal: bool, given: bool) -> None:
        """Count one fact of the truth, and whether the answer has it, or another in its place."""
        self.true += 1
        self.shared += equal
        self.given += equal or given


@dataclass(eq=False, slots=True)
class _Thing:
    """What a call made, named or showed."""

    noun: tuple[str, ...]
    made: bool
    gone: bool = False
    ids: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    """Values that writing calls gave it."""
    shown: dict[At, Json] = field(default_factory=dict)
    """Its fields when last shown."""
    shown_by: set[str] = field(default_factory=set)
    """Tools whose answers showed it."""


def session_facts(item: Item, tools: Mapping[str, Tool], answers: Mapping[int, Answer]) -> Facts:
    """Compare a session's later reads with a candidate's answers (step -> answer) to the same calls."""
    trace, facts = _Trace(item), Facts()
    for step, turn in enumerate(item.turns):
        done = action(tools[turn.tool], turn.arguments)
        if done.verb == "read" and trace.wrote and step in answers:
            trace.compare(turn, done, said(answers[step]), facts)
        trace.add(turn, done)
    return facts


class _Trace:
    """What the true turns so far have made, named, shown and deleted."""

    def __init__(self, item: Item) -> None:
        self.wrote = False
        """Whether a call of the session has written anything."""
        self._things: list[_Thing] = []
        self._fresh = item.fresh
        self._known = Known()
        self._known.add(item.initial)
        self._by_name: dict[str, _Thing] = {}
        self._reads: set[bytes] = set()
        """Calls whose answer is known, but for later changes."""

    def add(self, turn: TrueTurn, done: Action) -> None:
        """Take in a true turn."""
        if not turn.is_error:
            if done.verb == "read":
                self._read(turn, done)
            else:
                self._write(turn, done)
        self._known.add(turn.arguments)
        self._known.add(turn.response)

    def compare(self, turn: TrueTurn, done: Action, given: Json, facts: Facts) -> None:
        """Count the facts of a true read and of the answer to it."""
        by_argument = self._thing(own_names(done.noun, turn.arguments))
        if turn.is_error:
            if by_argument is not None and by_argument.gone and is_absent(turn):
                facts.add(equal=given is MISSING, given=False)
                facts.gone += 1
                facts.given += _count(given)
            return
        true = content_of(turn.response)
        aligned = align(true, given)
        owners = self._owners(true, done, by_argument)
        for pair in aligned.pairs:
            if self._changed(pair, _owner(owners, pair.at)):
                equal = same(pair.true, pair.answer)
                facts.add(equal=equal, given=pair.answer is not MISSING and json_type(pair.answer) != "null")
        known = self._fresh or canonical([turn.tool, turn.arguments]) in self._reads
        for extra in aligned.extra:
            if self._invented(extra, owners, done, known):
                facts.given += _count(extra.value)
        if aligned.lengths and by_argument is None:
            self._deletions(turn, done, (true, given), facts)

    def _deletions(self, turn: TrueTurn, done: Action, both: tuple[Json, Json], facts: Facts) -> None:
        """Of a list: the things that are gone and that it does not show."""
        true, given = ({id(thing) for thing in self._shown(value, done)} for value in both)
        for thing in self._things:
            if thing.gone and id(thing) not in true and (thing.noun == done.noun or turn.tool in thing.shown_by):
                facts.add(equal=both[1] is not MISSING and id(thing) not in given, given=False)
                facts.gone += 1

    def _changed(self, pair: Pair, owner: "tuple[At, _Thing] | None") -> bool:
        """Whether a true leaf is a fact that the session brought about, and that could be known."""
        if owner is None or owner[1].gone or pair.true is None or isinstance(pair.true, dict | list):
            return False
        at, thing = owner
        if is_redacted(pair.true) or (mask_of(pair.path, pair.true) and not self._known.has(pair.path, pair.true)):
            return False
        if thing.made:
            return True
        before = thing.shown.get(pair.at[len(at) :], MISSING)
        return not same(before, pair.true) and (before is not MISSING or scalar_text(pair.true) in thing.given)

    def _invented(self, extra: Extra, owners: "dict[At, _Thing]", done: Action, known: bool) -> bool:
        owner = _owner(owners, extra.at)
        if not extra.is_item:
            return owner is not None and owner[1].made
        if owner is not None and owner[1].made:
            return True
        return known or self._thing(own_names(done.noun, extra.value)) is not None

    def _read(self, turn: TrueTurn, done: Action) -> None:
        self._reads.add(canonical([turn.tool, turn.arguments]))
        content = content_of(turn.response)
        by_argument = self._thing(own_names(done.noun, turn.arguments))
        owners = self._owners(content, done, by_argument)
        for at, names in _outermost(content, done.noun):
            if _owner(owners, at) is None:
                owners[at] = self._new(done, names, made=False)
        for pair in align(content, MISSING).pairs:
            owner = _owner(owners, pair.at)
            if owner is not None:
                at, thing = owner
                thing.shown[pair.at[len(at) :]] = pair.true
                thing.shown_by.add(turn.tool)

    def _write(self, turn: TrueTurn, done: Action) -> None:
        self.wrote = True
        asked = own_names(done.noun, turn.arguments)
        answered = [] if done.verb == "delete" else _outermost(content_of(turn.response), done.noun)
        if len(answered) == 1:
            (_, only), answered = answered[0], []
            asked = Names((*only.ids, *asked.ids), (*only.names, *asked.names))
        for names in [asked, *(names for _, names in answered)]:
            if names:
                self._written(turn, done, names)

    def _written(self, turn: TrueTurn, done: Action, names: Names) -> None:
        if done.makes and (new := tuple(text for text in names.ids if text not in self._by_name)):
            names = Names(new, names.names)
        thing = self._thing(names)
        if thing is None or (done.makes and thing.gone):
            thing = self._new(done, names, made=done.makes)
        thing.gone = done.verb == "delete"
        thing.ids.update(names.ids)
        thing.given.update(scalar_text(value) for _, value in leaves(turn.arguments))
        self._by_name.update(dict.fromkeys((*names.ids, *names.names), thing))

    def _new(self, done: Action, names: Names, *, made: bool) -> _Thing:
        thing = _Thing(done.noun, made, ids=set(names.ids))
        self._things.append(thing)
        self._by_name.update(dict.fromkeys((*names.ids, *names.names), thing))
        return thing

    def _thing(self, names: Names) -> _Thing | None:
        """The thing that has such an identifier; by a name only where no id says that it is another."""
        by_id = next((self._by_name[text] for text in names.ids if text in self._by_name), None)
        if by_id is not None:
            return by_id
        found = next((self._by_name[text] for text in names.names if text in self._by_name), None)
        return None if found is None or (found.ids and names.ids) else found

    def _owners(self, content: Json, done: Action, by_argument: _Thing | None) -> "dict[At, _Thing]":
        """The objects of an answer that are things."""
        owners: dict[At, _Thing] = {} if by_argument is None else {(): by_argument}
        for at, holder in _objects(content):
            thing = self._thing(own_names(done.noun, holder))
            if thing is not None:
                owners[at] = thing
        return owners

    def _shown(self, content: Json, done: Action) -> list[_Thing]:
        return list(self._owners(content, done, None).values())


def _owner(owners: "dict[At, _Thing]", at: At) -> "tuple[At, _Thing] | None":
    """The innermost thing that a place is in."""
    for length in range(len(at), -1, -1):
        if at[:length] in owners:
            return at[:length], owners[at[:length]]
    return None


def _objects(value: Json, at: At = ()) -> Iterator[tuple[At, dict[str, Json]]]:
    if isinstance(value, dict):
        yield at, value
        for key, item in value.items():
            yield from _objects(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects(item, (*at, index))


def _outermost(value: Json, noun: tuple[str, ...]) -> list[tuple[At, Names]]:
    """The objects that name themselves and are inside none that does."""
    found: list[tuple[At, Names]] = []
    for at, holder in _objects(value):
        if (names := own_names(noun, holder)) and not any(at[: len(outer)] == outer for outer, _ in found):
            found.append((at, names))
    return found


def _count(value: Json) -> int:
    """Facts of something that should not be there."""
    return 0 if value is MISSING else max(1, sum(1 for _ in leaves(value)))
