"""What a session has said so far, as a plain dict, and where its next answer contradicts it.

The oracle sees only calls and answers. What it cannot know from them (fields an action may have changed, a page
behind a cursor) it forgets or leaves alone; everything else it holds the simulator to.
"""

from collections.abc import Mapping

from gtm.eval.oracle.facts import (
    DEFAULT_PAGE,
    HARMLESS,
    KEEPING,
    MORE,
    NUMBERS,
    OPTIONS,
    SECRETS,
    VOLATILE,
    Contradiction,
    Fact,
    Thing,
)
from gtm.eval.oracle.reading import (
    BEGINNINGS,
    CHANGES,
    ON_PAGE,
    PAGING,
    PARAMETER,
    TOTALS,
    Route,
    body_of,
    document_of,
    envelope,
    items_of,
    key_of,
    page_size,
    scalars,
    unwrapped,
)
from gtm.eval.oracle.words import Address, Place, alike, flat, within, words
from gtm.types import Json, Result, canonical


class Oracle:
    """The memory of one session."""

    def __init__(self) -> None:
        self.things: dict[Address, Thing] = {}
        self.step = -1
        self.checks = 0
        """Comparisons with something known, so that silence can be told from ignorance."""
        self.grown = 0
        """Answers of lists let go because a read showed a thing for the first time: worlds are open by default."""
        self._answers: dict[bytes, tuple[Address, str, int]] = {}
        self._dated: set[Address] = set()
        """What callers themselves said the times of."""
        self._found: list[Contradiction] = []
        self._route: Route

    def see(self, route: Route, arguments: Mapping[str, Json], result: Result) -> list[Contradiction]:
        """One step: what it contradicts."""
        self.step += 1
        self._route, self._found = route, []
        address = route.address(arguments)
        self._repeats(address, arguments, result)
        if result.is_error:
            self._refused(address, result)
        else:
            self._answered(address, arguments, result.content)
        if route.writes and not result.is_error:
            self._forget_answers(address)
        return self._found

    def walked(self, route: Route, address: Address, pages: list[Json]) -> list[Contradiction]:
        """All pages of one list, asked for one after the other: together they are the list."""
        self._route, self._found = route, []
        items = [item for page in pages for item in items_of(route, page)]
        keys = [key for item in items if (key := key_of(item, route.keys))]
        if len(set(keys)) < len(keys):
            twice = sorted({key for key in keys if keys.count(key) > 1})
            self._flag("page_repeats_item", address, "each item on one page", f"twice: {twice[:3]}")
        if len(keys) == len(items):
            self._complete(address, set(keys))
        return self._found

    def _flag(self, kind: str, address: Address, expected: str, actual: str) -> None:
        tool = self._route.tool.name
        self._found.append(Contradiction(kind, self.step, tool, address, expected[:300], actual[:300]))

    def _repeats(self, address: Address, arguments: Mapping[str, Json], result: Result) -> None:
        if self._route.writes:
            return
        key = canonical([self._route.tool.name, arguments])
        before = self._answers.setdefault(key, (address, result.text, self.step))
        if before[2] != self.step:
            self.checks += 1
        if before[1] != result.text:
            self._flag("repeat_differs", address, f"as in step {before[2]}: {before[1]}", result.text)
            self._answers[key] = (address, result.text, self.step)

    def _forget_answers(self, address: Address) -> None:
        """A write makes earlier answers on its path, above it and below it, worthless."""
        written = alike(address)
        known = {key: alike(answer[0]) for key, answer in self._answers.items()}
        near = {key for key, at in known.items() if within(at, written) or within(written, at)}
        self._answers = {key: answer for key, answer in self._answers.items() if key not in near}

    def _refused(self, address: Address, result: Result) -> None:
        missing = result.status == 404 or (result.error is not None and result.error.kind == "not_found")
        if not missing or self._route.kind not in ("read", "replace", "merge", "delete"):
            return
        thing = self.things.setdefault(address, Thing(False, f"step {self.step} did not find it"))
        if thing.alive:
            kind = "created_not_found" if thing.made else "vanished"
            self.checks += 1
            self._flag(kind, address, thing.why, result.text)
            thing.alive = False

    def _answered(self, address: Address, arguments: Mapping[str, Json], content: Json) -> None:
        kind = self._route.kind
        if kind == "create":
            self._created(address, arguments, content)
        elif kind in ("replace", "merge"):
            self._updated(address, arguments, content)
        elif kind == "delete":  # to delete what is gone may well succeed
            for known, thing in self.things.items():
                if within(known, address):
                    thing.alive, thing.why = False, f"step {self.step} deleted {'/'.join(address)!r}"
            self.things[address] = Thing(False, f"deleted in step {self.step}")
        elif kind == "read":
            self._must_be_alive(address)
            self._join(address)
            self._show(address, content)
        elif kind == "list":
            self._listed(address, arguments, content)
        elif kind == "act":
            self._acted(address)

    def _acted(self, address: Address) -> None:
        """What an action changes is unknown: the thing it is under, and all below."""
        gone = [known for known in self.things if within(known, address) or known == address[:-1]]
        for known in gone:
            del self.things[known]

    def _must_be_alive(self, address: Address) -> None:
        thing = self.things.get(address)
        above = next((a for n in range(1, len(address)) if (a := self._deleted(address[:n]))), None)
        if thing is not None:
            self.checks += 1
        if thing is not None and not thing.alive:
            self._flag("absent_but_answered", address, f"not found: {thing.why}", "a success")
            del self.things[address]
        elif above is not None:
            self.checks += 1
            self._flag("under_deleted_parent", address, f"not found: {above}", "a success")

    def _join(self, address: Address) -> None:
        """A thing first seen by its key may join a list that did not have it: the list was a window."""
        if address not in self.things:
            grown = [key for key, answer in self._answers.items() if answer[0] == address[:-1]]
            self.grown += len(grown)
            for key in grown:
                del self._answers[key]

    def _deleted(self, address: Address) -> str | None:
        thing = self.things.get(address)
        return thing.why if thing is not None and not thing.alive and "delet" in thing.why else None

    def _created(self, address: Address, arguments: Mapping[str, Json], content: Json) -> None:
        route = self._route
        place, document = document_of(content, route)
        given = key_of(body_of(route, arguments), route.keys)
        key = key_of(document, route.keys) or given
        if key is None:
            return
        item = (*address, key)
        known = self.things.get(item)
        if known is not None and known.alive and key != given:
            self._flag("key_reused", item, f"a new key; {known.why}", f"key {key!r} again")
        self.things[item] = Thing(True, f"created in step {self.step}", made=key != given)
        self._comes_with(item)
        self._note_sent(item, arguments, place)
        self._show(item, content)

    def _updated(self, address: Address, arguments: Mapping[str, Json], content: Json) -> None:
        route = self._route
        known = self.things.get(address)
        if route.kind == "merge" and route.template[-1] == PARAMETER:
            self._must_be_alive(address)
        kept = known.facts if known is not None and known.alive else {}
        if route.kind == "merge":
            facts = {place: fact for place, fact in kept.items() if not words(place[-1]) & VOLATILE}
        else:
            writable = {place[-1] for place, _ in scalars(body_of(route, arguments))} | {*route.input.properties(())}
            facts = {p: f for p, f in kept.items() if p[-1] not in writable and flat(p[-1]) in BEGINNINGS}
        made = known is not None and known.alive and known.made
        if known is None or not known.alive:
            self._comes_with(address)
        self.things[address] = Thing(True, f"written in step {self.step}", made, facts)
        names = tuple(name for name in route.keys if name not in NUMBERS)
        if key_of(body_of(route, arguments), names) not in (None, address[-1]):
            # It is called otherwise now, and what is in it is found elsewhere.
            self.things = {known: thing for known, thing in self.things.items() if not within(known, address)}
            return
        place, _ = document_of(content, route, address[-1])
        self._note_sent(address, arguments, place)
        self._parts_change(address, arguments)
        self._show(address, content)

    def _parts_change(self, address: Address, arguments: Mapping[str, Json]) -> None:
        """A part with a path of its own (`/ships/{symbol}/nav`) may be a field of its thing that it changes."""
        whole = self.things.get(address[:-1])
        if whole is not None and self._route.template[-1] != PARAMETER:
            part = flat(address[-1])
            whole.facts = {at: fact for at, fact in whole.facts.items() if not flat(at[0]).endswith(part)}
        fields = {flat(at[0]) for at, _ in scalars(body_of(self._route, arguments))}
        for known, thing in self.things.items():
            if known[:-1] == address and any(field.endswith(flat(known[-1])) for field in fields):
                thing.facts = {}

    def _comes_with(self, address: Address) -> None:
        """A new thing may come with things inside of it: those that were not found before it was there may be now."""
        unseen = [a for a, t in self.things.items() if within(a, address) and "did not find" in t.why]
        self.things = {known: thing for known, thing in self.things.items() if known not in unseen}

    def _note_sent(self, address: Address, arguments: Mapping[str, Json], place: Place) -> None:
        sent = body_of(self._route, arguments)
        wrapper = next((n for n, v in sent.items() if isinstance(v, dict) and place[-1:] == (n,)), None)
        inside, sent = unwrapped(sent, self._route, place) if wrapper is None else ((wrapper,), sent[wrapper])
        thing = self.things[address]
        # An argument may set a field of a slightly other name, or all that is inside it; what it holds may be shown
        # without it.
        touched = {flat(name) for name in sent} | {flat(at[-1]) for at, _ in scalars(sent)}
        if touched & (BEGINNINGS | CHANGES):
            self._dated.add(address)
        thing.facts = {p: f for p, f in thing.facts.items() if not touched & {flat(p[0]), flat(p[-1])}}
        for at, value in scalars(sent):
            if value is not None and flat(str(value)) not in KEEPING and not _unsendable((*inside, *at), self._route):
                thing.facts[at] = Fact(value, "sent", self.step)

    def _show(self, address: Address, content: Json, *, prefix: Place = ()) -> None:
        """A document as an answer shows it, beside all that is known of the thing."""
        route = self._route
        place, document = document_of(content, route, address[-1])
        thing = self.things.setdefault(address, Thing(True, f"shown in step {self.step}"))
        at = (*prefix, *place)
        if isinstance(document, dict) and route.kind != "list":
            self._own_key(address, document, at)
            self._missing(address, thing, document, at)
        shown = dict(scalars(document))
        for name, value in shown.items():
            fact = thing.facts.get(name)
            if fact is not None:
                self.checks += 1
                if canonical(fact.value) == canonical(value):
                    continue
                if _showable(route, (*at, *name), fact):
                    kind = "sent_field_differs" if fact.said == "sent" else "shown_field_differs"
                    what = f"{'.'.join(name)} = {fact.value!r} ({fact.said}, step {fact.step})"
                    self._flag(kind, address, what, f"{value!r}")
            if not words(name[-1]) & SECRETS:
                thing.facts[name] = Fact(value, route.tool.name, self.step)
        self._times(address, shown)

    def _own_key(self, address: Address, document: dict[str, Json], at: Place) -> None:
        """What was asked for by a key shows that key; a path that ends in a word (`/tracks`) asks by none."""
        fields = {flat(name): name for name in document} if self._route.template[-1] == PARAMETER else {}
        name = next((fields[key] for key in self._route.keys if key in fields), None)
        value = document.get(name or "")
        same = {address[-1], address[-1].removesuffix(".0")}
        if name is None or not isinstance(value, str | int) or str(value) in same:
            return
        asked = int(address[-1]) if isinstance(value, int) and address[-1].isdecimal() else address[-1]
        if self._route.output.allows((*at, name), asked):
            self._flag("other_key", address, f"{name} = {address[-1]!r}, as asked", repr(value))

    def _missing(self, address: Address, thing: Thing, document: dict[str, Json], at: Place) -> None:
        if self._route.kind != "read":
            return
        shown = {name for name, _ in scalars(document)}
        for name, fact in list(thing.facts.items()):
            sure = self._route.output.is_sure((*at, *name))
            declared = self._route.output.at((*at, *name)) if sure else None
            if fact.said != "sent" or declared is None or any(name[:n] in shown for n in range(1, len(name) + 1)):
                continue  # it is shown, or what it is in is a mere id
            if declared.get("writeOnly") or not _showable(self._route, (*at, *name), fact):
                continue
            self._flag("sent_field_missing", address, f"{'.'.join(name)} = {fact.value!r} (sent)", "no such field")
            del thing.facts[name]

    def _times(self, address: Address, shown: Mapping[Place, Json]) -> None:
        by_name = {flat(place[-1]): v for place, v in shown.items() if len(place) == 1 and isinstance(v, str)}
        first = next((v for n, v in by_name.items() if n in BEGINNINGS and v[4:5] == "-" and len(v) > 18), None)
        last = next((v for n, v in by_name.items() if n in CHANGES and v[4:5] == "-" and len(v) > 18), None)
        if first is None or last is None or address in self._dated:
            return
        self.checks += 1
        if first[:19] > last[:19]:
            self._flag("changed_before_created", address, f"created {first} <= changed", f"changed {last}")

    def _listed(self, address: Address, arguments: Mapping[str, Json], content: Json) -> None:
        route = self._route
        items = items_of(route, content)
        parent = next((a for n in range(1, len(address)) if (a := self._deleted(address[:n]))), None)
        if parent is not None and items:
            self._flag("under_deleted_parent", address, f"nothing: {parent}", f"{len(items)} items")
        keys = [key for item in items if (key := key_of(item, route.keys)) is not None]
        if len(set(keys)) < len(keys):
            self._flag("list_repeats_item", address, "each item once", f"keys {keys}")
            items = []
        prefix = (*(route.items or ()), "*")
        for item in items:
            key = key_of(item, route.keys)
            if key is not None:
                self._item((*address, key), item, prefix)
        given = {flat(name) for name in arguments if name not in route.arguments}
        unfiltered = not given - HARMLESS
        if unfiltered:
            self._totals(address, content, len(items))
        if unfiltered and not self._may_go_on(content, len(items)) and len(keys) == len(items):
            self._complete(address, set(keys))

    def _item(self, item: Address, shown: Json, prefix: Place) -> None:
        thing = self.things.get(item)
        if thing is not None and not thing.alive:
            self._flag("deleted_in_list", item, f"not in the list: {thing.why}", "listed")
            del self.things[item]
        elif thing is None:
            self._elsewhere(item)
        self._show(item, shown, prefix=prefix)

    def _elsewhere(self, item: Address) -> None:
        """A thing made under one parent, by a key of the server's choice, is no other parent's."""
        template = self._route.template
        for known, thing in self.things.items():
            same = len(known) == len(item) and known[-1] == item[-1] and thing.made and thing.alive
            if same and all(a == b or s == "{}" for a, b, s in zip(known, item, template, strict=False)):
                self._flag("under_another_parent", item, f"only at {'/'.join(known)!r}", "listed here")

    def _complete(self, address: Address, keys: set[str]) -> None:
        """All that a list has, beside all that is known to be in it."""
        for known, thing in self.things.items():
            if known[:-1] == address and thing.made and thing.alive:
                self.checks += 1
                if known[-1] not in keys:
                    self._flag("made_not_listed", known, thing.why, f"list has {sorted(keys)[:8]}")

    def _totals(self, address: Address, content: Json, count: int) -> None:
        pages, size = page_size(self._route)
        for name, value in envelope(content):
            if flat(name) in TOTALS | ON_PAGE and type(value) is int:
                self.checks += 1
                cut = flat(name) in TOTALS and pages and (size is None or count >= size)
                if value < count or (value > count and not cut):
                    self._flag("total_differs", address, f"{name} = {count}, the items shown", str(value))

    def _may_go_on(self, content: Json, count: int) -> bool:
        """Whether a list may have further pages."""
        for name, value in envelope(content):
            if words(name) & MORE and value not in (None, "", False, 0):
                return True
            if flat(name) in TOTALS and type(value) is int and value > count:
                return True
        pages, size = page_size(self._route)
        most = (self._route.output.at(self._route.items or ()) or {}).get("maxItems")
        return (pages and count >= (size or DEFAULT_PAGE)) or (isinstance(most, int) and count >= most)


def _unsendable(place: Place, route: Route) -> bool:
    """A sent field that need not come back: undeclared, secret, a key, what steers the call, what the server sets."""
    schema = route.input.at(place) or route.input.at(("body", *place))
    if schema is None:
        return True
    name, said = place[-1], str(schema.get("description")).lower().replace("-", " ")
    hidden = schema.get("readOnly") or schema.get("writeOnly") or words(name) & OPTIONS
    hidden = hidden or any(words(step) & SECRETS for step in place)
    # What the path says of the thing, the body cannot say otherwise; `title` beside `{group_title}` is the same.
    on_path = {flat(argument) for argument in route.arguments}
    fixed = flat(name) in on_path or route.owner + flat(name) in on_path
    return bool(hidden) or "read only" in said or fixed or flat(name) in (*route.keys, "id", *PAGING)


def _showable(route: Route, place: Place, fact: Fact) -> bool:
    """Whether this tool's own schema lets it show a fact (an enum or a type may forbid it)."""
    schema = route.output.at(place)
    if fact.said == "sent" and schema is not None and schema.get("readOnly"):
        return False
    return route.output.allows(place, fact.value)
