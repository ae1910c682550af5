"""When a fault happens: a function of the rules, the seed and what the session's world remembers.

What must outlast a call (a limit that holds, credentials that expired, a tool's count of calls) is a `Mark` of the
world, so a snapshot, a fork and a saved session all go on alike. Scheduled rules come before those by chance; among
equals the first that fires decides; latency adds up and goes with any of them.
"""

import random
from dataclasses import dataclass, field

from gtm.errors import ExpressionError
from gtm.simulator.faults import FaultRule
from gtm.simulator.session import Snapshot
from gtm.types import Json
from gtm.world.services import SECONDS_PER_CALL, seed_of
from gtm.world.state import Mark

LASTING = {"rate_limit", "unauthorized", "forbidden"}
"""Kinds that go on refusing once they happened."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy does to one call."""

    rule: FaultRule | None = None
    """The fault that happens, latency aside."""
    seed: int = 0
    """What the fault draws from."""
    retry_after: float | None = None
    delay_ms: float | None = None
    wait_ms: float = 0.0
    """The part of the delay that is really waited for."""
    marks: tuple[Mark, ...] = ()
    warnings: tuple[str, ...] = ()


def judge(now: Snapshot, tool: str, arguments: Json) -> Verdict:
    """The verdict on the next call of a session."""
    draft = _Draft(now, tool, arguments)
    for index, rule in sorted(enumerate(now.faults), key=lambda item: _by_chance(item[1])):
        if not rule.fits(tool) or (rule.kind != "latency" and draft.rule is not None):
            continue
        if (not rule.when or draft.meets(rule)) and draft.fires(index, rule):
            draft.add(index, rule)
    return draft.verdict()


def renewed(now: Snapshot, tool: str) -> tuple[Mark, ...]:
    """What the success of a tool ends."""
    rules = [rule for rule in now.faults if rule.cleared_by and rule.is_cleared_by(tool)]
    return tuple(Mark(_name(rule), {"until": elapsed(now)}) for rule in rules)


def elapsed(now: Snapshot) -> float:
    """Simulated seconds since the session began."""
    return SECONDS_PER_CALL * now.count + now.state.ahead


def drift_mark(rule: FaultRule, tool: str) -> str:
    """Name of the mark that holds how a tool's answer drifted."""
    return _name(rule, tool)


@dataclass(slots=True)
class _Draft:
    """A verdict in the making."""

    now: Snapshot
    tool: str
    arguments: Json
    rule: FaultRule | None = None
    seed: int = 0
    retry_after: float | None = None
    delays: list[tuple[float, bool]] = field(default_factory=list)
    marks: dict[str, Json] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def verdict(self) -> Verdict:
        return Verdict(
            rule=self.rule,
            seed=self.seed,
            retry_after=self.retry_after,
            delay_ms=round(sum(ms for ms, _ in self.delays), 3) if self.delays else None,
            wait_ms=sum(ms for ms, wait in self.delays if wait),
            marks=tuple(Mark(name, value) for name, value in self.marks.items()),
            warnings=tuple(self.warnings),
        )

    def add(self, index: int, rule: FaultRule) -> None:
        """Let a rule happen."""
        if rule.delay is not None:
            drawn = rule.delay.draw(random.Random(seed_of(self.now.seed, "latency", index, self.now.count + 1)))
            self.delays.append((drawn, rule.wait))
        else:
            self.rule, self.seed = rule, seed_of(self.now.seed, "injected", index, self.now.count + 1)

    def meets(self, rule: FaultRule) -> bool:
        """Whether the rule's condition is true of the arguments."""
        try:
            return rule.condition.evaluate({"args": self.arguments}) is True
        except ExpressionError as error:
            self.warnings.append(f"the fault {rule.kind!r} was left out: {error}")
            return False

    def fires(self, index: int, rule: FaultRule) -> bool:
        """Whether it happens on this call."""
        if rule.limit is not None and rule.per is not None:
            return self._over(rule, rule.limit, rule.per)
        if rule.kind in LASTING:
            return self._lasts(index, rule)
        if rule.kind == "schema_drift" and self.now.state.marks.get(drift_mark(rule, self.tool)) is not None:
            return True
        return self._due(rule) and self._drawn(index, rule)

    def _over(self, rule: FaultRule, limit: int, per: float) -> bool:
        """Whether the quota is used up; else one more call counts."""
        time, name = elapsed(self.now), _name(rule)
        recent = [past for past in self.now.state.marks.get(name) or () if past > time - per]
        if len(recent) < limit:
            self.marks[name] = [*recent, time]
            return False
        self.retry_after = round(recent[-limit] + per - time, 3)
        return True

    def _lasts(self, index: int, rule: FaultRule) -> bool:
        """Whether it holds still, or begins. What has ended lets the next call through, whatever the chance."""
        time = elapsed(self.now)
        name = _name(rule, self.tool) if rule.kind == "forbidden" else _name(rule)
        held = self.now.state.marks.get(name)
        if held is not None and (held["until"] is None or held["until"] > time):
            if rule.kind == "rate_limit":
                self.retry_after = round(held["until"] - time, 3)
            return True
        if held is not None and not _is_scheduled(rule):
            if not rule.always:
                self.marks[name] = None
            return False
        if not (self._due(rule) and self._drawn(index, rule)):
            return False
        seconds = {"rate_limit": rule.retry_after, "unauthorized": rule.clears_after}.get(rule.kind)
        self.marks[name] = {"until": None if seconds is None else time + seconds}
        if rule.kind == "rate_limit":
            self.retry_after = rule.retry_after
        return True

    def _due(self, rule: FaultRule) -> bool:
        if rule.on_tool_call:
            return self._own_call() in rule.on_tool_call
        return not rule.on_call or self.now.count + 1 in rule.on_call

    def _drawn(self, index: int, rule: FaultRule) -> bool:
        if rule.probability >= 1:
            return True
        seed = seed_of(self.now.seed, "fault", index, self.now.count + 1)
        return random.Random(seed).random() < rule.probability

    def _own_call(self) -> int:
        """Which of the tool's own calls this is. Turns since it was last counted are looked through."""
        name = f"calls/{self.tool}"
        if name not in self.marks:
            counted, at = self.now.state.marks.get(name) or (0, 0)
            fresh = zip(self.now.turns, range(self.now.count - at), strict=False)
            counted += sum(turn.call.tool == self.tool for turn, _ in fresh)
            self.marks[name] = [counted + 1, self.now.count + 1]
        return int(self.marks[name][0])


def _by_chance(rule: FaultRule) -> bool:
    return not _is_scheduled(rule)


def _is_scheduled(rule: FaultRule) -> bool:
    return bool(rule.on_call or rule.on_tool_call)


def _name(rule: FaultRule, *parts: str) -> str:
    return "/".join(("fault", rule.identity, *parts))
