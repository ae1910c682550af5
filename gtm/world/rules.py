"""Declared rules at work: what a call requires, what it sets, here and elsewhere, and what it says of it.

Laid over a plan (`gtm.world.plan`) before anything is generated: a requirement that does not hold refuses the call,
what is set becomes a known part of the answer and of the stored document, other things change in the same
transaction. Everything is decided by the world as it was; the answer's own fields (`emit`) see it as it will be.

A field that a rule reads and that was never shown starts at nothing (0, false, an empty list, as its schema has it)
and is pinned by the call that asked, refused or not: no later read can say otherwise. Without a type in any schema
the call is refused.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gtm.errors import ConfigError, ExpressionError
from gtm.tools.shape import escape
from gtm.types import Json, Source
from gtm.world.bound import STORED, Bound
from gtm.world.declared import Compiled, Demand, Other, check_against, compile_rules
from gtm.world.expressions import Expression
from gtm.world.lineage import enter, find
from gtm.world.model import WorldModel
from gtm.world.outcome import Moment, Plan, Refusal
from gtm.world.plan import make_plan
from gtm.world.resource import Resource
from gtm.world.state import Change, Delete, Document, Place, Put, State, all_sent, key_text
from gtm.world.tree import UNKNOWN
from gtm.world.versions import past_changes, pasts

MAX_WORLD = 10_000
"""Things of one resource that an expression may look at."""

COMPLETE = "complete:"
"""Mark of a resource whose things were all given: nothing of it is imagined."""

Path = tuple[str, ...]


class RuledWorld:
    """Plans calls under the rules of a world's tools. Raises ConfigError where a rule does not fit them."""

    def __init__(self, model: WorldModel) -> None:
        check_against(model)
        self.model = model
        self._pasts = pasts(model.effects, model.toolset.tools)
        self._compiled = {name: compile_rules(e) for name, e in model.effects.items() if e.declares}
        for tool in model.toolset.tools:
            compiled = self._compiled.get(tool.name)
            if compiled is not None and compiled.set and model.bind(tool).batch is not None:
                where = f"tools.{tool.name}.effect.set"
                raise ConfigError(f"{where}: the tool makes several things at once; use 'writes'")

    def plan(self, bound: Bound, arguments: Mapping[str, Json], moment: Moment) -> Plan:
        """The plan of one call whose arguments were checked."""
        above = bound.thing.ancestors if bound.thing is not None else ()
        if any(_is_complete(moment.state, one.name) for one in above if one is not None):
            refusal = enter(bound, arguments, replace(moment, mode="closed")).refusal
            if refusal is not None:
                return Plan(refusal=refusal)
        moment = replace(moment, mode="closed") if _is_complete(moment.state, bound.effect.resource) else moment
        plan = make_plan(bound, arguments, moment)
        compiled = self._compiled.get(bound.tool.name)
        if plan.refusal is not None:
            return plan
        if compiled is not None:
            plan = _Run(self.model, bound, compiled, arguments, moment, plan).ruled()
        settle = plan.settle

        def settled(content: Json) -> tuple[Change, ...]:
            changes = self._versions(bound, settle(content), moment.state)
            return self.model.mirrors.changes(changes, moment.state)

        return replace(plan, settle=settled)

    def _versions(self, bound: Bound, changes: tuple[Change, ...], state: State) -> tuple[Change, ...]:
        past = self._pasts.get(bound.effect.resource or "") if bound.stored else None
        kept = self.model.resource(past.resource) if past is not None else None
        return past_changes(past, kept, bound, changes, state)


def _is_complete(state: State, resource: str | None) -> bool:
    return resource is not None and bool(state.marks.get(COMPLETE + resource))


