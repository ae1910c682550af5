"""Fault rules: which failure, on which calls, checked before anything runs.

A policy is a list of rules, or the name of one that ships in `presets/`. When a rule fires is decided by
`gtm.simulator.schedule`, what it does to an answer by `gtm.simulator.injection`.
"""

import difflib
import random
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from gtm.errors import ConfigError
from gtm.tools.document import read_document
from gtm.types import Frozen, Json, Toolset, digest
from gtm.world.expressions import Expression

FaultKind = Literal[
    "rate_limit",
    "timeout",
    "server_error",
    "unauthorized",
    "forbidden",
    "latency",
    "partial",
    "truncated",
    "stale",
    "committed_timeout",
    "schema_drift",
]

STATUS: dict[str, int] = {
    "rate_limit": 429,
    "timeout": 504,
    "server_error": 503,
    "unauthorized": 401,
    "forbidden": 403,
    "committed_timeout": 504,
}
"""The kinds that answer an error, as HTTP says it."""

MESSAGE: dict[str, str] = {
    "rate_limit": "Rate limit exceeded, retry after {retry_after} seconds",
    "timeout": "The request timed out",
    "server_error": "The service is temporarily unavailable",
    "unauthorized": "The credentials have expired",
    "forbidden": "Permission denied",
    "committed_timeout": "The request timed out",
}

MAX_RULES = 100
MAX_SECONDS = 1e9
"""Simulated seconds in a rule: thirty years."""
MAX_MS = 600_000.0
"""Milliseconds of latency: ten minutes."""
PRESETS = ("calm", "flaky", "hostile")

_PARAMETERS: dict[str, tuple[str, ...]] = {
    "fixed": ("ms",),
    "uniform": ("min_ms", "max_ms"),
    "normal": ("mean_ms", "std_ms"),
    "lognormal": ("median_ms", "sigma"),
    "exponential": ("mean_ms",),
}

_ONLY: dict[str, tuple[str, ...]] = {
    "retry_after": ("rate_limit",),
    "limit": ("rate_limit",),
    "per": ("rate_limit",),
    "status": ("server_error",),
    "clears_after": ("unauthorized",),
    "cleared_by": ("unauthorized",),
    "delay": ("latency",),
    "wait": ("latency",),
    "message": tuple(STATUS),
}
"""Keys that mean something for some kinds only."""

Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]
Ms = Annotated[float, Field(ge=0, le=MAX_MS, allow_inf_nan=False)]


class Delay(Frozen):
    """A distribution of latencies, in milliseconds, never above `at_most_ms`."""

    distribution: Literal["fixed", "uniform", "normal", "lognormal", "exponential"] = "fixed"
    ms: Ms | None = None
    min_ms: Ms | None = None
    max_ms: Ms | None = None
    mean_ms: Ms | None = None
    std_ms: Ms | None = None
    median_ms: Annotated[float, Field(gt=0, le=MAX_MS, allow_inf_nan=False)] | None = None
    sigma: float | None = Field(default=None, ge=0, le=5, allow_inf_nan=False)
    at_most_ms: Ms = 60_000.0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wanted = _PARAMETERS[self.distribution]
        named = {name for names in _PARAMETERS.values() for name in names if self.__dict__[name] is not None}
        if named != set(wanted):
            raise ValueError(f"a {self.distribution} delay takes {' and '.join(wanted)}; got {sorted(named)}")
        if self.distribution == "uniform" and self._value("min_ms") > self._value("max_ms"):
            raise ValueError("min_ms is above max_ms")
        return self

    def draw(self, rng: random.Random) -> float:
        """One latency."""
        first, second = (*(self._value(name) for name in _PARAMETERS[self.distribution]), 0.0)[:2]
        if self.distribution == "uniform":
            drawn = rng.uniform(first, second)
        elif self.distribution == "normal":
            drawn = rng.normalvariate(first, second)
        elif self.distribution == "lognormal":
            drawn = first * rng.lognormvariate(0.0, second)
        elif self.distribution == "exponential":
            drawn = rng.expovariate(1 / first) if first else 0.0
        else:
            drawn = first
        return round(min(max(drawn, 0.0), self.at_most_ms), 3)

    def _value(self, name: str) -> float:
        return float(self.__dict__[name])


