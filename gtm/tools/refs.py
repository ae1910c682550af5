"""References inside one document: where a `$ref` points, and which references close a loop.

Only references into the same document are followed; anything else refuses the tool that uses it (nothing is fetched
and no file is opened). The loop analysis is shared by all tools of a document, iterative and linear in its size.
Knows nothing of what the schemas mean beyond which keywords hold schemas.
"""

from collections.abc import Iterator
from urllib.parse import unquote

from gtm.errors import SpecError
from gtm.types import Json

Pointer = tuple[str, ...]
"""The steps from the document's root; empty is the root itself."""

MAX_CHAIN = 32
"""References that lead straight to another reference; real documents need three."""

MAPS = ("properties", "patternProperties", "dependentSchemas")
"""Keywords whose value maps names to schemas (definitions apart: they are only reached by reference)."""
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SINGLES = (
    "items",
    "additionalItems",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contains",
    "propertyNames",
    "contentSchema",
    "not",
    "if",
    "then",
    "else",
)
_HOLDERS = frozenset((*MAPS, *LISTS, *SINGLES))
IN_PLACE = frozenset(("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"))
"""Keywords that look at the same value as the schema they stand in: a loop through these alone never ends."""


class Refused(SpecError):
    """One tool cannot be imported; its siblings can."""


def pointer_of(reference: str) -> Pointer:
    """The steps of a local `$ref`. Raises Refused where it leaves the document."""
    if not reference.startswith("#"):
        if reference == "":
            return ()
        raise Refused(
            f"its $ref {reference[:120]!r} leaves the document, which is never followed; copy the target in"
        )
    steps = unquote(reference[1:]).split("/")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps[1:]) if steps[0] == "" else tuple(steps)


class References:
    """Looks up the references of one document."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.loops: set[Pointer] = set()
        """Targets that some chain of references leads back to: these cannot be written out."""
        self.endless: set[tuple[Pointer, Pointer]] = set()
        """References (from, to) that close a loop without a step into the value; they mean nothing."""
        self._edges: dict[Pointer, list[tuple[Pointer, bool]]] = {}
        self._analysed: set[Pointer] = set()
        self._done: tuple[set[Pointer], set[Pointer]] = (set(), set())

    def find(self, pointer: Pointer) -> Json:
        """What the pointer leads to. Raises KeyError where there is nothing."""
        here = self.document
        for step in pointer:
            if isinstance(here, dict):
                here = here[step]
            elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
                here = here[int(step)]
            else:
                raise KeyError(step)
        return here

    def follow(self, value: Json) -> Json:
        """`value`, or what its chain of `$ref` ends at. Raises Refused."""
        for _ in range(MAX_CHAIN):
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return value
            reference: str = value["$ref"]
            try:
                value = self.find(pointer_of(reference))
            except KeyError as error:
                raise Refused(f"its $ref {reference[:120]!r} points at nothing; mend or remove it") from error
        raise Refused(f"its $ref {reference[:120]!r} only leads from reference to reference; mend the chain")

    def analyse(self, start: Pointer) -> None:
        """Bring `loops` and `endless` up to date for all that `start` reaches."""
        queue = [start]
        for pointer in queue:
            if pointer in self._analysed:
                continue
            self._analysed.add(pointer)
            self.loops.update(target for _, target in self._back_edges(pointer, in_place=False))
            self.endless.update(self._back_edges(pointer, in_place=True))
            queue.extend(target for target, _ in self._targets(pointer))

    def _back_edges(self, start: Pointer, *, in_place: bool) -> Iterator[tuple[Pointer, Pointer]]:
        done = self._done[in_place]
        if start in done:
            return
        path = {start}
        stack = [(start, iter(self._targets(start)))]
        while stack:
            pointer, rest = stack[-1]
            for target, same_place in rest:
                if in_place and not same_place:
                    continue
                if target in path:
                    yield pointer, target
                elif target not in done:
                    path.add(target)
                    stack.append((target, iter(self._targets(target))))
                    break
            else:
                stack.pop()
                path.discard(pointer)
                done.add(pointer)

    def _targets(self, pointer: Pointer) -> list[tuple[Pointer, bool]]:
        if pointer not in self._edges:
            try:
                self._edges[pointer] = list(_references(self.find(pointer)))
            except KeyError:
                self._edges[pointer] = []
        return self._edges[pointer]


def _references(schema: Json) -> Iterator[tuple[Pointer, bool]]:
    stack = [(schema, True)]
    while stack:
        here, same_place = stack.pop()
        if not isinstance(here, dict):
            continue
        reference = here.get("$ref")
        if isinstance(reference, str) and (reference.startswith("#") or not reference):
            yield pointer_of(reference), same_place
        for keyword, inner in parts(here):
            stack.append((inner, same_place and keyword in IN_PLACE))


def parts(schema: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """The schemas directly inside a schema, each with the keyword that holds it."""
    if _HOLDERS.isdisjoint(schema):  # four of five schemas hold none
        return
    for keyword in MAPS:
        inner = schema.get(keyword)
        if isinstance(inner, dict):
            yield from ((keyword, item) for item in inner.values())
    for keyword in LISTS:
        inner = schema.get(keyword)
        if isinstance(inner, list):
            yield from ((keyword, item) for item in inner)
    for keyword in SINGLES:
        inner = schema.get(keyword)
        if isinstance(inner, list):
            yield from ((keyword, item) for item in inner)
        elif inner is not None:
            yield keyword, inner
