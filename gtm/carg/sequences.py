"""Sessions whose outputs feed inputs: what an agent does with a thing, from the effects of the tools.

A script is a row of words (`create read update delete read!`); a word with `!` must fail, one with `?` is left out
where no tool does it. Keys come from earlier answers through the place where the tool shows them (`Bound`), parents
are made first where a tool makes them. Nothing is planned here that is not rehearsed later.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gtm.carg.arguments import Arguments
from gtm.carg.records import Step
from gtm.carg.wrong import ARGUMENT_REFUSALS, mistake
from gtm.tools.shape import escape
from gtm.types import Json, Tool
from gtm.world.bound import STORED, Bound
from gtm.world.fields import matching
from gtm.world.hints import required_names
from gtm.world.model import WorldModel
from gtm.world.outcome import WorldMode
from gtm.world.resource import Resource
from gtm.world.words import ACTIONS, flat, words

MAX_STEPS = 9
MAX_PARENTS = 2

Key = tuple[int, str] | str | int | float
"""How a thing is called: where an earlier answer says it, or as a value."""

Put = Callable[[str, Key], None]
"""Puts a key into an argument."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is done, and in which worlds it can be."""

    words: str
    worlds: tuple[WorldMode, ...] = ("auto", "closed")
    needs: frozenset[str] = frozenset()
    """Kinds of tools without which it is pointless."""


SCRIPTS: tuple[Script, ...] = (
    Script("create read? update read? list? delete read!", needs=frozenset({"create", "update", "delete", "read"})),
    Script("create read? list? delete read!", needs=frozenset({"create", "delete", "read"})),
    Script("create read update read list?", needs=frozenset({"create", "read", "update"})),
    Script("create create list read? delete list", needs=frozenset({"create", "list", "delete"})),
    Script("create create list read?", needs=frozenset({"create", "list"})),
    Script("create update? list? delete delete!", needs=frozenset({"create", "delete"})),
    Script("create read? delete update!", needs=frozenset({"create", "delete", "update"})),
    Script("create read? list? again!", needs=frozenset({"create"})),
    Script("create read action read list?", needs=frozenset({"create", "action"})),
    Script("create read? wrong update read?", needs=frozenset({"create", "update"})),
    Script("create read? list? dropped read!", ("closed", "auto"), frozenset({"create", "read", "dropped"})),
    Script("unseen! create read? list?", ("closed", "auto"), frozenset({"create", "read"})),
    Script("create update list? update read?", needs=frozenset({"create", "update"})),
    Script("list read update read? list", ("auto", "open"), frozenset({"list", "update"})),
    Script("list read read2", ("auto", "open"), frozenset({"list", "read"})),
    Script("list read action? list", ("auto", "open"), frozenset({"list", "read"})),
    Script("list read? delete list read!", ("auto", "open"), frozenset({"list", "read", "delete"})),
    Script("list read wrong read2 list", ("auto", "open"), frozenset({"list", "read"})),
    Script("read update read", ("open", "auto"), frozenset({"read", "update"})),
)
"""Rows of words; which of them a resource allows is told by its tools."""


@dataclass
class Kit:
    """The tools of one resource by what they do."""

    resource: Resource
    by_kind: dict[str, list[Bound]]

    def pick(self, kind: str, rng: random.Random) -> Bound | None:
        """One of the tools of a kind."""
        found = self.by_kind.get(kind)
        return rng.choice(found) if found else None


@dataclass
class Draft:
    """A session in the making."""

    rng: random.Random
    steps: list[Step] = field(default_factory=list)
    keys: dict[str, list[tuple[Key, ...]]] = field(default_factory=dict)
    """Resource -> the keys of what was made or seen, the latest last; several parts where a key has them."""
    shared: dict[str, Json] = field(default_factory=dict)
    """Flat names of arguments that stay the same all session long."""
    parents: dict[str, Key] = field(default_factory=dict)
    """Resource of a parent -> its key, for parents that nothing made."""


