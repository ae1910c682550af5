"""The forms in which a toolset's arguments want identifiers, so that what one tool answers another one takes.

`VpcId` of an answer gets the pattern that `VpcId` has among the arguments, an `id` in a `thread` that of `thread_id`;
where tools take a number for what an answer writes as a text, the text is of digits. Only identifiers and tokens
(`LockToken`), only where an answer's own schema says nothing about their form. Definitions only.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gtm.errors import SpecError
from gtm.tools.validator import prepare
from gtm.tools.view import View
from gtm.types import Json, Tool
from gtm.world.hints import argument_names
from gtm.world.naming import PAGING_ARGUMENTS
from gtm.world.words import flat, singular, words

_ENDINGS = {
    "id": ("id", "identifier"),
    "identifier": ("identifier", "id"),
    "arn": ("arn", "identifier"),
    "token": ("token",),
}
"""Last word of an answer's field -> last words of arguments that take it."""

_AHEAD = frozenset({("next",), ("new",), ("current",)})
"""First words of an answer's field that say when it holds (`NextLockToken`)."""

_ANY = ("resource", "target", "")
"""What an argument says before its ending where it takes identifiers of any kind of thing."""

_FORMS = frozenset({"pattern", "format", "enum", "const"})
_LENGTHS = frozenset({"minLength", "maxLength"})
_TAKEN = ("pattern", "format", "minLength", "maxLength")
_KINDS = ("string", "integer")
_SAID_OF = frozenset({"summary", "detail", "info", "information", "description", "metadata", "overview"})
"""Last words of what holds a thing that add nothing to what it is."""
DIGITS = "^[1-9][0-9]{5}$"
"""A number as text."""


class Takers:
    """What the arguments of a toolset's tools must be, by name."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        found: dict[str, Counter[tuple[tuple[str, Json], ...]]] = {}
        for tool in tools:
            for name, form in _forms(tool):
                found.setdefault(name, Counter())[form] += 1
        self._names = {flat(name) for tool in tools for name in argument_names(tool)}
        self._forms = {name: dict(max(forms.items(), key=lambda pair: pair[1])[0]) for name, forms in found.items()}

    def leaf(self, name: str, noun: str, leaf: dict[str, Json]) -> dict[str, Json]:
        """A field of a thing called `noun`, in the form in which tools take it."""
        parts = words(name)[1:] if words(name)[:1] in _AHEAD else words(name)
        if not parts or parts[-1] not in _ENDINGS or leaf.get("type") != "string" or _FORMS & leaf.keys():
            return leaf
        ending, own = parts[-1], "".join(parts[:-1])
        if (ending == "token" and f"{own}token" not in self._forms) or flat(name) in PAGING_ARGUMENTS:
            return leaf  # other tokens are what nobody else takes; a page's are ours
        names = [f"{it}{after}" for it in (*([own] if own else _called(noun)), *_ANY) for after in _ENDINGS[ending]]
        if ending == "arn":  # what takes addresses of any kind says more of them than what takes a thing's id
            names.sort(key=lambda name: not name.endswith("arn"))
        forms = [self._forms[name] for name in names if name in self._forms]
        shortest = max((form.get("minLength", 0) for form in forms), default=0)
        alike = bool(forms) and all(leaf[key] == forms[0].get(key, leaf[key]) for key in _LENGTHS & leaf.keys())
        form = {**(forms[0] if alike else {}), **leaf}
        if "pattern" not in form and form.get("minLength", 0) < shortest <= form.get("maxLength", shortest):
            form["minLength"] = shortest  # what takes things of any kind takes this one, too
        return form

    def shape(self, shape: dict[str, Json], noun: str) -> dict[str, Json]:
        """An answer's shape with its identifiers in the forms in which tools take them."""
        if shape.get("type") == "array":
            return {**shape, "items": self.shape(shape["items"], noun)}
        if shape.get("type") != "object":
            return shape
        return {**shape, "properties": {n: self._inner(n, noun, sub) for n, sub in shape["properties"].items()}}

    def named(self, shape: dict[str, Json], full: dict[str, Json], *nouns: str) -> dict[str, Json]:
        """A shape with the identifiers of `full` by which tools call a thing: an example may leave them out."""
        if shape.get("type") != full.get("type"):
            return shape
        if shape.get("type") == "array":
            return {**shape, "items": self.named(shape["items"], full["items"], *nouns)}
        if shape.get("type") != "object":
            return shape
        more = {n: sub for n, sub in full["properties"].items() if n not in shape["properties"]}
        found = {n: sub for n, sub in more.items() if self._is_called(n, nouns) and sub.get("type") in _KINDS}
        inner = {
            n: self.named(sub, full["properties"][n], *nouns, n) if n in full["properties"] else sub
            for n, sub in shape["properties"].items()
        }
        properties = {**inner, **found}
        required = [*shape.get("required", ()), *found] if "required" in shape else None
        return {**shape, "properties": properties, **({"required": required} if required is not None else {})}

    def _is_called(self, name: str, nouns: Sequence[str]) -> bool:
        ending = words(name)[-1:]
        if not ending or ending[0] not in _ENDINGS:
            return False
        if len(words(name)) > 1:
            return flat(name) in self._names
        return any(singular(flat(noun)) + ending[0] in self._names for noun in nouns if noun)

    def _inner(self, name: str, noun: str, shape: dict[str, Json]) -> dict[str, Json]:
        if shape.get("type") == "array" and shape["items"].get("type") == "string":
            return {**shape, "items": self.leaf(singular(name), noun, shape["items"])}
        return self.shape(shape, name) if shape.get("type") in {"array", "object"} else self.leaf(name, noun, shape)


def _called(noun: str) -> list[str]:
    """What a thing may be called, the most exact first: a `PolicySummary` is a policy, too."""
    parts = words(noun)
    ends = [len(parts), *([len(parts) - 1] if len(parts) > 1 and singular(parts[-1]) in _SAID_OF else [])]
    return [singular("".join(parts[:end])) for end in ends]


def _forms(tool: Tool) -> Iterator[tuple[str, tuple[tuple[str, Json], ...]]]:
    """(flat name, form) of each argument that may hold an identifier and says what form it has."""
    view = View(tool.parameters, tool.parameters)
    for name in view.properties:
        place = view.child(name)
        if place is not None and place.type == "array":
            name, place = singular(name), place.items
        if place is not None and flat(name) == "resource" and "arn:" in str(place.keyword("pattern"))[:6]:
            name = "resource_arn"
        if place is None or words(name)[-1:] not in {(ending,) for ending in _ENDINGS}:
            continue
        if place.type == "integer":
            yield flat(name), (("pattern", DIGITS),)
        elif place.type == "string" and "enum" not in place.flat and _usable(place.flat):
            form = ((key, place.flat[key]) for key in _TAKEN if key in place.flat)
            yield flat(name), tuple((key, int(said) if key in _LENGTHS else said) for key, said in form)


def _usable(leaf: Mapping[str, Json]) -> bool:
    """Whether a form can be drawn from."""
    try:
        prepare({key: value for key, value in leaf.items() if key in _TAKEN})
    except SpecError:
        return False
    return True
