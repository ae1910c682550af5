"""What the arguments and the answer of a definition hint at: the key of a thing, one thing or several.

Shared by paths and names (`gtm.world.paths`, `gtm.world.naming`). Looks at one definition at a time.
"""

from collections.abc import Mapping

from gtm.tools.view import View
from gtm.types import Effect, Tool
from gtm.world.words import flat, singular, words

ID_ENDINGS = tuple("id identifier uuid guid gid sid uid key pk arn".split())


NAME_ENDINGS = tuple("name number slug path code sku email uri url hash handle ref token".split())
"""Last words of an argument that can identify a thing, best first: made to identify, or able to."""


_LOOKS = frozenset(
    "fields expand include exclude format verbose pretty locale language lang callback view version raw output apikey"
    " accesstoken token sessiontoken requestid prettyprint sort order limit page pagesize perpage offset".split()
)
"""Arguments (flat names) that change how an answer looks or who asks."""

_AROUND = frozenset(
    "total count page next previous prev limit offset cursor token size has more kind etag links meta metadata url"
    " status success message marker truncated errors error warnings ok paging pagination request".split()
)
"""Words of answer properties that stand around a list or a thing."""

HOLDERS = frozenset("data items results result value values list entries records resources".split())
"""Properties (flat names) that hold a list's things whatever they are called."""

_PLACES = frozenset("offset page next previous startat islast".split())
_SIZES = frozenset("total totalcount count limit perpage pagesize maxresults".split())
"""Properties (flat names) that say where a page lies, and how much there is."""


def effect(kind: str, resource: str | None, key: tuple[str, ...], confidence: float, reason: str) -> Effect:
    """An inferred effect."""
    return Effect.model_validate(
        {"kind": kind, "resource": resource, "key": key, "confidence": confidence, "reason": reason}
    )


def opaque(reason: str) -> Effect:
    """What stays uncertain."""
    return Effect(kind="opaque", confidence=0.4, reason=reason)


def adrift(kind: str, reason: str) -> Effect:
    """A known kind on what is not known: nothing is stored, the answer follows from what was said before."""
    return effect(kind, None, (), 0.5, reason)


def argument_names(tool: Tool) -> tuple[str, ...]:
    """The arguments of a tool."""
    properties = tool.parameters.get("properties")
    return tuple(properties) if isinstance(properties, dict) else ()


def required_names(tool: Tool) -> tuple[str, ...]:
    """The arguments a tool demands."""
    names = argument_names(tool)
    return tuple(name for name in tool.parameters.get("required") or () if name in names)


def is_around(tool: Tool, name: str) -> bool:
    """Whether an argument goes beside the request (a header, `x-account-id`): it says who asks, not for what."""
    slot = tool.http.slots.get(name) if tool.http else None
    return slot is not None and (slot.place in {"header", "cookie"} or name.lower().startswith("x-"))


def is_scalar(tool: Tool, name: str) -> bool:
    """Whether an argument is neither an object nor an array."""
    schema = tool.parameters["properties"][name]
    return View(tool.parameters, schema).type not in {"object", "array"}


def selectors(tool: Tool) -> tuple[str, ...]:
    """Optional arguments that may tell which thing is meant; not headers, and not how an answer looks."""
    names = [name for name in argument_names(tool) if name not in required_names(tool) and is_scalar(tool, name)]
    return tuple(name for name in names if flat(name) not in _LOOKS and "-" not in name)


_TEXTS = frozenset("query sql expression text prompt content statement question script filter".split())
"""Last words of arguments that hold a text: it names nothing."""


def key_argument(tool: Tool, resource: str) -> str | None:
    """The argument that names one thing of a resource or of its last words: `petId`, `id`, `pet`, `petName`."""
    names = [name for name in argument_names(tool) if (words(name) or ("",))[-1] not in _TEXTS]
    by_flat = {flat(name): name for name in reversed(names) if is_scalar(tool, name)}
    required = set(required_names(tool))
    owns = endings_of(resource)
    initials = ["".join(part[0] for part in owns[0].split("_") if part)] if "_" in resource else []
    own_ids = [flat(own) + ending for own in (*owns, *initials) for ending in ID_ENDINGS]
    own_names = [
        form for own in owns for form in (flat(own), *(flat(own) + end for end in NAME_ENDINGS), "id" + flat(own))
    ]
    own_names += [initial + ending for initial in initials for ending in NAME_ENDINGS]
    for forms, mine in ((own_ids, True), (ID_ENDINGS, False), (own_names, True), (NAME_ENDINGS, False)):
        for form in forms:
            name = by_flat.get(form)
            if name is not None and (mine or name in required or not required):
                return name
    return None


