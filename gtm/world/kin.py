"""One thing under several names: what is made as a `profile_job` and read as a `job`, or listed under another noun.

Only what is made and never shown, or shown and never made, is looked at: there nothing that is known can be lost.
Looks at one toolset's definitions and the effects inferred so far.
"""

from collections.abc import Collection, Mapping, Sequence

from gtm.tools.view import View
from gtm.types import Effect, Tool
from gtm.world.fields import bare, last_noun
from gtm.world.hints import HOLDERS, ID_ENDINGS, argument_names, endings_of, required_names, top_arrays
from gtm.world.words import flat, noun, words

_SHARED = 2
"""Fields that a list without keyed siblings must have in common with what makes its things."""


def with_one_name(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """Effects in which makers and readers speak of a thing by one name."""
    return _with_shown_names(_with_shorter_names(effects, tools), tools)


def _with_shorter_names(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`CreateProfileJob(Name)` beside `DescribeJob(Name)` makes a job, where nothing shows a profile job."""
    shown, every = _shown(effects), _makers(effects, tools)
    shorter: dict[str, str] = {}
    for resource, makers in every.items():
        prefix = resource[: len(resource) - len(last_noun(resource))]
        names = (prefix + ending for ending in endings_of(resource)[1:])
        known = next((name for name in names if name in shown), None)
        # `cart_product` beside `product`: what others make, or what only belongs to something, is no kind of it.
        if resource in shown or known is None or known in every or _belongs(resource, known, makers, effects):
            continue
        if all(_tells(t, known, effects, tools) for t in makers):
            shorter[resource] = known
    named = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        if effect.reason == "declared":
            continue
        if effect.resource in shorter:
            named[tool.name] = effect.model_copy(update={"resource": shorter[effect.resource]})
        elif effect.kind == "read" and effect.resource in shorter.values() and not required_names(tool):
            # `DescribeAlarms` that answers `MetricAlarms` and `CompositeAlarms`
            longer = {last_noun(name) for name, known in shorter.items() if known == effect.resource}
            if longer & {noun(words(name)) for name in top_arrays(tool)}:
                named[tool.name] = effect.model_copy(update={"kind": "list"})
    return named


def _with_shown_names(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`DescribePolicies` that answers `ScalingPolicies` lists what `PutScalingPolicy` makes; nothing else does."""
    shown = _shown(effects)
    unseen = [resource for resource in _makers(effects, tools) if resource not in shown]
    written = {effect.resource for effect in effects.values() if effect.kind not in {"read", "list"}}
    named: dict[str, list[str]] = {}
    for tool in tools:
        effect = effects[tool.name]
        if effect.kind not in {"read", "list"} or effect.reason == "declared" or required_names(tool):
            continue
        if effect.resource in written:
            continue
        # `Items` may be anything.
        within = (effect.resource or "").rpartition("/")[0]
        found = [(within, noun(words(name))) for name in top_arrays(tool) if flat(name) not in HOLDERS]
        known = next((resource for resource in unseen if _split(resource) in found), None)
        if known is not None:
            named.setdefault(known, []).append(tool.name)
    # Of several (`list_pending`, `list_completed`) each shows a part, and none tells which.
    lone = {names[0]: known for known, names in named.items() if len(names) == 1}
    return {
        name: effect.model_copy(
            update={"kind": "list", "resource": lone[name], "reason": f"{effect.reason}; it shows {lone[name]!r}"}
        )
        if name in lone
        else effect
        for name, effect in effects.items()
    }


def _split(resource: str) -> tuple[str, str]:
    within, _, last = resource.rpartition("/")
    return within, last


def _makers(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, list[Tool]]:
    """Resource -> the tools that make things of it."""
    found: dict[str, list[Tool]] = {}
    for tool in tools:
        effect = effects[tool.name]
        if effect.resource and (effect.kind == "create" or effect.upsert):
            found.setdefault(effect.resource, []).append(tool)
    return found


def _shown(effects: Mapping[str, Effect]) -> set[str | None]:
    return {effect.resource for effect in effects.values() if effect.kind in {"read", "list"}}


def _tells(maker: Tool, resource: str, effects: Mapping[str, Effect], tools: Sequence[Tool]) -> bool:
    """Whether a tool takes or answers the key by which a resource's things are called; a mere list shares fields."""
    own = [(tool, effects[tool.name]) for tool in tools if effects[tool.name].resource == resource]
    keys = {effect.key[-1] for _, effect in own if effect.kind in {"read", "update", "delete"} and effect.key}
    last = last_noun(resource)
    # Who takes an id does not make the thing, who takes a name may.
    taken = (name for name in argument_names(maker) if not _is_id(name))
    told = {flat(name) for name in (*taken, *_answered(maker))}
    if keys:
        return any({flat(key), bare(key, last)} & told for key in keys)
    return any(len({flat(name) for name in _listed(tool)} & told) >= _SHARED for tool, _ in own)


def _belongs(resource: str, known: str, makers: Sequence[Tool], effects: Mapping[str, Effect]) -> bool:
    """Whether things of a longer name are another's (`user_role`): they are taken away as such, or only added."""
    before = last_noun(resource).removesuffix(last_noun(known)).strip("_")
    taken = any(effect.resource == resource and effect.kind == "delete" for effect in effects.values())
    holders = {"_".join(words(name)[:-1]) for tool in makers for name in argument_names(tool) if _is_id(name)}
    return taken or before in holders or any(words(tool.name)[:1] == ("add",) for tool in makers)


def _is_id(name: str) -> bool:
    return words(name)[-1:] in {(ending,) for ending in ID_ENDINGS}


def _answered(tool: Tool) -> Collection[str]:
    """Properties of an answer, at its top and one level below."""
    top = View(tool.output_schema, tool.output_schema)
    below = [child for name in top.properties if (child := top.child(name)) is not None]
    return [*top.properties, *(name for child in below for name in child.properties)]


def _listed(tool: Tool) -> Collection[str]:
    """Properties of the things in an answer's arrays."""
    top = View(tool.output_schema, tool.output_schema)
    items = [child.items for name in top.properties if (child := top.child(name)) is not None and child.items]
    return [name for item in items for name in item.properties]
