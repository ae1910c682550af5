"""One thing under several names: what is made as a `profile_job` and read as a `job`, or listed under another noun.

A field that has a tool of its own (`set_desired_capacity(group, capacity)`) is a field of the thing that it names.
Only what is made and never shown, or shown and never made, is looked at: there nothing that is known can be lost.
Looks at one toolset's definitions and the effects inferred so far.
"""

from collections.abc import Collection, Mapping, Sequence

from gtm.tools.view import View
from gtm.types import Effect, Tool
from gtm.world.fields import bare, last_noun
from gtm.world.hints import (
    HOLDERS,
    ID_ENDINGS,
    argument_names,
    endings_of,
    is_key_like,
    key_argument,
    required_names,
    top_arrays,
)
from gtm.world.spoken import spoken_verb
from gtm.world.words import flat, is_plural, noun, words

_SHARED = 2
"""Fields that a list without keyed siblings must have in common with what makes its things."""


def with_one_name(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """Effects in which makers and readers speak of a thing by one name."""
    return _with_shown_names(_with_shorter_names(effects, tools), tools)


def _with_shorter_names(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`CreateProfileJob(Name)` beside `DescribeJob(Name)` makes a job, where nothing shows a profile job."""
    shown, every = shown_in(effects), makers_of(effects, tools)
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
    shown = shown_in(effects)
    unseen = [resource for resource in makers_of(effects, tools) if resource not in shown]
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


def with_searches(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`SearchIndex` that answers `things` lists the things that other tools make, where nothing makes indices."""
    shown, made = shown_in(effects), makers_of(effects, tools)
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        if effect.kind not in {"read", "list", "opaque"} or effect.resource in made or effect.reason == "declared":
            continue
        if not {"search", "query"} & {*words(tool.name)[:1]}:
            continue
        things = {last_noun(name): name for name in sorted(made) if name in shown}
        found = next((things[n] for name in top_arrays(tool) if (n := noun(words(name))) in things), None)
        if found is not None and "/" not in found:
            why = f"{effect.reason}, which finds each {found!r}"
            settled[tool.name] = Effect(kind="list", resource=found, key=(), confidence=0.6, reason=why)
    return settled


def with_set_fields(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`SetDesiredCapacity(GroupName, DesiredCapacity)` changes the group that shows a `DesiredCapacity`.

    Only where nothing else speaks of what the tool is called after, and all that it demands is the group's.
    """
    groups: dict[str | None, list[Tool]] = {}
    for tool in tools:
        groups.setdefault(effects[tool.name].resource, []).append(tool)
    alone = {name for name, group in groups.items() if {effects[tool.name].kind for tool in group} == {"update"}}
    shown = shown_in(effects)
    made = shown & makers_of(effects, tools).keys()
    things = [(n, _called(n, group, effects), _fields(group, effects)) for n, group in groups.items() if n in made]
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        if effect.resource not in alone or effect.reason == "declared":
            continue
        verb = spoken_verb(tool)
        if verb is None or verb[0].verb not in _SETTING:
            continue
        demanded = required_names(tool)
        for name, called, fields in things:
            own = [argument for argument in demanded if flat(argument) in called][:1]
            others = [argument for argument in demanded if argument not in own]
            if not own or not others or name is None or name == effect.resource:
                continue
            fits = all(flat(n) in fields for n in others) and _is_about(effect.resource or "", name, others)
            if fits and not _is_pair(own[0], others, tool, tools):
                told = f"{effect.reason}, which sets fields of the {name!r} that {own[0]!r} names"
                settled[tool.name] = Effect(kind="update", resource=name, key=(own[0],), confidence=0.6, reason=told)
    return settled


def _is_about(said: str, resource: str, fields: Sequence[str]) -> bool:
    """Whether what a setter is called after is the thing, or one of the fields: no `cart_quantity` of a product."""
    return last_noun(said).startswith(f"{last_noun(resource)}_") or any(flat(said) in flat(name) for name in fields)


def _is_pair(own: str, fields: Sequence[str], setter: Tool, tools: Sequence[Tool]) -> bool:
    """Whether another tool that adds something demands the same (`add_to_cart(product_id, quantity)`)."""
    others = (tool for tool in tools if tool.name != setter.name and words(tool.name)[:1] == ("add",))
    return any({own, *fields} <= {*required_names(tool)} for tool in others)


_SETTING = frozenset("set update modify put change configure edit".split())
"""Verbs of tools that set a field, and do not add to it (`enable_zones`)."""


def with_answered_things(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`AssociateResolverRule` that answers a `ResolverRuleAssociation` makes one, where nothing else does."""
    shown, made = shown_in(effects), makers_of(effects, tools).keys()
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        if effect.kind != "update" or effect.upsert or effect.reason == "declared" or effect.resource is None:
            continue
        top = View(tool.output_schema, tool.output_schema)
        places = ((noun(words(name)), top.child(name)) for name in top.properties)
        answered = [name for name, place in places if place is not None and place.type == "object"]
        name = answered[0] if len(answered) == 1 else ""
        # It says both what it is about and what it makes.
        if name in shown - made and name.startswith(f"{effect.resource}_") and {*words(tool.name)[:1]} & _TYING:
            told = f"{effect.reason}, which answers a new {name!r}"
            settled[tool.name] = Effect(kind="create", resource=name, key=(), confidence=0.6, reason=told)
    return settled


def with_told_things(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`RequestFleet` that answers a `FleetRequestId`, and no other id, makes one, where nothing else does."""
    shown, made = shown_in(effects), makers_of(effects, tools).keys()
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        own = {*words(effect.resource or "")}
        said = {*words(tool.name)} & own
        if effect.kind != "create" or effect.reason == "declared" or (said and effect.resource in shown):
            continue
        top = View(tool.output_schema, tool.output_schema)
        told = {"_".join(words(name)[:-1]) for name in top.properties if words(name)[-1:] in {("id",), ("arn",)}}
        name = told.pop() if len(told) == 1 else ""
        given = {"_".join(words(argument)[:-1]) for argument in argument_names(tool) if is_key_like(argument)}
        # A `reminder` that tells a `user_id` is no user, and a bid makes no auction.
        if name in shown - given - made and (not said or own <= {*words(name)}):
            why = f"{effect.reason}, which answers the key of a new {name!r}"
            settled[tool.name] = effect.model_copy(update={"resource": name, "reason": why})
    return settled


def with_shown_things(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`DescribeTaskSets(cluster, service)` that answers `taskSets` lists what `CreateTaskSet` makes."""
    makers = makers_of(effects, tools)
    settled = dict(effects)
    for tool in tools:
        effect, verb = effects[tool.name], spoken_verb(tool)
        if effect.kind != "read" or effect.reason == "declared" or verb is None:
            continue
        resource = noun(verb[0].about)
        own = key_argument(tool, resource)
        arrays = {noun(words(name)) for name in top_arrays(tool)}
        named = own is not None and own in effect.key
        same = [e for name, e in effects.items() if e.resource == resource and name != tool.name]
        alike = any(e.key == effect.key and e.kind in {"update", "delete"} for e in same)  # `PutSelectors(TrailName)`
        if resource in makers and _says_several(tool) and resource in arrays and not named and not alike:
            told = f"{effect.reason}, which answers several"
            settled[tool.name] = Effect(kind="list", resource=resource, key=(), confidence=0.6, reason=told)
    return settled


def with_held_things(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, Effect]:
    """`PutImage(repositoryName, ...)` makes one more of what `ListImages(repositoryName)` lists in a repository.

    Only where the other thing is all that it names, and nothing reads a lone image of a repository.
    """
    makers = makers_of(effects, tools)
    settled = dict(effects)
    for tool in tools:
        effect = effects[tool.name]
        if not effect.upsert or len(effect.key) != 1 or effect.reason == "declared" or _says_several(tool):
            continue
        named = effect.key[0]
        holder = "_".join(words(named)[:-1]) if is_key_like(named) else ""
        if holder not in makers or holder == effect.resource or named not in required_names(tool):
            continue
        same = [other for other in tools if effects[other.name].resource == effect.resource and other is not tool]
        listed = [other for other in same if effects[other.name].kind == "list" and named in required_names(other)]
        others = [other for other in same if effects[other.name].kind != "list" and not _says_several(other)]
        lone = [o for o in others if required_names(o) == (named,) or named in effects[o.name].key]
        if listed and not lone:
            told = f"{effect.reason}, of a {holder!r} that holds several"
            settled[tool.name] = Effect(kind="create", resource=effect.resource, confidence=0.6, reason=told)
    return settled


def _says_several(tool: Tool) -> bool:
    """Whether a tool's name says that there are several things: a plural, or `batch`."""
    verb = spoken_verb(tool)
    plural = verb is not None and bool(verb[0].about) and is_plural(verb[0].about[-1])
    return plural or bool({"batch", "bulk"} & {*words(tool.name)})


_TYING = frozenset("associate attach link connect bind assign".split())
"""First words of tools that tie things."""


def holds_key(tool: Tool, resource: str, key: str) -> bool:
    """Whether a tool's one object argument, called as the thing, has the thing's key inside."""
    view = View(tool.parameters, tool.parameters)
    objects = [name for name in view.properties if (child := view.child(name)) is not None and child.properties]
    inner = view.child(objects[0]) if len(objects) == 1 and noun(words(objects[0])) == last_noun(resource) else None
    return inner is not None and key in inner.properties and key not in view.properties


def _called(resource: str | None, group: Sequence[Tool], effects: Mapping[str, Effect]) -> set[str]:
    """Flat names of arguments that name one thing of a resource and nothing else."""
    last = flat(last_noun(resource or ""))
    forms = {last + ending for ending in ("", "id", "name", "arn")}
    keyed = [effects[tool.name].key for tool in group if effects[tool.name].kind in {"read", "update", "delete"}]
    return {flat(key[-1]) for key in keyed if key} & forms or ({*forms} - {last} if not any(keyed) else set())


def _fields(group: Sequence[Tool], effects: Mapping[str, Effect]) -> set[str]:
    """Flat names of what readers and lists of a resource show."""
    found = {flat(name) for tool in group if effects[tool.name].kind == "list" for name in listed_fields(tool)}
    for tool in group:
        if effects[tool.name].kind == "read":
            top = View(tool.output_schema, tool.output_schema)
            inner = [top.child(name) for name in top.properties]
            own = inner[0] if len(inner) == 1 and inner[0] is not None and inner[0].properties else top
            found |= {flat(name) for name in own.properties}
    return found


def _split(resource: str) -> tuple[str, str]:
    within, _, last = resource.rpartition("/")
    return within, last


def makers_of(effects: Mapping[str, Effect], tools: Sequence[Tool]) -> dict[str, list[Tool]]:
    """Resource -> the tools that make things of it."""
    found: dict[str, list[Tool]] = {}
    for tool in tools:
        effect = effects[tool.name]
        if effect.resource and (effect.kind == "create" or effect.upsert):
            found.setdefault(effect.resource, []).append(tool)
    return found


def shown_in(effects: Mapping[str, Effect]) -> set[str | None]:
    """The resources of which things are read or listed."""
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
    return any(len({flat(name) for name in listed_fields(tool)} & told) >= _SHARED for tool, _ in own)


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


def listed_fields(tool: Tool) -> Collection[str]:
    """Properties of the things in an answer's arrays."""
    top = View(tool.output_schema, tool.output_schema)
    items = [child.items for name in top.properties if (child := top.child(name)) is not None and child.items]
    return [name for item in items for name in item.properties]
