"""A random but meaningful caller: it makes things, and comes back to what it made, saw, changed and deleted."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gtm.eval.oracle.facts import MORE, OPTIONS, Contradiction
from gtm.eval.oracle.memory import Oracle
from gtm.eval.oracle.reading import (
    CURSORS,
    LIMITS,
    OFFSETS,
    PAGES,
    PAGING,
    PARAMETER,
    Reader,
    Route,
    body_of,
    document_of,
    envelope,
    items_of,
    key_of,
    scalars,
)
from gtm.eval.oracle.words import Address, flat, words
from gtm.tools.sampler import sample, sample_arguments
from gtm.types import Json, Result

Send = Callable[[str, dict[str, Json]], Result]
Keys = tuple[Json, ...]

WEIGHTS = {"create": 5, "read": 6, "replace": 3, "merge": 4, "delete": 2, "list": 4, "look": 1, "act": 1}
ASIDE = 0.08
"""Share of steps on any tool of the toolset."""
COME_BACK = 0.85
"""Share of keys that were seen before."""
WALK = 0.3
"""Share of lists that are read page by page, where they have pages."""
MAX_PAGES = 12


@dataclass
class Journey:
    """What one session did, and where it was contradicted."""

    calls: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    found: list[Contradiction] = field(default_factory=list)
    errors: int = 0
    invalid: int = 0
    checks: int = 0
    grown: int = 0


class Wanderer:
    """One session's caller."""

    def __init__(self, routes: Sequence[Route], rng: random.Random, send: Send) -> None:
        self.journey = Journey()
        self._oracle = Oracle()
        self._routes, self._rng, self._send = routes, rng, send
        self._seen: dict[Address, list[Keys]] = {}
        self._near = self._focus()
        self._scope = scope_of(routes)
        self._pinned: dict[str, Json] = {}

    def go(self, steps: int) -> Journey:
        """At most so many steps."""
        while len(self.journey.calls) < steps:
            aside = not self._near or self._rng.random() < ASIDE
            among = self._routes if aside else self._near
            weights = [1 if aside else WEIGHTS[route.kind] / self._alike(route) for route in among]
            route = self._rng.choices(among, weights)[0]
            try:
                arguments = self._arguments(route)
            except ValueError:  # no arguments satisfy this tool's schema
                self.journey.calls.append((route.tool.name, {}))
                self._send(route.tool.name, {})
                continue
            if route.kind == "list" and self._rng.random() < WALK and route.argument(LIMITS):
                self._walk(route, arguments, steps)
            else:
                self.call(route, arguments)
        self.journey.checks, self.journey.grown = self._oracle.checks, self._oracle.grown
        return self.journey

    def call(self, route: Route, arguments: dict[str, Json]) -> Result:
        """One step."""
        self.journey.calls.append((route.tool.name, arguments))
        result = self._send(route.tool.name, arguments)
        self.journey.found += self._oracle.see(route, arguments, result)
        self.journey.errors += result.is_error
        self.journey.invalid += result.error is not None and result.error.kind == "invalid_arguments"
        if not result.is_error:
            self._remember(route, arguments, result.content)
        return result

    def _focus(self) -> list[Route]:
        """One resource that is both written and read, with its parents and what is below it."""
        groups: dict[Address, set[str]] = {}
        for route in self._routes:
            groups.setdefault(_collection(route), set()).add(route.kind)
        good = [c for c, kinds in groups.items() if "read" in kinds and kinds & {"create", "replace", "merge"}]
        if not good:
            return []
        chosen = self._rng.choice(good)
        item = (*chosen, PARAMETER)
        return [
            route
            for route in self._routes
            if (_collection(route) == chosen or route.template[: len(item)] == item)
            or (len(route.template) < len(chosen) and chosen[: len(route.template)] == route.template)
        ]

    def _alike(self, route: Route) -> int:
        return sum(1 for other in self._near if other.kind == route.kind)

    def _arguments(self, route: Route) -> dict[str, Json]:
        drawn = sample_arguments(route.tool, self._rng)
        required = set(route.tool.parameters.get("required", ()))
        optional = self._rng.random() < 0.35 or route.writes
        kept = {n: v for n, v in drawn.items() if n in required or (optional and not _steers(n, v))}
        if route.kind == "list":
            kept = {n: v for n, v in kept.items() if n in required or flat(n) not in PAGING}
        for name in kept:
            if name in self._scope and name not in route.arguments:
                kept[name] = self._pinned.setdefault(name, kept[name])
        own = route.input.properties(())
        fresh = [kept[n] if n in kept else sample(own.get(n, {"type": "string"}), self._rng) for n in route.arguments]
        keys = self._keys(route.template, len(route.arguments), fresh)
        for name, value in zip(route.arguments, keys, strict=True):
            kept[name] = fit(route.input, name, value)
        return kept

    def _keys(self, template: Address, count: int, fresh: list[Json]) -> Keys:
        """Values for a path's parameters: of something seen, else under a parent that was seen."""
        if count == 0:
            return ()
        prefix = _prefix(template, count)
        seen = self._seen.setdefault(prefix, [])
        if seen and self._rng.random() < COME_BACK:
            recent = seen[-6:]
            return self._rng.choice(recent)
        keys = (*self._keys(template, count - 1, fresh), fresh[count - 1])
        if keys not in seen:
            seen.append(keys)
        return keys

    def _remember(self, route: Route, arguments: dict[str, Json], content: Json) -> None:
        own = tuple(arguments.get(name) for name in route.arguments)
        if route.kind == "create":
            _, document = document_of(content, route)
            found = [key_of(document, route.keys) or key_of(body_of(route, arguments), route.keys)]
        elif route.kind == "list":
            found = [key_of(item, route.keys) for item in items_of(route, content)[:2]]
        else:
            return
        seen = self._seen.setdefault((*route.template, PARAMETER), [])
        seen += [keys for key in found if key is not None and (keys := (*own, key)) not in seen]

    def _walk(self, route: Route, arguments: dict[str, Json], steps: int) -> None:
        """Page by page to the end; a full page without a cursor for the next (often only a URL) is not the end."""
        limit, offset = route.argument(LIMITS) or "", route.argument(OFFSETS)
        page, cursor = route.argument(PAGES), route.argument(CURSORS)
        size = next((n for n in (2, 5, 10, 20) if route.input.allows((limit,), n)), None)
        optional = set(arguments) - set(route.arguments)
        if size is None or optional or not (offset or cursor or (page and _counts_from_one(route, page))):
            self.call(route, arguments)
            return
        pages: list[Json] = []
        asked: dict[str, Json] = {**arguments, limit: size}
        while len(pages) < MAX_PAGES and len(self.journey.calls) < steps:
            result = self.call(route, asked)
            if result.is_error:
                return
            pages.append(result.content)
            following = self._following(route, result.content, (offset, page, cursor), len(pages), size)
            if following is None:
                if not (goes_on(result.content) or (cursor and len(items_of(route, result.content)) >= size)):
                    address = route.address(arguments)
                    self.journey.found += self._oracle.walked(route, address, pages)
                return
            asked = {**arguments, limit: size, **following}

    def _following(
        self, route: Route, content: Json, names: tuple[str | None, ...], done: int, size: int
    ) -> dict[str, Json] | None:
        offset, page, cursor = names
        count = len(items_of(route, content))
        if cursor:
            wanted = {flat(cursor), "next" + flat(cursor), "nextcursor", "nextpagetoken", "nexttoken"}
            token = next((v for p, v in scalars(content) if flat(p[-1]) in wanted and len(p) <= 2), None)
            return {cursor: token} if token and isinstance(token, str) else None
        if count < size:
            return None
        return {offset: done * size} if offset else {page or "": done + 1}


