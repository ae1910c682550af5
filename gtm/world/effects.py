"""What a call does to the world, inferred from definitions alone, with a confidence and a reason.

Order of evidence: the user's declaration, then HTTP method and path (`gtm.world.paths`), then names, descriptions and
shapes (`gtm.world.naming`); at last the tools of a toolset are made to agree with each other. A tool whose evidence
does not reach `THRESHOLD` is `opaque`: the model sees the history and nothing is stored. Never looks at calls.
"""

from collections import Counter
from collections.abc import Mapping

from gtm.types import Effect, Tool, Toolset
from gtm.world.additions import with_additions
from gtm.world.getters import with_getters
from gtm.world.hints import (
    adrift,
    argument_names,
    demanded_key,
    endings_of,
    is_key_like,
    key_argument,
    required_names,
    selectors,
)
from gtm.world.kin import (
    holds_key,
    with_answered_things,
    with_held_things,
    with_one_name,
    with_searches,
    with_set_fields,
    with_shown_things,
    with_told_things,
)
from gtm.world.naming import about_by_name, action_by_name, effect_by_name, updates_fields
from gtm.world.paths import OF_SEVERAL, Siblings
from gtm.world.several import with_several
from gtm.world.versions import with_pasts
from gtm.world.words import flat, words

THRESHOLD = 0.5
"""Below this an effect is opaque. Half: a wrong write is worse than an unremembered one."""

LONE_READER = 0.55
"""Confidence of readers by name of what nobody writes: enough to pin what they showed. Below it nothing is stored."""

ASKING = frozenset("key apikey token accesstoken authtoken login".split())
"""Arguments (flat names) that say who asks, where most tools of a toolset demand them."""

_KEYED = frozenset({"read", "update", "delete"})
_WORLDLY = _KEYED | {"create", "list"}


