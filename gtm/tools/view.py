"""One level of a JSON Schema as it acts: references followed, `allOf` merged, the first real branch taken.

For those who ask which properties a schema declares at a place (the world, the plan). Bounded: a chain of more than
MAX_HOPS references or merges is read as an open schema. Never validates.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from gtm.types import Json

MAX_HOPS = 32
"""References and merges followed at one place; real definitions stay below 8."""


@dataclass(frozen=True, eq=False)
class View:
    """A place in a schema, with the root its references resolve against. What was looked at once is kept."""

    root: Json
    node: Json

    @cached_property
    def flat(self) -> dict[str, Json]:
        """The merged keywords at this place, `type` being one name where it is known."""
        node = self._flat(self.node)
        kind = node.get("type")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), "null")
        if not isinstance(kind, str):
            kind = "object" if "properties" in node else "array" if "items" in node else ""
        return {**node, "type": kind} if kind else node

    @property
    def type(self) -> str:
        """The JSON type, or "" where it is open."""
        return str(self.flat.get("type", ""))

    @cached_property
    def properties(self) -> dict[str, Json]:
        """Declared properties; empty for anything but an object."""
        found = self.flat.get("properties")
        return found if isinstance(found, dict) else {}

    @cached_property
    def _children(self) -> "dict[str, View]":
        return {name: View(self.root, node) for name, node in self.properties.items()}

    def child(self, name: str) -> "View | None":
        """The place of a declared property."""
        return self._children.get(name)

    @cached_property
    def items(self) -> "View | None":
        """The place of an array's items."""
        node = self.flat.get("items")
        return View(self.root, node) if isinstance(node, dict) else None

    @cached_property
    def nullable(self) -> bool:
        """Whether null is a value here."""
        node = self._flat(self.node)
        branches = [b for key in ("anyOf", "oneOf") for b in node.get(key) or () if isinstance(b, dict)]
        kinds = [node.get("type"), *(branch.get("type") for branch in branches)]
        return any(kind == "null" or (isinstance(kind, list) and "null" in kind) for kind in kinds)

    def keyword(self, name: str) -> Json:
        """A keyword's value at this place, or None."""
        return self.flat.get(name)

    def at(self, path: tuple[str, ...]) -> "View | None":
        """The place reached by property names; `*` means an array's items."""
        view: View | None = self
        for step in path:
            if view is None:
                return None
            view = view.items if step == "*" else view.child(step)
        return view

    def _flat(self, node: Json, hops: int = 0) -> dict[str, Json]:
        if not isinstance(node, dict) or hops > MAX_HOPS:
            return {}
        if isinstance(node.get("$ref"), str):
            target = self._follow(node["$ref"])
            return {**self._flat(target, hops + 1), **{k: v for k, v in node.items() if k != "$ref"}}
        merged = dict(node)
        for part in node.get("allOf", ()) if isinstance(node.get("allOf"), list) else ():
            merged = _merge(merged, self._flat(part, hops + 1))
        for keyword in ("anyOf", "oneOf"):
            branches = node.get(keyword)
            if isinstance(branches, list) and "properties" not in merged:
                flats = [self._flat(branch, hops + 1) for branch in branches[:MAX_HOPS]]
                real = next((flat for flat in flats if flat and flat.get("type") != "null"), {})
                merged = _merge(merged, real)
        return merged

    def _follow(self, ref: str) -> Json:
        if not ref.startswith("#"):
            return {}
        node = self.root
        for token in [t for t in ref[1:].split("/") if t]:
            token = token.replace("~1", "/").replace("~0", "~")
            node = node.get(token) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else {}


SECRET_NAMES = frozenset(
    "password passwd secret clientsecret apikey accesstoken refreshtoken authtoken authorization cookie"
    " privatekey".split()
)
"""Names (lower case, no separators) of credentials, whatever their schema says."""


def is_secret(view: View | None, name: str = "") -> bool:
    """Whether a place holds what no answer and no record shows: declared so, or a credential by its name."""
    if name and re.sub(r"[^a-z0-9]", "", name.lower()) in SECRET_NAMES:
        return True
    return view is not None and (view.keyword("writeOnly") is True or view.keyword("format") == "password")


def visible(value: Json, view: View | None, depth: int = 0) -> Json:
    """A value without what is secret inside it; below MAX_HOPS levels nothing is left."""
    if depth > MAX_HOPS:
        return None
    if isinstance(value, dict):
        shown: dict[str, Json] = {}
        for name, item in value.items():
            at = view.child(name) if view is not None else None
            if not is_secret(at, name):
                shown[name] = visible(item, at, depth + 1)
            elif (settings := _settings(item, depth)) is not None:
                shown[name] = settings
        return shown
    if isinstance(value, list):
        items = view.items if view is not None else None
        return [visible(item, items, depth + 1) for item in value]
    return value


def _settings(value: Json, depth: int) -> Json:
    """What is no secret inside of one (`{"password": {"enabled": true}}`); None where there is nothing."""
    if not isinstance(value, dict) or depth > MAX_HOPS:
        return value if isinstance(value, bool) else None
    told = {name: item if is_setting(name, item) else _settings(item, depth + 1) for name, item in value.items()}
    return {name: item for name, item in told.items() if item is not None} or None


def is_setting(name: str, value: Json) -> bool:
    """Whether what stands inside of a secret tells none: a flag, a plain address, how and how long it is used."""
    *before, last = re.split(r"[_\W]|(?<=[a-z])(?=[A-Z])", name)
    last = last.lower()
    if isinstance(value, str) and last in {"url", "uri", "href"}:
        return _PLAIN_ADDRESS.fullmatch(value) is not None
    if isinstance(value, str):
        told = last in _ALONE or (bool(before) and last in _MANNERS)
        return told and _PLAIN_WORD.fullmatch(value) is not None
    return isinstance(value, bool) or (isinstance(value, int) and last in _TIMES)


_ALONE = frozenset({"algorithm", "binding"})
_MANNERS = frozenset({"method", "mode", "type"})
_TIMES = frozenset("age leeway lifetime ttl".split())
"""Last words of names (lower case) that say how a secret is used, and for how many seconds."""
_PLAIN_WORD = re.compile(r"[A-Za-z]+([_-][A-Za-z]+)*")


_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z.-]+(:\d+)?(/[a-z_.-]{0,32})*")
"""No user, no query, no digits: nothing of it can be a token."""


def _merge(left: dict[str, Json], right: dict[str, Json]) -> dict[str, Json]:
    properties = {**_dict(right.get("properties")), **_dict(left.get("properties"))}
    merged = {**right, **left}
    return {**merged, "properties": properties} if properties else merged


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