def scope_of(routes: Sequence[Route]) -> set[str]:
    """Arguments beside the path that say whose world it is (an account in a header): one value a session."""
    demanded = {
        n for r in routes if not r.writes or r.kind == "delete" for n in r.tool.parameters.get("required", ())
    }
    every = {name for route in routes for name in route.input.properties(())}
    return demanded | {name for name in every if name.lower().startswith("x-")}


def goes_on(content: Json) -> bool:
    """Whether an answer says that more follows and not how to ask for it (only a URL or a flag): it stays unknown."""
    following = [value for name, value in envelope(content) if words(name) & MORE]
    return any(v is True or (isinstance(v, str) and v.startswith(("http", "/"))) for v in following)


def fit(reader: Reader, name: str, value: Json) -> Json:
    """A key in the type that a tool wants it in."""
    if not reader.allows((name,), value):
        if isinstance(value, str) and value.isdecimal() and reader.allows((name,), int(value)):
            return int(value)
        if isinstance(value, int) and reader.allows((name,), str(value)):
            return str(value)
    return value


def _collection(route: Route) -> Address:
    return route.template[:-1] if route.template[-1] == PARAMETER else route.template


def _prefix(template: Address, count: int) -> Address:
    """The template up to and with its n-th parameter."""
    at = [index for index, segment in enumerate(template) if segment == PARAMETER][count - 1]
    return template[: at + 1]


def _steers(name: str, value: Json) -> bool:
    return bool(words(name) & OPTIONS) or flat(name) in PAGING or value is None


def _counts_from_one(route: Route, name: str) -> bool:
    schema = route.input.properties(()).get(name)
    return isinstance(schema, dict) and 0 not in (schema.get("minimum"), schema.get("default"))
