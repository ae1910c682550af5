"""Pins: single calls with a fixed answer, written by hand in `gtm.yaml` or a test; all other calls are as ever.

The first pin that fits a call answers it, whole. Its answer is not written anew, only compared with the tool's output
schema: what does not fit is said in the result's warnings.
"""

from functools import lru_cache

from gtm.errors import SpecError
from gtm.simulator.recorder import text_of
from gtm.simulator.refusals import refuse
from gtm.simulator.validation import compile_validator
from gtm.types import Frozen, Json, Result, Tool, ToolError, ToolsetKind, canonical
from gtm.world.expressions import Expression

STATUS = 400
"""Of a pinned error that names none."""


class Pin(Frozen):
    """One fixed answer."""

    when: dict[str, Json] | str | None = None
    """Arguments that a call must have (others do not count), or a condition in CEL on `args`; none: every call."""
    result: Json = None
    """The answer's content; a text where it is an error is put into the tool's own style of error."""
    is_error: bool = False
    status: int | None = None

    def model_post_init(self, context: object) -> None:
        """Refuse a condition that cannot be read."""
        if isinstance(self.when, str):
            _condition(self.when)

    def fits(self, arguments: dict[str, Json]) -> bool:
        """Whether it answers a call. Raises ExpressionError where its condition has no value."""
        if self.when is None:
            return True
        if isinstance(self.when, str):
            return _condition(self.when).evaluate({"args": arguments}) is True
        return all(
            name in arguments and canonical(arguments[name]) == canonical(value) for name, value in self.when.items()
        )

    def answer(self, tool: Tool, kind: ToolsetKind) -> Result:
        """The result it gives."""
        if self.is_error:
            if isinstance(self.result, str):
                error = ToolError(kind="pinned")
                refused = refuse(tool, kind, error, self.status or STATUS, [self.result])
                return refused.model_copy(update={"provenance": {"": "cassette"}})
            return _fixed(self.result, is_error=True, status=self.status or (STATUS if tool.http else None))
        result = _fixed(self.result, is_error=False, status=self.status or (tool.http.status if tool.http else None))
        return result.model_copy(update={"warnings": _complaints(tool, self.result)})


def _fixed(content: Json, *, is_error: bool, status: int | None) -> Result:
    provenance = {"": "cassette"}
    return Result.model_validate(
        {
            "content": content,
            "text": text_of(content),
            "is_error": is_error,
            "status": status,
            "provenance": provenance,
        }
    )


def _complaints(tool: Tool, content: Json) -> tuple[str, ...]:
    if not isinstance(tool.output_schema, dict):
        return ()
    try:
        errors = list(compile_validator(tool.output_schema).iter_errors(content))
    except SpecError:
        return ()
    return tuple(f"the pinned answer does not fit the output schema: {error.message[:200]}" for error in errors[:3])


@lru_cache(maxsize=1024)
def _condition(text: str) -> Expression:
    return Expression.parse(text, names=("args",))
