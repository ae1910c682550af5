"""Arguments that hold a thing's fields (`{"issue": {...}}`, a whole body), and what is inside of them."""

from gtm.tools.view import View
from gtm.types import Effect, Json, Tool
from gtm.world.fields import is_wrapper, object_properties
from gtm.world.words import flat


def unwrapped(tool: Tool, wrappers: frozenset[str]) -> dict[str, Json]:
    """A tool's arguments with what wrappers hold in their place: name -> schema."""
    found: dict[str, Json] = {}
    view = View(tool.parameters, tool.parameters)
    for name, schema in view.properties.items():
        if name in wrappers:
            inner = view.child(name)
            for field in object_properties(inner):
                child = inner.child(field) if inner else None
                found.setdefault(field, child.flat if child else {})
        else:
            found[name] = schema
    return found


def wrappers_of(
    tool: Tool, effect: Effect, shown: frozenset[str], holders: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Object arguments that hold the thing's fields; `shown` are flat names of what readers show.

    `holders` are the properties in which readers show it: an argument that is called so holds it, too.
    """
    if effect.kind not in {"create", "update"}:
        return frozenset()
    slots = tool.http.slots if tool.http else {}
    view = View(tool.parameters, tool.parameters)
    found = set[str]()
    for name in view.properties:
        child = view.child(name)
        if name in effect.key or child is None or child.type not in {"object", ""}:
            continue
        inner = tuple(object_properties(child))
        whole = name in slots and slots[name].place == "whole_body"
        held = name in holders and 2 * sum(flat(field) in shown for field in inner) > len(inner)
        if (
            held
            or is_wrapper(name, whole, inner, effect.resource or "", shown)
            or (effect.kind == "create" and _is_answered(tool, name, inner))
        ):
            found.add(name)
    return frozenset(found)


def _is_answered(tool: Tool, name: str, inner: tuple[str, ...]) -> bool:
    """Whether an answer shows nothing but what is called as the argument, with the same fields."""
    top = View(tool.output_schema, tool.output_schema)
    place = top.child(name) if [*top.properties] == [name] else None
    return place is not None and bool(inner) and 2 * len({*inner} & {*place.properties}) > len(inner)