class FaultRule(Frozen):
    """When a fault happens, and which."""

    kind: FaultKind
    tools: tuple[Pattern, ...] = Field(default=("*",), min_length=1, max_length=100)
    """Names or globs."""
    when: str = Field(default="", max_length=1000)
    """A CEL expression over `args`; calls for which it is not true are left alone."""
    probability: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False)
    on_call: tuple[Number, ...] = Field(default=(), max_length=1000)
    """The session's calls on which it may happen, the first being 1; empty is every call."""
    on_tool_call: tuple[Number, ...] = Field(default=(), max_length=1000)
    """The same, counted for each tool."""
    retry_after: Seconds = 30.0
    """`rate_limit`: simulated seconds for which every further matching call is refused."""
    limit: int | None = Field(default=None, ge=1, le=1000)
    """`rate_limit`: calls allowed in any `per` simulated seconds, instead of a chance or a schedule."""
    per: Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)] | None = None
    status: int | None = Field(default=None, ge=500, le=599)
    """`server_error`: 503 unless told otherwise."""
    clears_after: Seconds | None = None
    """`unauthorized`: simulated seconds until the credentials hold again."""
    cleared_by: tuple[Pattern, ...] = Field(default=(), max_length=100)
    """`unauthorized`: tools (names or globs) whose success renews the credentials; they are never refused."""
    delay: Delay | None = None
    """`latency`: how long."""
    wait: bool = False
    """`latency`: really wait; else the delay is only told in `Result.delay_ms`."""
    message: str = Field(default="", max_length=2000)
    """What the agent reads of an error; `{retry_after}` stands for the seconds that are left."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for name, kinds in _ONLY.items():
            if self.kind not in kinds and self.__dict__[name] != type(self).model_fields[name].default:
                raise ValueError(f"{name!r} is not for {self.kind!r}, but for {', '.join(kinds)}")
        if self.kind == "latency" and self.delay is None:
            raise ValueError("a 'latency' rule says how long: delay: {ms: 200}")
        if self.on_call and self.on_tool_call:
            raise ValueError("'on_call' and 'on_tool_call' cannot both be given; write two rules")
        if (self.limit is None) != (self.per is None):
            raise ValueError("'limit' and 'per' go together: at most `limit` calls in `per` simulated seconds")
        if self.limit is not None and not self.always:
            raise ValueError("a 'limit' counts calls: it takes no 'on_call', 'on_tool_call' or 'probability'")
        if self.when:
            _ = self.condition
        return self

    @cached_property
    def condition(self) -> Expression:
        """`when`, parsed."""
        return Expression.parse(self.when, names=("args",))

    @cached_property
    def identity(self) -> str:
        """Names what the rule remembers in a session's world."""
        return digest(self.model_dump(mode="json"))[:16]

    @property
    def always(self) -> bool:
        """Neither by schedule nor by chance."""
        return not self.on_call and not self.on_tool_call and self.probability >= 1

    @property
    def solvable(self) -> bool:
        """Whether an agent can get past it by its own means: retry, wait, log in, read again."""
        if self.kind == "forbidden":
            return False
        if self.kind == "unauthorized":
            return self.clears_after is not None or bool(self.cleared_by)
        lasting = self.always and not self.when
        return not (lasting and self.kind in {"timeout", "server_error", "partial", "truncated"})

    def fits(self, tool: str) -> bool:
        """Whether it is about a tool."""
        return _any_fits(tool, self.tools) and not self.is_cleared_by(tool)

    def is_cleared_by(self, tool: str) -> bool:
        """Whether a success of this tool ends it."""
        return _any_fits(tool, self.cleared_by)

    def text(self, retry_after: float | None) -> str:
        """What the agent reads."""
        left = "" if retry_after is None else f"{retry_after:g}"
        return (self.message or MESSAGE[self.kind]).replace("{retry_after}", left)

    def check_tools(self, toolset: Toolset) -> None:
        """Raise ConfigError where a pattern fits no tool."""
        for pattern in (*self.tools, *self.cleared_by):
            if not any(fnmatchcase(tool.name, pattern) for tool in toolset.tools):
                close = difflib.get_close_matches(pattern, toolset.by_name, 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise ConfigError(f"a fault names {pattern!r}, which fits no tool of {toolset.name!r}{hint}")


Rules = Annotated[tuple[FaultRule, ...], Field(max_length=MAX_RULES)]

_RULES: TypeAdapter[tuple[FaultRule, ...]] = TypeAdapter(Rules)


def rules_of(given: Sequence[FaultRule | dict[str, Json]], toolset: Toolset) -> tuple[FaultRule, ...]:
    """Rules from values. Raises ConfigError that names what is wrong."""
    try:
        rules = _RULES.validate_python(given)
    except ValidationError as error:
        issue = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in issue["loc"])
        close = difflib.get_close_matches(where.rpartition(".")[2], FaultRule.model_fields, 1)
        hint = f"; did you mean {close[0]!r}?" if issue["type"] == "extra_forbidden" and close else ""
        message = issue["msg"].removeprefix("Value error, ")
        raise ConfigError(f"the faults{f' at {where!r}' if where else ''}: {message}{hint}") from None
    for rule in rules:
        rule.check_tools(toolset)
    return rules


def preset(name: str) -> list[Json]:
    """The rules of a policy that ships with the package. Raises ConfigError where there is none of that name."""
    if name not in PRESETS:
        known = ", ".join(repr(preset) for preset in PRESETS)
        raise ConfigError(f"there are no faults {name[:80]!r}; give a list of rules or one of {known}")
    data = (files("gtm.simulator") / "presets" / f"{name}.yaml").read_bytes()
    rules: list[Json] = read_document(data, f"{name}.yaml")
    return rules


def _any_fits(tool: str, patterns: Iterable[str]) -> bool:
    return any(pattern == "*" or fnmatchcase(tool, pattern) for pattern in patterns)
