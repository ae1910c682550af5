"""Tools that add to a list that is a field of a thing, or take out of it: `add_labels(issue_id, labels)`.

Only where nothing else speaks of what they are called after, and the thing shows a list in which the argument's items
fit (`label` of `labels`, too). Definitions tell what a tool adds to; `changed` says what the list is then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gtm.tools.view import View
from gtm.types import Effect, Json, Tool
from gtm.world.fields import last_noun
from gtm.world.hints import argument_names, is_scalar, required_names
from gtm.world.kin import makers_of, shown_in
from gtm.world.words import flat, noun, singular, words

_ADDS = frozenset("add append assign associate attach authorize enable include insert register".split())
_TAKES = frozenset("delete deregister detach disable disassociate exclude remove revoke unassign unregister".split())
_SAID = "it changes the list"


@dataclass(frozen=True, slots=True)
class Addition:
    """What a tool does with a list of a thing."""

    argument: str
    field: str
    adds: bool

    def changed(self, known: Json, given: Json) -> list[Json]:
        """The list after a call."""
        items = list(known) if isinstance(known, list) else []
        parts = given if isinstance(given, list) else [given]
        if self.adds:  # a label is there once, a row may be there twice
            return items + [part for part in parts if not (isinstance(part, str) and part in items)]
        return [item for item in items if not any(_is_part(part, item) for part in parts)]


def _is_part(given: Json, item: Json) -> bool:
    """Whether an item is what is given, or has all of it."""
    if isinstance(given, dict) and isinstance(item, dict):
        return all(item.get(name) == value for name, value in given.items())
    return bool(given == item)


def with_additions(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """Effects in which tools that add to a thing's list, or take out of it, are about the thing."""
    shown = shown_in(effects) - {None}
    things = sorted(name for name in makers_of(effects, tools) if name in shown)
    places = {name: _places(name, tools, effects) for name in things}
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        if effect.kind in {"read", "list", "compute"} or effect.reason == "declared" or effect.resource in shown:
            continue
        if not {*words(tool.name)[:1]} & (_ADDS | _TAKES) or _tells_part(tool):
            continue
        found = [
            (name, key)
            for name in things
            if (key := _naming(tool, name, effects)) and addition_of(tool, places[name], key) is not None
        ]
        if len(found) == 1:
            name, key = found[0]
            told = f"{_SAID} of the {name!r} that {key!r} names"
            settled[tool.name] = Effect(kind="update", resource=name, key=(key,), confidence=0.6, reason=told)
    return settled


def _tells_part(tool: Tool) -> bool:
    """Whether an answer tells the id of what was added: then that is a thing of its own."""
    view, top = View(tool.parameters, tool.parameters), View(tool.output_schema, tool.output_schema)
    inner = [child for name in top.properties if (child := top.child(name)) is not None]
    told = {name for place in (top, *inner) for name in place.properties if words(name)[-1:] == ("id",)}
    return any(flat(name) not in map(flat, view.properties) for name in told)


def changes_list(effect: Effect) -> bool:
    """Whether an update adds to a list or takes out of it."""
    return effect.reason.startswith(_SAID)


def addition_of(tool: Tool, fields: Mapping[str, View], key: str) -> Addition | None:
    """The argument whose items join a list, or leave it, and that list."""
    said, view = words(tool.name), View(tool.parameters, tool.parameters)
    demanded = [name for name in required_names(tool) if name != key]
    about = {singular(word) for word in said[1:]}
    # Where nothing is demanded, rules that the holder's own tool takes (`authorize_group_ingress`) may join them.
    loose = [name for name in view.properties if not demanded and name != key]
    for argument in (demanded or loose) if key and len(demanded) < 2 else ():
        # What the tool is called after joins the list, and nothing else that it takes (`add_risk` with `members`).
        place = view.child(argument)
        rules = place is not None and place.items is not None and bool(place.items.properties)
        said_so = bool(demanded and about & {singular(word) for word in words(argument)})
        if not said_so and not (rules and about & {*words(key)[:-1]}):
            continue
        for field in _lists_for(argument, said, fields) if place is not None else ():
            items = fields[field].items
            given = place.items if place is not None and place.type == "array" else place
            if items is not None and given is not None and given.type == items.type and _is_alike(given, items):
                return Addition(argument, field, said[0] in _ADDS)
    return None


def _lists_for(argument: str, said: Sequence[str], fields: Mapping[str, View]) -> Iterator[str]:
    """The list that an argument is of; one that the tool's name says more of (`permissions_egress`) goes first."""
    wanted = {flat(argument), singular(flat(argument))}
    lists = {name: flat(name) for name, place in fields.items() if place.type == "array"}
    special = {flat(argument) + word for word in said}
    yield from (name for name, plain in lists.items() if plain in special)
    yield from (name for name, plain in lists.items() if wanted & {plain, singular(plain)})


def _is_alike(given: View, items: View) -> bool:
    """Whether objects have a property in common; texts and numbers are alike."""
    own = {flat(name) for name in given.properties}
    return given.type != "object" or bool(own & {flat(name) for name in items.properties})


def _naming(tool: Tool, resource: str, effects: Mapping[str, Effect]) -> str | None:
    """The argument that names a thing of a resource as other tools do; a demanded one goes first."""
    last = flat(last_noun(resource))
    keyed = [e for e in effects.values() if e.resource == resource and e.kind in {"read", "update", "delete"}]
    names = {flat(effect.key[-1]) for effect in keyed if effect.key} | {last + end for end in ("id", "name", "arn")}
    ranked = (*required_names(tool), *argument_names(tool))
    return next((name for name in ranked if is_scalar(tool, name) and flat(name) in names), None)


def _places(resource: str, tools: Sequence[Tool], effects: Mapping[str, Effect]) -> dict[str, View]:
    """The fields of a resource as its readers and lists show them."""
    found: dict[str, View] = {}
    for tool in tools:
        if effects[tool.name].resource != resource or effects[tool.name].kind not in {"read", "list"}:
            continue
        place = _document(tool, resource, many=effects[tool.name].kind == "list")
        for name in place.properties if place is not None else ():
            child = place.child(name) if place is not None else None
            if child is not None:
                found.setdefault(name, child)
    return found


def _document(tool: Tool, resource: str, *, many: bool) -> View | None:
    """Where an answer shows a thing: in what is called as it, or is alone there, else at the top."""
    top = View(tool.output_schema, tool.output_schema)
    inner = [(noun(words(name)), place) for name in top.properties if (place := top.child(name)) is not None]
    fitting = [(name, place) for name, place in inner if place.type == ("array" if many else "object")]
    named = [place for name, place in fitting if name == last_noun(resource)]
    lone = [place for _, place in fitting if len(fitting) == 1 and (many or len(inner) == 1)]
    place = next(iter(named or lone), None)
    if many:
        return place.items if place is not None else None
    return place or top