class _Refused(Exception):
    def __init__(self, kind: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.refusal = Refusal(kind, message, status)


@dataclass(slots=True)
class _Thing:
    """A document that the call may change."""

    place: Place
    key: Json
    before: dict[str, Json]
    resource: Resource
    pinned: dict[Path, Json] = field(default_factory=dict)
    """Fields that were never shown, as the rules found them."""
    fields: dict[Path, Json] = field(default_factory=dict)
    """Fields as the rules set them."""

    @property
    def changes(self) -> dict[Path, Json]:
        return {**self.pinned, **self.fields}

    @property
    def value(self) -> dict[str, Json]:
        return _with(self.before, self.changes)

    def put(self, fields: Mapping[Path, Json]) -> Put:
        return Put(self.place, self.key, _with(self.before, fields), "imagined", _told(fields))


class _Run:
    """One call under its rules."""

    def __init__(
        self,
        model: WorldModel,
        bound: Bound,
        compiled: Compiled,
        arguments: Mapping[str, Json],
        moment: Moment,
        plan: Plan,
    ) -> None:
        self.model, self.bound, self.compiled, self.moment, self.plan = model, bound, compiled, moment, plan
        declared = {name: leaf["default"] for name, leaf in bound.parameters.properties.items()
                    if isinstance(leaf, dict) and "default" in leaf}  # fmt: skip
        self.args = {**declared, **arguments}
        self.things: dict[tuple[str, str], _Thing] = {}
        self.own: _Thing | None = None
        self.first: Put | Delete | None = None

    def ruled(self) -> Plan:
        """The plan with the rules over it."""
        try:
            self._find_own()
            self._demand(self.compiled.require, self.own)
            if self.own is not None:
                self._assign(self.own, self.compiled.set)
            for other in self.compiled.writes:
                self._write(other)
            for _, expression in self.compiled.emit:
                self._pin(expression, self.own)
            known, sources = self._answer()
        except _Refused as refused:
            return Plan(refusal=refused.refusal, settle=self._pins)
        except ExpressionError as error:
            return Plan(refusal=Refusal("precondition", str(error)), settle=self._pins)
        return replace(self.plan, known=known, sources=sources, settle=self._settle)

    def _find_own(self) -> None:
        """The thing that the call is about, as the plan itself would store it."""
        effect = self.bound.effect
        if effect.kind not in STORED or effect.kind == "list" or effect.resource is None:
            return
        changes = self.plan.settle({} if self.plan.known is UNKNOWN else self.plan.known)
        own = [c for c in changes if isinstance(c, Put | Delete) and c.place.resource == effect.resource]
        if own:
            # What it refers to comes before it, what was inside of it after.
            self.first = own[0] if isinstance(own[0], Delete) else own[-1]
            self.own = self._thing(self.first.place, self.first.key)
        elif self.plan.context:
            # A read that teaches the world nothing: its document is the one that the plan shows the model.
            found = [(p, d) for p, d in _documents(self.moment.state) if d.value is self.plan.context[0]]
            self.own = self._thing(found[0][0], found[0][1].key) if found else None

    def _thing(self, place: Place, key: Json) -> _Thing:
        at = (place.id, key_text(key))
        if at not in self.things:
            document = self.moment.state.get(place, key)
            resource = self.model.resource(place.resource)
            value = dict(document.value) if document else {resource.key: key} if resource.key else {}
            self.things[at] = _Thing(place, document.key if document else key, value, resource)
        return self.things[at]

    def _demand(self, demands: Sequence[Demand], thing: _Thing | None) -> None:
        for demand in demands:
            if self._evaluate(demand.that, thing) is not True:
                message = demand.error or f"this needs {demand.that.text}"
                raise _Refused(demand.kind, message, demand.status)

    def _assign(self, thing: _Thing, assignments: Sequence[tuple[Path, Expression]]) -> None:
        values = [(path, self._evaluate(expression, thing)) for path, expression in assignments]
        thing.fields.update({path: _fitting(thing.resource, path, value) for path, value in values})

    def _write(self, other: Other) -> None:
        resource = self.model.resource(other.resource)
        parents = tuple(key_text(self._evaluate(parent, self.own)) for parent in other.parents)
        if not parents and self.own is not None and len(resource.ancestors) <= len(self.own.place.parents):
            parents = self.own.place.parents[: len(resource.ancestors)]
        place, key = Place(other.resource, parents), self._evaluate(other.key, self.own)
        if not isinstance(key, str | int | float) or isinstance(key, bool):
            raise _Refused("precondition", f"the expression {other.key.text!r} gives no key of a {resource.label}")
        state = self.moment.state
        document = find(resource, state, place, key)
        known = document is not None or (place.id, key_text(key)) in self.things
        if not known and (state.is_deleted(place, key) or self._is_absent(resource)):
            raise _Refused("not_found", f"{resource.label} {key!r} was not found")
        thing = self._thing(place, document.key if document else key)
        self._demand(other.require, thing)
        self._assign(thing, other.set)

    def _is_absent(self, resource: Resource) -> bool:
        closed = self.moment.mode == "closed" or _is_complete(self.moment.state, resource.name)
        return closed or (self.moment.mode == "auto" and resource.caller_keys)

    def _evaluate(self, expression: Expression, thing: _Thing | None) -> Json:
        """Its value in the world as it was."""
        self._pin(expression, thing)
        state = thing.value if thing is not None else {}
        return expression.evaluate(self._values(expression, state, self.moment.state))

    def _pin(self, expression: Expression, thing: _Thing | None) -> None:
        """Let fields that nobody has seen start at nothing."""
        if thing is None or (thing is self.own and self.bound.effect.kind == "create"):
            return
        for variable, name in sorted(expression.fields):
            if variable == "state" and name not in thing.value:
                start = _start(thing.resource.leaf(name))
                if start is not None:
                    thing.pinned[(name,)] = start

    def _values(self, expression: Expression, state: Json, world: State) -> dict[str, Json]:
        values: dict[str, Json] = {"args": self.args}
        if "state" in expression.names:
            values["state"] = state
        if "world" in expression.names:
            values["world"] = self._world(world)
        return values

    def _world(self, state: State) -> dict[str, Json]:
        """Known things by resource, in the order they became known."""
        names = {e.resource for e in self.model.effects.values() if e.kind in STORED and e.resource}
        found: dict[str, list[Json]] = {name: [] for name in sorted(names)}
        for place, document in _documents(state):
            if place.resource in found:
                found[place.resource].append(document.value)
        for name, documents in found.items():
            if len(documents) > MAX_WORLD:
                raise ExpressionError(f"an expression sees at most {MAX_WORLD} of {name!r}; there are more")
        return found

    def _answer(self) -> tuple[Json, dict[str, Source]]:
        """The known part with what was set and what is emitted."""
        known, sources = self.plan.known, dict(self.plan.sources)
        path = self.bound.document
        if self.own is not None and path is not None and "*" not in path and isinstance(known, dict):
            view = self.bound.view
            for name, value in self.own.changes.items():
                if view is None or not view.properties or name[0] in view.properties:
                    known = _put(known, (*path, *name), value)
                    _mark(sources, (*path, *name))
        state, world = self._after()
        for name, expression in self.compiled.emit:
            value = expression.evaluate(self._values(expression, state, world))
            known = _put({} if known is UNKNOWN else known, name, value)
            _mark(sources, name)
        return known, sources

    def _after(self) -> tuple[Json, State]:
        """The own document and the world as they will be, as far as they are known before the answer is written."""
        changes: list[Change] = [thing.put(thing.changes) for thing in self.things.values() if thing is not self.own]
        state: Json = self.own.value if self.own is not None else {}
        if isinstance(self.first, Put) and self.own is not None:
            state = _with(self.first.value, self.own.changes)
            changes.append(replace(self.first, value=state))
        elif self.first is not None:
            changes.append(self.first)
        return state, self.moment.state.apply(changes)

    def _settle(self, content: Json) -> tuple[Change, ...]:
        """The plan's changes with the rules' in them, and those of other things: one transaction."""
        changes: list[Change] = []
        done = False
        for change in self.plan.settle(content):
            if not done and self.first is not None and _same(change, self.first):
                done = True
                change = self._stored(change) if isinstance(change, Put) else change
            changes.append(change)
        rest = [t for t in self.things.values() if t.changes and not (done and t is self.own)]
        return (*changes, *(thing.put(thing.changes) for thing in rest))

    def _stored(self, put: Put) -> Put:
        """The own document with what is set and without the amounts."""
        assert self.own is not None
        effect, changes = self.bound.effect, self.own.changes
        passing = effect.consumed - {*self.own.resource.fields, *self.own.before, *effect.key}
        if effect.kind != "update":
            passing = frozenset()
        value = {name: part for name, part in put.value.items() if name not in passing}
        sent = all_sent(frozenset(name for name in put.sent if name not in passing), _told(changes))
        return replace(put, value=_with(value, changes), sent=tuple(sorted(sent)))

    def _pins(self, content: Json) -> tuple[Change, ...]:
        """What even a refusal fixes: the fields that decided it."""
        return tuple(thing.put(thing.pinned) for thing in self.things.values() if thing.pinned)


def _told(paths: Collection[Path]) -> tuple[str, ...]:
    """What rules set, as documents keep it: a field whole, or a part of one."""
    parts = ["".join(f"/{escape(step)}" for step in path) for path in paths if path[1:]]
    return (*(path[0] for path in paths), *parts)


def _same(change: Change, other: Change) -> bool:
    """Whether two changes are of one thing."""
    if not isinstance(change, Put | Delete) or not isinstance(other, Put | Delete):
        return False
    return change.place == other.place and key_text(change.key) == key_text(other.key)


def _documents(state: State) -> Iterator[tuple[Place, Document]]:
    """All documents, those of one collection in the order they became known."""
    for identity in sorted(state.collections):
        resource, *parents = json.loads(identity)
        for document in state.collections[identity].ordered:
            yield Place(resource, tuple(parents)), document


def _start(leaf: Mapping[str, Json]) -> Json:
    """What a field that nobody has seen holds; None where no schema says."""
    kind = leaf.get("type")
    if kind in {"integer", "number"}:
        low = leaf.get("minimum")
        return low if isinstance(low, int | float) and low > 0 else 0
    makers: dict[Json, Callable[[], Json]] = {"boolean": bool, "array": list}
    return makers[kind]() if kind in makers else None


def _fitting(resource: Resource, path: Path, value: Json) -> Json:
    """A value as its field's schema takes it. Raises _Refused where it does not."""
    leaf = resource.leaf(path[0]) if len(path) == 1 else {}
    kind, name = leaf.get("type"), ".".join(path)
    if kind not in {"integer", "number"} or value is None:
        return value
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _Refused("precondition", f"{name} would be {value!r:.60}, which is no {kind}")
    if kind == "integer" and isinstance(value, float):
        if not value.is_integer():
            raise _Refused("precondition", f"{name} would be {value!r}, which is no integer")
        value = int(value)
    low, high = leaf.get("minimum"), leaf.get("maximum")
    if low is not None and value < low:
        raise _Refused("precondition", f"{name} would be {value!r}, which is below {low!r}")
    if high is not None and value > high:
        raise _Refused("precondition", f"{name} would be {value!r}, which is above {high!r}")
    return value


def _with(value: Mapping[str, Json], fields: Mapping[Path, Json]) -> dict[str, Json]:
    """A document with fields put in; null removes."""
    changed: Json = dict(value)
    for path, part in fields.items():
        changed = _put(changed, path, part)
    return dict(changed)


def _put(value: Json, path: Path, part: Json) -> Json:
    inner = dict(value) if isinstance(value, dict) else {}
    if len(path) > 1:
        inner[path[0]] = _put(inner.get(path[0]), path[1:], part)
    elif part is None:
        inner.pop(path[0], None)
    else:
        inner[path[0]] = part
    return inner


def _mark(sources: dict[str, Source], path: Path) -> None:
    """Say that a place, and all below it, is computed."""
    pointer = "".join(f"/{escape(step)}" for step in path)
    for at in [at for at in sources if at.startswith(pointer + "/")]:
        del sources[at]
    sources[pointer] = "computed"
