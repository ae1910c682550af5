"""Faults on demand: a seeded policy that answers instead of the tool, or after it.

A rule fires by schedule (`on_call`), by probability and by tool; the same seed gives the same faults. Decided before
any model runs; what happened is told in `Result.error` with `injected=True`, never hidden.
"""

import random
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, ValidationError

from gtm.errors import ConfigError
from gtm.types import Frozen, Json, ToolError, Toolset
from gtm.world.services import seed_of

FaultKind = Literal["rate_limit", "timeout", "server_error", "unauthorized", "forbidden", "committed_timeout"]

STATUS: dict[str, int] = {
    "rate_limit": 429,
    "timeout": 504,
    "server_error": 503,
    "unauthorized": 401,
    "forbidden": 403,
    "committed_timeout": 504,
}

MESSAGE: dict[str, str] = {
    "rate_limit": "Rate limit exceeded, retry after {retry_after:g} seconds",
    "timeout": "The request timed out",
    "server_error": "The service is temporarily unavailable",
    "unauthorized": "The credentials have expired",
    "forbidden": "Permission denied",
    "committed_timeout": "The request timed out",
}

UNSOLVABLE = frozenset({"forbidden", "unauthorized"})
"""Kinds that an agent cannot get past by calling again."""


class FaultRule(Frozen):
    """When a fault happens, and which."""

    kind: FaultKind
    tools: tuple[str, ...] = ("*",)
    """Names or globs."""
    probability: float = Field(default=1.0, ge=0, le=1)
    on_call: tuple[int, ...] = ()
    """The session's calls on which it may happen, the first being 1; empty is every call."""
    retry_after: float = Field(default=30, ge=0)
    """Simulated seconds, for `rate_limit`."""
    message: str = Field(default="", max_length=2000)

    def check_tools(self, toolset: Toolset) -> None:
        """Raise ConfigError where a pattern fits no tool."""
        for pattern in self.tools:
            if not any(fnmatchcase(tool.name, pattern) for tool in toolset.tools):
                raise ConfigError(f"a fault names {pattern!r}, which fits no tool of {toolset.name!r}")

    @property
    def status(self) -> int:
        """As HTTP says it."""
        return STATUS[self.kind]

    @property
    def text(self) -> str:
        """What the agent reads."""
        return self.message or MESSAGE[self.kind].format(retry_after=self.retry_after)

    @property
    def error(self) -> ToolError:
        """As a Result tells it."""
        return ToolError(
            kind=self.kind,
            retry_after=self.retry_after if self.kind == "rate_limit" else None,
            injected=True,
            solvable=self.kind not in UNSOLVABLE,
        )


def rules_of(given: Sequence[FaultRule | dict[str, Json]], toolset: Toolset) -> tuple[FaultRule, ...]:
    """Rules from values. Raises ConfigError that names what is wrong."""
    try:
        rules = tuple(rule if isinstance(rule, FaultRule) else FaultRule.model_validate(rule) for rule in given)
    except ValidationError as error:
        issue = error.errors(include_url=False, include_input=False)[0]
        raise ConfigError(f"a fault's {'.'.join(map(str, issue['loc']))!r}: {issue['msg']}") from None
    for rule in rules:
        rule.check_tools(toolset)
    return rules


def decide(rules: tuple[FaultRule, ...], tool: str, call: int, seed: int) -> FaultRule | None:
    """The first rule that fires on the session's `call`-th call (from 1), or None."""
    for index, rule in enumerate(rules):
        if rule.on_call and call not in rule.on_call:
            continue
        if not any(fnmatchcase(tool, pattern) for pattern in rule.tools):
            continue
        if rule.probability >= 1 or random.Random(seed_of(seed, "fault", index, call)).random() < rule.probability:
            return rule
    return None