def demanded_key(tool: Tool, common: Mapping[str, int]) -> str | None:
    """A demanded argument that ends like a key: the rarest in the toolset, else the only one demanded.

    What most tools of a toolset demand (a tenant, a subscription) is their scope.
    """
    view = View(tool.parameters, tool.parameters)
    required = [name for name in required_names(tool) if is_scalar(tool, name) and not name.lower().startswith("x-")]
    required = [name for name in required if (place := view.child(name)) is None or place.type != "boolean"]
    keys = [name for name in required if is_key_like(name)]
    said = {singular(word) for word in words(tool.name)}
    ranked = [
        (-common.get(name, 0), len({singular(word) for word in words(name)[:-1]} & said), at)
        for at, name in enumerate(keys)
    ]
    lone = required[0] if len(required) == 1 and (words(required[0]) or ("",))[-1] not in _TEXTS else None
    return keys[max(ranked)[2]] if ranked else lone


def is_key_like(name: str) -> bool:
    """Whether a name ends as one that can identify a thing: `petId`, `slug`, `username`."""
    parts = words(name) or ("",)
    last = parts[-1]
    return parts[0] == "id" or last in {*ID_ENDINGS, *NAME_ENDINGS} or last.endswith(("name", "uuid", "guid"))


def endings_of(resource: str) -> list[str]:
    """`auto_ml_job` -> auto_ml_job, ml_job, job."""
    parts = resource.rpartition("/")[2].split("_")
    return ["_".join(parts[at:]) for at in range(len(parts))] if resource else []


def answers_page(tool: Tool) -> bool:
    """Whether the output is a page of things: an array of them (`items`) beside where it begins, ends and goes on."""
    top = {flat(name) for name in View(tool.output_schema, tool.output_schema).properties}
    placed = bool(_PLACES & top) and len((_PLACES | _SIZES) & top) > 1 and not {"id", "name"} & top
    return placed and any(flat(name) in HOLDERS for name in top_arrays(tool))


def answers_many(tool: Tool) -> bool | None:
    """Whether the output is an array of things or one array inside an object; None without an output schema."""
    if not isinstance(tool.output_schema, dict):
        return None
    return _holds_many(View(tool.output_schema, tool.output_schema), 2)


def top_names(tool: Tool) -> list[str]:
    """The arguments of a tool, and what is right inside of its objects (a whole body)."""
    view = View(tool.parameters, tool.parameters)
    inner = [name for own in view.properties if (child := view.child(own)) is not None for name in child.properties]
    return [*view.properties, *inner]


def top_arrays(tool: Tool) -> list[str]:
    """Names of the arrays at the top of an answer."""
    top = View(tool.output_schema, tool.output_schema)
    return [name for name in top.properties if (child := top.child(name)) is not None and child.type == "array"]


def shows_array(tool: Tool) -> bool:
    """Whether the output has an array at its top or one level below."""
    view = View(tool.output_schema, tool.output_schema)
    children = [child for name in view.properties if (child := view.child(name)) is not None]
    below = [inner for child in children for name in child.properties if (inner := child.child(name)) is not None]
    return any(place.type == "array" for place in (view, *children, *below))


def _holds_many(view: View, depth: int) -> bool | None:
    if view.type == "array":
        return True
    plain = [child for name in view.properties if not _is_around(name) and (child := view.child(name)) is not None]
    if not plain:
        return None
    if {"id", "name"} & set(view.properties) or len(plain) > 3:
        return False
    arrays = sum(child.type == "array" for child in plain)
    inner = [child for child in plain if child.type == "object"]
    if not arrays and len(inner) == len(plain) == 1 and depth:
        return _holds_many(inner[0], depth - 1)
    return arrays == 1


def _is_around(name: str) -> bool:
    return bool(_AROUND & set(words(name)))
