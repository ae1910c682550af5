"""All measures of one answer against the recorded response to the same call.

An answer that is an error where the tool succeeded, or that says nothing, is laid beside the truth as nothing at all:
0 wherever a measure applies. `match` is 1 where every measure but the text metrics is 1: the recorded answer always
matches itself, run-time values aside. Text metrics compare texts as written, the order of keys included.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gtm.eval.metrics.align import Pair, align
from gtm.eval.metrics.fields import Fields, is_constant
from gtm.eval.metrics.free import free_leaf
from gtm.eval.metrics.grounded import grounded
from gtm.eval.metrics.known import Known
from gtm.eval.metrics.masks import is_redacted, mask_of
from gtm.eval.metrics.paths import structure_f1
from gtm.eval.metrics.text import text_scores
from gtm.eval.metrics.values import MISSING, content_of, json_type, text_of
from gtm.eval.records import Answer, Item, TrueTurn
from gtm.types import Json, Tool, canonical

TEXT_METRICS = ("char_bleu4", "rouge1", "rouge2", "rougeL")


@dataclass(frozen=True, slots=True)
class Truth:
    """A recorded success, and what tells which of its values can be known."""

    item: Item
    step: int
    tool: Tool
    fields: Fields

    @property
    def turn(self) -> TrueTurn:
        """The recorded turn."""
        return self.item.turns[self.step]

    def known(self) -> Known:
        """What can be known before the call."""
        return Known.before(self.turn.arguments, self.item.turns[: self.step], self.item.initial)


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of one answer."""

    values: dict[str, float]
    counts: dict[str, int]


def recorded(turn: TrueTurn) -> Answer:
    """The recorded response as a candidate's answer."""
    text = turn.response if isinstance(turn.response, str) else text_of(content_of(turn.response))
    return Answer(content=turn.response, text=text, is_error=turn.is_error)


def said(answer: Answer) -> Json:
    """What an answer says where the tool succeeded; MISSING where it says nothing of use."""
    if answer.is_error or answer.failed:
        return MISSING
    content = content_of(answer.content)
    try:
        canonical(content)
    except (ValueError, TypeError, RecursionError):  # NaN, or nesting without end: no JSON that a tool could send
        return MISSING
    return content


def measure(truth: Truth, answer: Answer) -> Measures:
    """Everything that applies, by name."""
    true, given = content_of(truth.turn.response), said(answer)
    aligned = align(true, given)
    sort = _sorter(truth)
    sorted_pairs = [(pair, sort(pair)) for pair in aligned.pairs]
    kinds = Counter(kind for _, kind in sorted_pairs)
    known = {id(pair) for pair, kind in sorted_pairs if kind == "grounded"}
    facts = grounded(aligned, lambda pair: id(pair) in known)
    values = {"structure_f1": 0.0 if given is MISSING else structure_f1(true, given)}
    values |= facts.values
    values |= _free(sorted_pairs, truth)
    if aligned.lengths:
        values["list_length"] = sum(_ratio(*both) for both in aligned.lengths) / len(aligned.lengths)
    values["match"] = float(all(value == 1.0 for value in values.values()))
    values |= text_scores(text_of(true), answer.text if given is MISSING else text_of(given))
    masked = sum(kinds[kind] for kind in ("id", "time", "token"))
    counts = {"tp": facts.equal, "fp": facts.invented, "fn": facts.missed, "free": kinds["free"], "masked": masked}
    return Measures(values, counts | {f"masked_{kind}": kinds[kind] for kind in ("id", "time", "token")})


def _sorter(truth: Truth) -> Callable[[Pair], str]:
    """What kind of leaf a true leaf is: `grounded`, `free`, or the kind of its mask; empty for what is no scalar."""
    known, fields, item, tool = truth.known(), truth.fields, truth.item, truth.tool

    def kind(pair: Pair) -> str:
        value = pair.true
        if isinstance(value, dict | list) or value is None:
            return ""
        if not is_redacted(value) and known.has(pair.path, value):
            declared = fields.declared(item.family, tool, pair.path)
            chance = bool(declared and declared.enum) or is_constant(value, fields.others(item, tool.name, pair.path))
            return "free" if chance else "grounded"
        return mask_of(pair.path, value) or "free"

    return kind


def _free(pairs: Sequence[tuple[Pair, str]], truth: Truth) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for pair, kind in pairs:
        if pair.path == "" and pair.true is None:
            continue
        if kind not in ("free", "grounded"):  # masked, null or empty: of the same type is all that can be asked
            found.setdefault("free_type", []).append(float(json_type(pair.answer) == json_type(pair.true)))
        elif kind == "free":
            declared = truth.fields.declared(truth.item.family, truth.tool, pair.path)
            others = truth.fields.others(truth.item, truth.tool.name, pair.path)
            for name, value in free_leaf(pair.true, pair.answer, declared, others).items():
                found.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in sorted(found.items())}


def _ratio(true: int, given: int | None) -> float:
    if given is None:
        return 0.0
    return min(true, given) / max(true, given) if true != given else 1.0
