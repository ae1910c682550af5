"""Tools that write or take away several things by one call: `put_vectors(vectors)`, `delete_entities(entityNames)`.

Definitions only. What such a call does is in `gtm.world.batch`.
"""

from collections.abc import Mapping, Sequence

from gtm.tools.view import View
from gtm.types import Effect, Tool
from gtm.world.fields import last_noun
from gtm.world.hints import argument_names, effect, is_scalar, required_names
from gtm.world.kin import makers_of, shown_in
from gtm.world.labels import labelling_of
from gtm.world.spoken import spoken_verb
from gtm.world.words import flat, is_plural, noun, singular, words

SEVERAL = "several things"
"""How the reason of a call begins that holds or names them."""
_STORES = frozenset("put write insert upsert register import store save publish create add batch".split())
BATCHES = frozenset("items records entries objects elements values data body list rows array".split())
"""Arguments (flat names) that hold things of whatever kind."""
_NAMES = frozenset("ids keys names arns identifiers urls paths id key name arn".split())


def with_several(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """Effects of tools known by name that hold, or name, several things that other tools show."""
    shown = shown_in(effects)
    settled = dict(effects)
    for tool in tools:
        own = effects[tool.name]
        verb = spoken_verb(tool) if own.kind in {"create", "update", "delete", "opaque"} else None
        if verb is None or own.reason == "declared":
            continue
        resource = noun(verb[0].about)
        if (
            not resource
            or resource not in shown
            or not says_several(tool, resource)
            or labelling_of(tool) is not None
        ):
            continue
        held = things_argument(tool, resource) if verb[0].verb in _STORES and own.kind != "delete" else None
        named = names_argument(tool, resource) if own.kind == "delete" and "from" not in words(tool.name) else None
        if held is not None and own.kind != "create":
            settled[tool.name] = effect("create", resource, (), 0.7, f"{SEVERAL} in {held!r}")
        elif named is not None:
            settled[tool.name] = effect("delete", resource, (), 0.7, f"{SEVERAL} named by {named!r}")
    makers = makers_of(settled, tools)
    out = {t.name for t in tools if _takes_out(t, settled[t.name], makers.get(settled[t.name].resource or "", []))}
    return {name: effects[name] if name in out else effect for name, effect in settled.items()}


def _takes_out(tool: Tool, own: Effect, makers: Sequence[Tool]) -> bool:
    """Whether things are only taken out of something that they were not made in (a cart), or nothing makes them."""
    if own.kind != "delete" or not is_several(own):
        return False
    around = {name for name in required_names(tool) if is_scalar(tool, name)}
    return not makers or any(not around <= {*argument_names(maker)} for maker in makers)


def is_several(effect: Effect) -> bool:
    """Whether a call holds, or names, several things."""
    return effect.reason.startswith(SEVERAL)


def things_argument(tool: Tool, resource: str) -> str | None:
    """The demanded argument that holds several things of a resource: an array of objects, all else scalars."""
    lone = _lone_array(tool)
    place = View(tool.parameters, tool.parameters).child(lone) if lone is not None else None
    if lone is None or place is None or place.items is None or place.items.type != "object":
        return None
    last = last_noun(resource)
    alike = noun(words(lone)) == last or singular(flat(lone)) == flat(last)
    return lone if alike or flat(lone) in BATCHES else None


def names_argument(tool: Tool, resource: str) -> str | None:
    """The demanded argument that names several things of a resource: an array, called as they or their keys are."""
    lone = _lone_array(tool)
    if lone is None:
        return None
    parts, last = words(lone), flat(last_noun(resource))
    plain = singular("".join(parts))
    alike = plain == last or (parts[-1] in _NAMES and "".join(parts[:-1]) in {"", last, singular(last)})
    return lone if alike or noun(parts) == last_noun(resource) else None


def _lone_array(tool: Tool) -> str | None:
    """The one demanded argument that is no scalar, where it is an array."""
    several = [name for name in required_names(tool) if not is_scalar(tool, name)]
    place = View(tool.parameters, tool.parameters).child(several[0]) if len(several) == 1 else None
    return several[0] if place is not None and place.type == "array" else None


def says_several(tool: Tool, resource: str) -> bool:
    """Whether a tool's name says that there are several."""
    last = words(last_noun(resource))[-1]
    parts = words(tool.name)
    return bool({"batch", "bulk"} & {*parts}) or any(is_plural(word) and singular(word) == last for word in parts)