def infer_effects(toolset: Toolset, declared: Mapping[str, Effect] | None = None) -> dict[str, Effect]:
    """Effect of every tool by name. `declared` (from `gtm.yaml`) and `Tool.effect` win over inference."""
    siblings = Siblings(toolset.tools)
    common = Counter(name for tool in toolset.tools for name in required_names(tool))
    asking = {n for n, count in common.items() if flat(n) in ASKING and count > max(len(toolset.tools) // 2, 4)}
    effects: dict[str, Effect] = {}
    settled: set[str] = set()
    for tool in toolset.tools:
        own = (declared or {}).get(tool.name) or tool.effect
        path = siblings.paths.get(tool.name)
        if own is not None:
            effects[tool.name] = own
            settled.add(tool.name)
        elif path is not None and path.segments and not path.is_rpc(tool):
            effects[tool.name] = siblings.effect(tool)
            settled.add(tool.name)
        else:
            effects[tool.name] = effect_by_name(_without(tool, asking), common)
    tools = [_without(tool, asking) for tool in toolset.tools if tool.name not in settled]
    effects = _with_upserts(effects, siblings)
    effects = _with_links(effects, [t for t in toolset.tools if effects[t.name].reason != "declared"])
    effects = _with_aliases(effects, tools)
    effects = _with_known_fields(toolset, effects, tools)
    effects = _with_contents(_with_actions(effects, tools, common), tools, common)
    effects = with_told_things(with_answered_things(with_one_name(effects, toolset.tools), tools), tools)
    effects = with_searches(effects, toolset.tools)
    effects = with_getters(with_set_fields(effects, tools), tools)
    effects = with_pasts(with_shown_things(with_held_things(effects, tools), tools), tools)
    effects = with_additions(effects, tools)
    effects = _with_single_things(effects, tools)
    effects = _with_scopes(with_several(_with_lone_readers(effects, tools), tools), tools)
    return _with_loose_ends(effects, tools, common)


def _without(tool: Tool, asking: set[str]) -> Tool:
    """A tool without the arguments that say who asks, where others are left that can name a thing."""
    names = {name for name in required_names(tool) if name not in asking}
    if len(names) == len(required_names(tool)) or not any(is_key_like(name) for name in names):
        return tool
    properties = {name: schema for name, schema in tool.parameters["properties"].items() if name not in asking}
    parameters = {**tool.parameters, "properties": properties}
    return tool.model_copy(update={"parameters": parameters})


def storable(effect: Effect) -> Effect:
    """What the world acts on: nothing below `THRESHOLD`, the kind alone below what is enough to store."""
    if effect.confidence >= LONE_READER:
        return effect
    kind = effect.kind if effect.confidence >= THRESHOLD else "opaque"
    return effect.model_copy(update={"kind": kind, "resource": None, "key": ()})


def _with_upserts(effects: dict[str, Effect], siblings: Siblings) -> dict[str, Effect]:
    """A PUT on an item path creates what is absent where nothing else creates that resource."""
    alone = (effect for effect in effects.values() if not effect.reason.startswith(OF_SEVERAL))
    created = {effect.resource for effect in alone if effect.kind == "create"}
    puts = {name for name, path in siblings.paths.items() if path.method == "PUT"}
    return {
        name: effect.model_copy(update={"upsert": True})
        if effect.kind == "update" and name in puts and effect.resource not in created
        else effect
        for name, effect in effects.items()
    }


def _with_links(effects: dict[str, Effect], tools: list[Tool]) -> dict[str, Effect]:
    """`AddUserToGroup` beside `CreateUser` makes no user: it ties one to another thing."""
    created = {name for name, effect in effects.items() if effect.kind == "create"}
    ties = {tool.name for tool in tools if tool.name in created and {"to", "with"} & set(words(tool.name))}
    makers = {effects[name].resource for name in created - ties}
    return {
        name: adrift("update", f"ties a {effect.resource!r} to another thing")
        if name in ties and effect.resource in makers
        else effect
        for name, effect in effects.items()
    }


def _with_aliases(effects: dict[str, Effect], tools: list[Tool]) -> dict[str, Effect]:
    """`read_text_file` and `get_file_url` beside `write_file`: what nobody writes is the written thing it names."""
    written = {effect.resource for effect in effects.values() if effect.kind in {"create", "update"}}
    spoken_of = {effect.resource for effect in effects.values()}
    aliased = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        stem = (effect.resource or "").removesuffix("_data")
        if stem != effect.resource and stem in spoken_of:  # `pet_data` beside `pet`
            effect = aliased[tool.name] = effect.model_copy(update={"resource": stem})
        if effect.resource is None or effect.resource in written:
            continue
        parts = effect.resource.split("_")
        names = ["_".join(parts[at:]) for at in range(1, len(parts))]
        names += ["_".join(parts[:-1])] if parts[-1] in {"id", "url", "arn", "name", "info"} else []
        known = next((name for name in names if name in written), None)
        if known is not None:
            aliased[tool.name] = effect.model_copy(update={"resource": known})
    return aliased


def _with_actions(effects: dict[str, Effect], tools: list[Tool], common: Mapping[str, int]) -> dict[str, Effect]:
    """`start_instance(id)` is an update where instances are read elsewhere."""
    readable = {effect.resource for effect in effects.values() if effect.kind in {"read", "list"} and effect.resource}
    created = {effect.resource for effect in effects.values() if effect.kind == "create" and effect.resource}
    doubtful = [tool for tool in tools if effects[tool.name].kind == "opaque"]
    found = {tool.name: action_by_name(tool, readable, created, common) for tool in doubtful}
    return {name: found.get(name) or effect for name, effect in effects.items()}


def _with_known_fields(toolset: Toolset, effects: dict[str, Effect], tools: list[Tool]) -> dict[str, Effect]:
    """An update by name must set something that the resource is known to have; else what it changes is unknown."""
    known: dict[str, set[str]] = {}
    for tool in toolset.tools:
        effect = effects[tool.name]
        if (effect.resource and effect.kind == "create") or effect.upsert:
            known.setdefault(effect.resource or "", set()).update(flat(name) for name in argument_names(tool))
    checked = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        fields = known.get(effect.resource or "")
        others = {flat(name) for name in argument_names(tool) if name not in effect.key}
        if effect.kind == "update" and fields and others and not fields & others and not updates_fields(tool):
            checked[tool.name] = adrift("update", "an update whose arguments are not fields of the thing")
    return checked


def _with_single_things(effects: dict[str, Effect], tools: list[Tool]) -> dict[str, Effect]:
    """A write by name that names no thing is for a resource of which there is one; among keyed ones it is unclear."""
    keyed = {effect.resource: effect.key for effect in effects.values() if effect.kind in _KEYED and effect.key}
    unclear = {
        tool.name
        for tool in tools
        if (effect := effects[tool.name]).kind in _KEYED - {"read"} and not effect.key and effect.resource in keyed
    }
    required = {tool.name: {*required_names(tool)} for tool in tools}
    by_name = {tool.name: tool for tool in tools}
    settled = dict(effects)
    for name in unclear:
        effect = effects[name]
        key = keyed[effect.resource]
        if {*key} <= required[name]:
            settled[name] = effect.model_copy(update={"key": key, "reason": f"{effect.reason}, named as elsewhere"})
        elif effect.kind == "update" and len(key) == 1 and holds_key(by_name[name], effect.resource or "", key[0]):
            told = f"{effect.reason}, named inside of its argument"
            upsert = effect.upsert or words(name)[:1] == ("put",)
            settled[name] = effect.model_copy(update={"key": key, "upsert": upsert, "reason": told})
        else:
            told = f"a {effect.kind} that does not say of which {effect.resource!r}"
            settled[name] = adrift(effect.kind, told)
    return settled


def _with_contents(effects: dict[str, Effect], tools: list[Tool], common: Mapping[str, int]) -> dict[str, Effect]:
    """`put_container_policy(container_name, policy)`: what is called as the thing is its text.

    Only where a reader demands the other argument alone, and no tool names the thing by this one.
    """
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        if not effect.upsert or len(effect.key) != 1 or effect.resource is None:
            continue
        text, other = flat(effect.key[0]), demanded_key(tool, common)
        if other is None or text not in map(flat, endings_of(effect.resource)):
            continue
        same = [t for t in tools if effects[t.name].resource == effect.resource]
        kept = [t for t in same if effects[t.name].kind in {"read", "delete"}]
        alone = any(effects[t.name].kind == "read" and required_names(t) == (other,) for t in kept)
        if alone and not any(text in map(flat, argument_names(t)) for t in kept):
            told = f"{effect.reason}, which is its text: the key is {other!r}"
            settled[tool.name] = effect.model_copy(update={"key": (other,), "reason": told})
    return settled


def _with_lone_readers(effects: dict[str, Effect], tools: list[Tool]) -> dict[str, Effect]:
    """Readers by name of what nobody writes: pinned, but no answer's shape is to be derived from arguments alone.

    Without a key of its own, a thing is named by all arguments that select it (a forecast by city and date).
    """
    written = {effect.resource for effect in effects.values() if effect.kind in {"create", "update"}}
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        if effect.kind not in {"read", "list"} or effect.resource is None or effect.resource in written:
            continue
        if written and effect.kind == "read" and effect.confidence <= LONE_READER:
            settled[tool.name] = adrift("read", f"{effect.reason}, of what may follow from what others write")
        else:
            key = effect.key
            if effect.kind == "read" and key_argument(tool, effect.resource) is None:
                demanded = sorted(required_names(tool), key=lambda name: not name.lower().startswith("x-"))
                key = (*selectors(tool), *demanded)
            settled[tool.name] = effect.model_copy(update={"confidence": LONE_READER, "key": key})
    return settled


def _with_scopes(effects: dict[str, Effect], tools: list[Tool]) -> dict[str, Effect]:
    """Parents' keys for tools known by name: arguments that every tool of a resource requires."""
    groups: dict[str, list[Tool]] = {}
    for tool in tools:
        effect = effects[tool.name]
        if effect.resource and effect.kind not in {"compute", "opaque"}:
            groups.setdefault(effect.resource, []).append(tool)
    scoped = dict(effects)
    for group in groups.values():
        kinds = {effects[tool.name].kind for tool in group}
        # A lone create needs its own fields: only what a keyed tool also demands is a parent's key.
        if not kinds & {"create", "list"} or not kinds & _KEYED:
            continue
        shared = [
            name
            for name in required_names(group[0])
            if all(name in required_names(tool) and name not in effects[tool.name].key for tool in group)
        ]
        for tool in group:
            scoped[tool.name] = effects[tool.name].model_copy(update={"key": (*shared, *effects[tool.name].key)})
    return scoped


def _with_loose_ends(effects: dict[str, Effect], tools: list[Tool], common: Mapping[str, int]) -> dict[str, Effect]:
    """What is not stored says what it is about all the same, as far as its own definition tells."""
    loose = [tool for tool in tools if effects[tool.name].kind in _WORLDLY and effects[tool.name].resource is None]
    found = {tool.name: about_by_name(tool, effects[tool.name].kind, common) for tool in loose}
    return {
        name: effect.model_copy(update=dict(zip(("resource", "key"), found[name], strict=True)))
        if name in found
        else effect
        for name, effect in effects.items()
    }
