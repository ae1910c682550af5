"""Format: do raw generations parse and validate strictly, do final answers fit the tool's output schema?

`raw_valid` is what the model wrote against what it was asked to write, `result_valid` what the caller gets against
the definition; `answered` is whether there was an answer at all. Says nothing of whether an answer is true. A tool
without an output schema has no `result_valid`.
"""

from collections.abc import Iterator, Mapping, Sequence

from gtm.errors import SpecError
from gtm.eval.records import Answer, Candidate, Item, Score, SuiteName, Task
from gtm.eval.slices import slices_of
from gtm.eval.suite import task_of
from gtm.simulator.validation import compile_validator
from gtm.types import Json, Toolset

FEATURES: dict[str, frozenset[str]] = {
    "alternatives": frozenset(("anyOf", "oneOf")),
    "enum": frozenset(("enum", "const")),
    "format": frozenset(("format",)),
    "pattern": frozenset(("pattern",)),
    "bounds": frozenset(("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems")),
    "map": frozenset(("additionalProperties", "patternProperties")),
    "reference": frozenset(("$ref",)),
}
"""What makes a schema harder to follow -> the keywords that show it."""

MAX_NODES = 5000
"""Parts of a schema that are looked at."""


class FormatSuite:
    """One unit an item."""

    name: SuiteName = "format"
    at_once = 16

    def __init__(self, items: Mapping[str, Item], toolsets: Mapping[str, Toolset], seed: int) -> None:
        self._items = items
        self._toolsets = toolsets
        self._seed = seed

    def units(self, candidate: str) -> Sequence[str]:
        """The items."""
        return list(self._items)

    async def measure(self, unit: str, candidate: Candidate) -> list[Score]:
        """One score a step."""
        item = self._items[unit]
        toolset = self._toolsets[item.family]
        tasks = [task_of(item, step, toolset, self._seed) for step in item.scored]
        answers = await candidate.answer(tasks)
        return [
            Score(
                suite=self.name,
                candidate=candidate.name,
                item=item.id,
                family=item.family,
                step=task.step,
                slices={
                    **slices_of(item, task.step, toolset),
                    **{f"schema_{name}": "yes" for name in features(task.tool.output_schema)},
                },
                values=measured(task, answer),
                counts={f"failed: {answer.failed}": 1} if answer.failed else {},
                show={"call": {task.tool.name: task.arguments}, "answer": shown(answer)},
            )
            for task, answer in zip(tasks, answers, strict=True)
        ]


def measured(task: Task, answer: Answer) -> dict[str, float]:
    """The metrics of one answer."""
    values = {"answered": float(not answer.failed)}
    if answer.raw_valid is not None:
        values["raw_valid"] = float(answer.raw_valid)
    valid = result_valid(task, answer)
    if valid is not None:
        values["result_valid"] = float(valid)
    return values


def result_valid(task: Task, answer: Answer) -> bool | None:
    """Whether the answer fits the tool's output schema; None where it is an error, or where there is no schema."""
    schema = task.tool.output_schema
    empty = task.tool.http is not None and task.tool.http.media_type is None
    if schema is None or empty or answer.is_error:
        return None
    if answer.failed:
        return False
    try:
        return compile_validator(schema).is_valid(answer.content)
    except SpecError:
        return None


def features(schema: Json) -> list[str]:
    """Which features a schema has."""
    words = set(keywords(schema))
    return [name for name, marks in FEATURES.items() if words & marks]


def keywords(schema: Json) -> Iterator[str]:
    """The keywords of a schema and of all schemas in it; names of properties are none."""
    stack: list[Json] = [schema]
    for _ in range(MAX_NODES):
        if not stack:
            return
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            yield from (word for word, value in node.items() if value not in (True, False, None))
            for word, value in node.items():
                if word in ("properties", "$defs", "patternProperties") and isinstance(value, dict):
                    stack += value.values()
                elif word not in ("enum", "const", "default", "examples", "example", "required"):
                    stack.append(value)


def shown(answer: Answer) -> Json:
    """An answer as a report shows it."""
    if answer.failed:
        return {"no answer": answer.failed, "written": (answer.raw or "")[:2000]}
    return {"error": answer.content} if answer.is_error else answer.content