class Sequencer:
    """Plans the sessions of one family."""

    def __init__(self, model: WorldModel, arguments: Arguments) -> None:
        self._model = model
        self._arguments = arguments
        self._kits: dict[str, Kit | None] = {}
        self._tools: dict[str, list[Tool]] = {}
        for tool in model.toolset.tools:
            effect = model.effects[tool.name]
            if effect.kind in STORED and effect.resource:
                self._tools.setdefault(effect.resource, []).append(tool)
        tools = model.toolset.tools
        counted = Counter(flat(name) for tool in tools for name in required_names(tool))
        self._common = frozenset(name for name, n in counted.items() if n >= max(3, len(tools) // 2))

    @property
    def resources(self) -> Mapping[str, bool]:
        """Resources about which a session may be, and whether some tool makes them. Nothing is bound yet."""
        kinds = {name: {self._model.effects[tool.name].kind for tool in tools} for name, tools in self._tools.items()}
        return {name: "create" in found for name, found in kinds.items() if len(found) > 1}

    def scripts(self, resource: str) -> Iterator[Script]:
        """The scripts that a resource's tools allow."""
        kit = self._kit(resource)
        if kit is None:
            return
        kinds = {kind for kind, tools in kit.by_kind.items() if tools}
        kinds |= {"dropped"} if self._dropper(kit.resource) is not None else set()
        for script in SCRIPTS:
            if script.needs <= kinds:
                yield script

    def draft(self, resource: str, script: Script, rng: random.Random) -> list[Step] | None:
        """The steps of a script, not yet rehearsed; None where one of them cannot be written."""
        kit = self._kit(resource)
        if kit is None:
            return None
        draft = Draft(rng)
        said = script.words.split()
        if not self._prepare(kit.resource, draft, inner="create" in said):
            return None
        for word in said:
            optional, fails = word.endswith("?"), word.endswith("!")
            done = self._do(word.rstrip("?!"), kit, draft, fails)
            if not done and not optional:
                return None
            if len(draft.steps) > MAX_STEPS:
                return None
        return draft.steps

    def _kit(self, resource: str) -> Kit | None:
        """A resource's tools by what they do, bound at the first use."""
        if resource not in self._kits:
            kinds: dict[str, list[Bound]] = {}
            for tool in self._tools.get(resource, ()):
                bound = self._model.bind(tool)
                if bound.stored and bound.batch is None and not bound.counts:
                    kinds.setdefault(_kind(bound), []).append(bound)
            self._kits[resource] = Kit(self._model.resource(resource), kinds) if kinds else None
        return self._kits[resource]

    def _prepare(self, resource: Resource, draft: Draft, *, inner: bool) -> bool:
        """Make what the things are inside of, where a tool makes it and the session makes things."""
        outer = [ancestor for ancestor in resource.ancestors if ancestor is not None]
        for ancestor in outer[-MAX_PARENTS:] if inner else ():
            kit = self._kit(ancestor.name)
            maker = kit.pick("create", draft.rng) if kit is not None else None
            if maker is not None and ancestor.name not in draft.keys:
                self._make(maker, draft)
        return True

    def _dropper(self, resource: Resource) -> Bound | None:
        """What deletes the thing around."""
        outer = resource.ancestors[-1] if resource.ancestors else None
        kit = self._kit(outer.name) if outer is not None else None
        if kit is None or not kit.by_kind.get("create") or not kit.by_kind.get("delete"):
            return None
        return kit.by_kind["delete"][0]

    def _do(self, word: str, kit: Kit, draft: Draft, fails: bool) -> bool:
        if word == "create":
            maker = kit.pick("create", draft.rng)
            return maker is not None and self._make(maker, draft)
        if word == "list":
            lister = kit.pick("list", draft.rng)
            return lister is not None and self._list(lister, draft)
        if word == "again":
            return self._again(kit, draft)
        if word == "unseen":
            reader = kit.pick("read", draft.rng)
            step = self._call(reader, draft, None) if reader is not None else None
            return self._add(draft, step, fails)
        if word == "dropped":
            dropper = self._dropper(kit.resource)
            return dropper is not None and self._keyed(dropper, draft, 1, fails)
        if word == "wrong":
            return self._wrong(kit, draft)
        kind, back = ("read", 2) if word == "read2" else (word, 1)
        user = kit.pick(kind, draft.rng)
        return user is not None and self._keyed(user, draft, back, fails)

    def _make(self, maker: Bound, draft: Draft) -> bool:
        step = self._call(maker, draft, None)
        if step is None:
            return False
        at = len(draft.steps)
        self._add(draft, step, False)
        key = _made_key(maker, step.arguments, at)
        if key is not None:
            draft.keys.setdefault(maker.resource.name, []).append(key)
        return True

    def _list(self, lister: Bound, draft: Draft) -> bool:
        step = self._call(lister, draft, None)
        if step is None:
            return False
        at = len(draft.steps)
        self._add(draft, step, False)
        name = lister.key_field or lister.resource.key
        if lister.document is not None and name is not None and lister.resource.name not in draft.keys:
            shown = [_pointer(lister.document, name, item) for item in (1, 0)]
            draft.keys[lister.resource.name] = [((at, pointer),) for pointer in shown]
        return True

    def _again(self, kit: Kit, draft: Draft) -> bool:
        """The last create once more, word for word."""
        makers = {bound.tool.name for bound in kit.by_kind.get("create", ())}
        made = [step for step in draft.steps if step.tool in makers]
        return bool(made) and self._add(draft, made[-1], True)

    def _keyed(self, bound: Bound, draft: Draft, back: int, fails: bool) -> bool:
        keys = draft.keys.get(bound.resource.name, [])
        key: tuple[Key, ...] | None = keys[-back] if len(keys) >= back else None
        if key is None and not bound.single and (back > 1 or keys or draft.steps):
            return False
        step = self._call(bound, draft, key)
        if step is None:
            return False
        if key is None and not bound.single:
            given = tuple(step.arguments.get(name) for name in bound.own_keys)
            if all(isinstance(part, str | int | float) for part in given):
                draft.keys[bound.resource.name] = [given]  # type: ignore[list-item]
        return self._add(draft, step, fails)

    def _wrong(self, kit: Kit, draft: Draft) -> bool:
        """A call with a mistake, about what comes next."""
        user = kit.pick("update", draft.rng) or kit.pick("read", draft.rng)
        keys = draft.keys.get(kit.resource.name, [])
        step = self._call(user, draft, keys[-1]) if user is not None and keys else None
        shape = self._arguments.shape(user.tool) if user is not None else None
        if step is None or user is None or shape is None:
            return False
        refusals = list(ARGUMENT_REFUSALS)
        draft.rng.shuffle(refusals)
        for refusal in refusals:
            made = mistake(refusal, user.tool, shape, step.arguments, draft.rng)
            if made is not None and made.is_error:
                draft.steps.append(
                    Step(tool=made.tool, arguments=made.arguments, kind="wrong", refusal=refusal, expect_error=True)
                )
                return True
        return False

    def _add(self, draft: Draft, step: Step | None, fails: bool) -> bool:
        if step is None:
            return False
        if fails:
            step = step.model_copy(update={"kind": "wrong", "refusal": "impossible", "expect_error": True})
        draft.steps.append(step)
        return True

    def _call(self, bound: Bound, draft: Draft, key: tuple[Key, ...] | None) -> Step | None:
        """An ordinary call, with the keys that are known put in."""
        arguments = self._arguments.ordinary(bound.tool, draft.rng)
        if arguments is None:
            return None
        bind: dict[str, tuple[int, str]] = {}

        def put(name: str, given: Key) -> None:
            if isinstance(given, tuple):
                bind[f"/{escape(name)}"] = given
            else:
                arguments[name] = given

        self._put_parents(bound, draft, arguments, put)
        if key is not None and len(key) == len(bound.own_keys):
            for name, part in zip(bound.own_keys, key, strict=True):
                put(name, part)
            self._put_inside(bound, arguments, key[-1], bind)
        elif key is not None:
            return None
        for name, resource in bound.mentions:
            known = draft.keys.get(resource.name)
            if known and len(known[-1]) == 1:
                put(name, known[-1][0])
        return Step(tool=bound.tool.name, arguments=arguments, bind=bind, kind="session", expect_error=False)

    def _put_inside(
        self, bound: Bound, arguments: dict[str, Json], key: Key, bind: dict[str, tuple[int, str]]
    ) -> None:
        """The key once more, where what is sent of the thing has it too (`data.id`)."""
        name = bound.resource.key
        for wrapper in sorted(bound.wrappers):
            inner = arguments.get(wrapper)
            if name is None or not isinstance(inner, dict) or name not in inner:
                continue
            if isinstance(key, tuple):
                bind[f"/{escape(wrapper)}/{escape(name)}"] = key
            else:
                arguments[wrapper] = {**inner, name: key}

    def _put_parents(self, bound: Bound, draft: Draft, arguments: dict[str, Json], put: Put) -> None:
        """What the thing is inside of, and what all tools want to know."""
        slots = bound.tool.http.slots if bound.tool.http is not None else {}
        around = {name for name, slot in slots.items() if slot.place == "path"} - {*bound.own_keys, *bound.parents}
        if bound.address is not None:
            around.add(bound.address.parent)
        for name in (*required_names(bound.tool), *sorted(around)):
            if (flat(name) in self._common or name in around) and isinstance(arguments.get(name), str | int | float):
                arguments[name] = draft.shared.setdefault(flat(name), arguments[name])
        for at, name in enumerate(bound.parents):
            ancestors = bound.resource.ancestors
            ancestor = ancestors[at] if at < len(ancestors) else None
            known = draft.keys.get(ancestor.name) if ancestor is not None else None
            if known and len(known[0]) == 1:
                put(name, known[0][0])
                continue
            given = arguments.get(name)
            if isinstance(given, str | int | float):
                put(name, draft.parents.setdefault(ancestor.name if ancestor is not None else flat(name), given))


_NO_KEYS = frozenset("format output extension type version language lang locale".split())
"""Arguments (flat names) at the end of a path that say how, not which."""


def _kind(bound: Bound) -> str:
    """What a tool does in a script's words."""
    kind: str = bound.effect.kind
    named = bound.own_key is not None and flat(bound.own_key) not in _NO_KEYS
    if kind in {"read", "update", "delete"} and not named and not bound.single:
        return f"{kind}_only"
    said = set(words(bound.tool.name))
    return "action" if kind == "update" and said & ACTIONS and not said & {"update", "set"} else kind


def _made_key(maker: Bound, arguments: dict[str, Json], at: int) -> tuple[Key, ...] | None:
    """How the thing is called that a create makes."""
    keyed = maker.resource
    given = [_given(name, maker, arguments) for name in maker.own_keys]
    if len(given) > 1:
        return tuple(given) if all(part is not None for part in given) else None  # type: ignore[arg-type]
    name = maker.key_field
    if maker.document is not None and "*" not in maker.document:
        if name is not None:
            return ((at, _pointer(maker.document, name)),)
        if keyed.holder is not None and keyed.holder[0] in maker.shown_fields:
            return ((at, _pointer((*maker.document, keyed.holder[0]), keyed.holder[1])),)
    if maker.address is not None and maker.address.name is not None:
        parent, own = arguments.get(maker.address.parent), arguments.get(maker.address.name)
        return (maker.address.of(parent, own),) if parent is not None and own is not None else None
    if maker.receipt is not None and maker.receipt.key:
        return ((at, f"/{escape(maker.receipt.key)}"),)
    return (given[0],) if given and given[0] is not None else None


def _given(name: str, maker: Bound, arguments: dict[str, Json]) -> str | int | float | None:
    """The part of a new thing's key that its caller gives, at the top or inside a wrapper."""
    places = [arguments, *(arguments[w] for w in sorted(maker.wrappers) if isinstance(arguments.get(w), dict))]
    for place in places:
        found = matching(name, place)
        value = place.get(found) if found is not None else None
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return value
    return None


def _pointer(path: Sequence[str], name: str, item: int = 0) -> str:
    return "".join(f"/{item if step == '*' else escape(step)}" for step in (*path, name))
