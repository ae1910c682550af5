"""Tools of labels: `TagResource(arn, tags)`, `UntagResource(arn, keys)`, `ListTagsForResource(arn)`.

Labels have a key and a value (a map, or `{"Key": ..., "Value": ...}`), and a call is about one thing, whatever it is;
other tools of labels are tools like any other. Definitions only; what calls do is in `gtm.world.labelled`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gtm.tools.view import View
from gtm.types import Effect, Json, Tool
from gtm.world.hints import is_key_like, is_scalar, required_names
from gtm.world.words import flat, singular, words

LABELS = frozenset({"tag", "tags", "label", "labels"})
_SHOWS = frozenset({"list", "get", "describe", "read", "show"})
_TAKES_AWAY = frozenset({"untag", "unlabel", "remove", "delete"})
_ANYTHING = frozenset({"resource", "resourcearn", "resourceid", "resourcename", "arn"})
"""Arguments (flat names) that name a thing of whatever resource."""

_REPLACES = frozenset({"set", "replace", "put"})


@dataclass(frozen=True, slots=True)
class Form:
    """How labels are written: objects with these two properties; a map where there are none."""

    key: str = ""
    value: str = ""

    def read(self, written: Json) -> dict[str, Json]:
        """Key -> value."""
        if isinstance(written, dict):
            return dict(written)
        pairs = [one for one in written if isinstance(one, dict) and isinstance(one.get(self.key), str)]
        return {one[self.key]: one.get(self.value, "") for one in pairs}

    def write(self, labels: Mapping[str, Json]) -> Json:
        """The labels in this form."""
        if not self.key:
            return dict(labels)
        return [{self.key: key, self.value: value} for key, value in labels.items()]


@dataclass(frozen=True)
class Labelling:
    """What one tool does with the labels of a thing that an argument names."""

    does: Literal["show", "add", "replace", "remove"]
    thing: str
    """The argument that names the thing."""
    given: str = ""
    """The argument that holds labels, or keys to take away."""
    form: Form = Form()
    """Of the labels that are given."""
    path: tuple[str, ...] = ()
    """Where an answer shows them all, if it does."""
    shown: Form = Form()
    """Of those."""


def labelling_of(tool: Tool) -> Labelling | None:
    """How a tool deals with labels; None where it does not, or with more than those of one thing."""
    said = {*words(tool.name)}
    things = [name for name in required_names(tool) if is_scalar(tool, name) and is_key_like(name)]
    things = [name for name in things if not LABELS & {*words(name)}]
    if not said & {*LABELS, "untag", "unlabel"} or len(things) != 1:
        return None
    arguments = View(tool.parameters, tool.parameters)
    several = [name for name in required_names(tool) if not is_scalar(tool, name)]
    given = [name for name in several if _holds_labels(name)]
    if len(given) != len(several) or len(given) > 1:
        return None
    top = View(tool.output_schema, tool.output_schema)
    path, shown = next(_places(top), ((), Form()))
    if not given:
        return Labelling("show", things[0], path=path, shown=shown) if said & _SHOWS and path else None
    place = arguments.child(given[0])
    form = form_of(place) if place is not None else None
    if said & _TAKES_AWAY:
        return Labelling("remove", things[0], given[0], form or Form(), path, shown)
    does: Literal["add", "replace"] = "replace" if said & _REPLACES else "add"
    return None if form is None else Labelling(does, things[0], given[0], form, path, shown)


def puttings(tools: Iterable[Tool]) -> dict[str, Labelling]:
    """What tools do besides to the labels of things that they name, by name."""
    return {tool.name: it for tool in tools if (it := onto_things(tool)) is not None}


def onto_things(tool: Tool) -> Labelling | None:
    """What a tool does to labels of one or several things that it names; None for all that only shows them."""
    said = {*words(tool.name)}
    given = [name for name in required_names(tool) if not is_scalar(tool, name) and _holds_labels(name)]
    others = [name for name in required_names(tool) if name not in given]
    if not said & {*LABELS, "untag", "unlabel"} or said & _SHOWS or len(given) != 1 or len(others) != 1:
        return None
    view = View(tool.parameters, tool.parameters)
    place, labels = view.child(others[0]), view.child(given[0])
    named = is_key_like(others[0]) if is_scalar(tool, others[0]) else _names_several(others[0], place)
    form = form_of(labels) if labels is not None else None
    away = bool(said & _TAKES_AWAY)
    if not named or (form is None and not away):
        return None
    return Labelling("remove" if away else "add", others[0], given[0], form or Form())


def _names_several(argument: str, place: View | None) -> bool:
    """Whether an argument names several things: an array of texts, `Resources`, `resource_ids`."""
    texts = place is not None and place.items is not None and place.items.type == "string"
    one = singular("".join(words(argument)))
    return texts and (one in _ANYTHING or is_key_like(one) or any(map(one.endswith, ("id", "arn", "name"))))


def labellings(tools: Sequence[Tool], effects: Mapping[str, Effect]) -> dict[str, Labelling]:
    """What the tools of a toolset do with labels of things, by name.

    Where no tool puts them on, only those of any resource (`resourceArn`); never the tools of labels that are things
    of their own: made, or read one by one, by other tools.
    """
    found = {
        tool.name: it for tool in tools if (it := labelling_of(tool)) and effects[tool.name].reason != "declared"
    }
    if not any(it.does in {"add", "replace"} for it in found.values()):
        found = {name: it for name, it in found.items() if flat(it.thing) in _ANYTHING}
    others = [effects[tool.name] for tool in tools if tool.name not in found]
    own = {effect.resource for effect in others if effect.kind in {"create", "read"}}
    shown = {effect.resource for effect in others if effect.kind == "list"}
    made = {name for name in found if effects[name].kind == "create"}
    return {
        name: it
        for name, it in found.items()
        if effects[name].resource is None
        or (effects[name].resource not in own and not (name in made and effects[name].resource in shown))
        or effects[name].kind in {"update", "delete"}
    }


def _holds_labels(name: str) -> bool:
    """Whether an argument is called labels, or their keys: `tags`, `TagList`, `resourceTags`; not `label_options`."""
    parts = words(name)
    return parts[-1] in LABELS or (parts[-1] in {"list", "set", "key", "keys"} and bool({*parts[-2:-1]} & LABELS))


def form_of(view: View) -> Form | None:
    """How labels are written at a place; None where it holds none."""
    if view.type == "object":
        rest = view.keyword("additionalProperties")
        return Form() if not view.properties and (rest is True or isinstance(rest, dict)) else None
    items = view.items.properties if view.type == "array" and view.items is not None else {}
    keys, values = _keys_among(items), _values_among(items)
    return Form(keys[0], values[0]) if len(keys) == len(values) == 1 else None


def form_in(value: Json) -> Form | None:
    """The form of labels that are there; None of an empty list."""
    if isinstance(value, dict):
        return Form()
    first = value[0] if isinstance(value, list) and value else None
    if not isinstance(first, dict):
        return None
    keys, values = _keys_among(first), _values_among(first)
    return Form(keys[0], values[0] if values else "value") if len(keys) == 1 else None


def _keys_among(names: Iterable[str]) -> list[str]:
    """The properties of a pair that hold its key."""
    return [name for name in names if words(name)[-1:] in {("key",), ("name",)}]


def _values_among(names: Iterable[str]) -> list[str]:
    """The properties of a pair that hold its value."""
    return [name for name in names if words(name)[-1:] == ("value",)]


def keys_in(given: Json) -> Iterator[str]:
    """The keys to take away: texts, objects with a key, or a map's."""
    for one in given if isinstance(given, list) else []:
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from (one[name] for name in _keys_among(one) if isinstance(one[name], str))
    if isinstance(given, dict):
        yield from given


def _places(top: View) -> Iterator[tuple[tuple[str, ...], Form]]:
    """Where an answer shows labels, at the top or one level below, and how."""
    for name in top.properties:
        child = top.child(name)
        below = [((name, n), child.child(n)) for n in child.properties] if child is not None else []
        for path, place in (((name,), child), *below):
            form = form_of(place) if place is not None and LABELS & {*words(path[-1])} else None
            if form is not None:
                yield path, form
