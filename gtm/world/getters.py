"""Tools of one field of a thing: `GetQueueAttributes(QueueUrl)` shows what `CreateQueue(Attributes)` was given.

Such a reader, and a writer beside it (`SetQueueAttributes(QueueUrl, Attributes)`), are about the queue, where nothing
of the kind is made by itself. Definitions only.
"""

from collections.abc import Iterator, Mapping, Sequence

from gtm.tools.view import View
from gtm.types import Effect, Tool
from gtm.world.fields import last_noun
from gtm.world.hints import ID_ENDINGS, argument_names, required_names
from gtm.world.kin import makers_of
from gtm.world.labels import LABELS
from gtm.world.words import flat, noun, words

_ADDRESSES = frozenset({*ID_ENDINGS, "name", "url"})
_KINDS = frozenset({"read", "list", "update"})


def with_getters(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """Effects in which readers and writers of one field are about the thing that has it."""
    groups: dict[str, list[Tool]] = {}
    for tool in tools:
        groups.setdefault(effects[tool.name].resource or "", []).append(tool)
    made = makers_of(effects, tools)
    settled = dict(effects)
    for resource, group in groups.items():
        if {effects[tool.name].kind for tool in group} <= _KINDS:
            owner = next((name for name in made if resource.startswith(f"{name}_")), None)
            found = _about(owner, resource, group, made[owner], effects) if owner is not None else {}
            settled |= found
    return settled


def _about(
    owner: str, resource: str, group: Sequence[Tool], makers: Sequence[Tool], effects: Mapping[str, Effect]
) -> dict[str, Effect]:
    """The effects of a field's tools, where all of them name its owner and something sets what they show."""
    said = resource.removeprefix(f"{owner}_")
    readers = [tool for tool in group if effects[tool.name].kind != "update"]
    writers = [tool for tool in group if effects[tool.name].kind == "update"]
    field = next((name for tool in readers for name in _shown(tool, said)), None)
    named = {tool.name: _naming(tool, owner) for tool in group}
    if field is None or LABELS & {*words(field)} or not all(named.values()):
        return {}
    if any(not [*_shown(tool, said)] for tool in readers) or any(not _sets(tool, field) for tool in writers):
        return {}
    if not any(_takes(tool, field, readers[0]) for tool in (*writers, *makers)):
        return {}
    if any(effects[tool.name].reason == "declared" for tool in group):
        return {}
    told = f"which is about {field!r} of the {owner!r} that is named"
    return {
        tool.name: Effect(
            kind="update" if tool in writers else "read",
            resource=owner,
            key=(named[tool.name] or "",),
            confidence=0.6,
            reason=f"{effects[tool.name].reason}, {told}",
        )
        for tool in group
    }


def _naming(tool: Tool, owner: str) -> str | None:
    """The demanded argument that names the owner; None where there is none, or more is demanded of a reader."""
    forms = {flat(last_noun(owner)) + ending for ending in _ADDRESSES}
    return next((name for name in required_names(tool) if flat(name) in forms), None)


def _shown(tool: Tool, said: str) -> Iterator[str]:
    """The property of an answer that is called as the field: a map, an object or an array."""
    top = View(tool.output_schema, tool.output_schema)
    for name in top.properties:
        place = top.child(name)
        if noun(words(name)) == said and place is not None and place.type in {"object", "array"}:
            yield name


def _sets(tool: Tool, field: str) -> bool:
    """Whether a writer takes the field, whole or one entry of it (`AttributeName`, `AttributeValue`)."""
    one = flat(noun(words(field)))
    names = {flat(name) for name in argument_names(tool)}
    return flat(field) in names or {f"{one}name", f"{one}value"} <= names


def _takes(tool: Tool, field: str, reader: Tool) -> bool:
    """Whether a tool takes what a reader shows, in the same form."""
    view, top = View(tool.parameters, tool.parameters), View(reader.output_schema, reader.output_schema)
    given = next((view.child(name) for name in view.properties if flat(name) == flat(field)), None)
    shown = top.child(field)
    if given is None or shown is None or given.type != shown.type:
        return False
    return given.items is None or shown.items is None or given.items.type == shown.items.type
