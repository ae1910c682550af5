"""What a user declares about a tool in `gtm.yaml`, put over what was inferred, checked and compiled at load.

Everything that can be wrong about a declaration (syntax, names, a rule on a reader, a field that no answer has) is a
ConfigError here, naming tool, field and cause; what the rules then do to a call is `gtm.world.rules`.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gtm.errors import ConfigError
from gtm.tools.view import View
from gtm.types import Effect, EffectKind, Json, Requirement, Rules, Tool, Toolset, Write
from gtm.world.bound import STORED
from gtm.world.effects import infer_effects
from gtm.world.expressions import Expression
from gtm.world.model import WorldModel

NAMES = ("args", "state", "world")
"""What an expression reads: the arguments, the thing before the call, all known things by resource."""


def _one_or_many(value: Json) -> Json:
    return (value,) if isinstance(value, str) else value


class DeclaredEffect(Rules):
    """An effect as a user writes it: what is left out stays as inferred."""

    kind: EffectKind | None = None
    resource: str | None = None
    """Name of the collection, as `gtm inspect` shows it (`pet`, `repo/issue`)."""
    key: Annotated[
        tuple[str, ...] | None, BeforeValidator(_one_or_many, json_schema_input_type=str | list[str] | None)
    ] = None
    """Argument names that hold the key; all but the last are the parents' keys, outermost first."""
    confidence: float = Field(default=1.0, ge=0, le=1)
    reason: str = "declared"
    upsert: bool | None = None
    """An update that creates what is absent."""
    on_delete: Literal["cascade", "orphan", "restrict"] | None = None
    """What a delete does to the things inside."""

    def over(self, inferred: Effect) -> Effect:
        """The inferred effect with everything that is declared in its place."""
        structure = ("kind", "resource", "key", "upsert", "on_delete")
        told = {name: self.__dict__[name] for name in structure if self.__dict__[name] is not None}
        rules = {name: self.__dict__[name] for name in Rules.model_fields}
        if told:
            rules |= {"confidence": self.confidence, "reason": self.reason}
        if "kind" not in told and self.set and self.resource and inferred.kind not in STORED:
            told["kind"] = "update"
        return inferred.model_copy(update={**told, **rules})


def resolve(toolset: Toolset, declared: Mapping[str, DeclaredEffect]) -> dict[str, Effect]:
    """The declared effects, whole."""
    if not declared:
        return {}
    whole = {name: Effect.model_validate(effect.model_dump(exclude_none=True)) for name, effect in declared.items()
             if effect.kind is not None}  # fmt: skip
    inferred = infer_effects(toolset, whole)
    return {name: effect.over(inferred[name]) for name, effect in declared.items()}


@dataclass(frozen=True, slots=True)
class Demand:
    """A compiled requirement."""

    that: Expression
    error: str
    status: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class Other:
    """A compiled write to another thing."""

    resource: str
    key: Expression
    parents: tuple[Expression, ...]
    set: tuple[tuple[tuple[str, ...], Expression], ...]
    require: tuple[Demand, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules ready to run."""

    set: tuple[tuple[tuple[str, ...], Expression], ...]
    require: tuple[Demand, ...]
    emit: tuple[tuple[tuple[str, ...], Expression], ...]
    writes: tuple[Other, ...]

    @property
    def own(self) -> tuple[Expression, ...]:
        """Expressions about the thing itself."""
        return (*(e for _, e in self.set), *(demand.that for demand in self.require))

    @property
    def all(self) -> tuple[Expression, ...]:
        """Every expression."""
        theirs = [
            e
            for other in self.writes
            for e in (other.key, *other.parents, *(e for _, e in other.set), *(d.that for d in other.require))
        ]
        return (*self.own, *(e for _, e in self.emit), *theirs)


def compile_rules(rules: Rules) -> Compiled:
    """Raises ConfigError naming the field and the cause."""
    return _compiled(rules.model_dump_json(include=set(Rules.model_fields)))


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Compiled:
    rules = Rules.model_validate_json(text)
    return Compiled(
        _assignments(rules.set, "set"),
        _demands(rules.require, rules.error, rules.status, "require"),
        _assignments(rules.emit, "emit"),
        tuple(_other(write, f"writes.{at}") for at, write in enumerate(rules.writes)),
    )


def _other(write: Write, where: str) -> Other:
    return Other(
        write.resource,
        _parsed(write.key, f"{where}.key"),
        tuple(_parsed(text, f"{where}.parents") for text in write.parents),
        _assignments(write.set, f"{where}.set"),
        _demands(write.require, write.error, write.status, f"{where}.require"),
    )


def _assignments(texts: Mapping[str, str], where: str) -> tuple[tuple[tuple[str, ...], Expression], ...]:
    found = []
    for name, text in texts.items():
        path = tuple(name.split("."))
        if not all(path) or len(path) > 8:
            raise ConfigError(f"{where}: {name!r} is no field; write a name, or names joined by dots")
        found.append((path, _parsed(text, f"{where}.{name}")))
    return tuple(found)


def _demands(requirements: tuple[Requirement, ...], error: str, status: int | None, where: str) -> tuple[Demand, ...]:
    return tuple(
        Demand(_parsed(one.that, where), one.error or error, one.status or status, one.kind) for one in requirements
    )


def _parsed(text: str, where: str) -> Expression:
    try:
        return Expression.parse(text, NAMES)
    except ConfigError as error:
        word = re.fullmatch(r"\w+", text)
        hint = f" (a text needs quotes of its own: \"'{text}'\")" if word else ""
        raise ConfigError(f"{where}: {error}{hint}") from None


def compile_declared(effects: Mapping[str, Rules]) -> None:
    """Compile every tool's rules. Raises ConfigError naming tool, field and cause."""
    for name, effect in effects.items():
        try:
            compile_rules(effect)
        except ConfigError as error:
            raise ConfigError(f"tools.{name}.effect.{error}") from None


def check_against(world: WorldModel) -> None:
    """Whether the rules fit the tools. Raises ConfigError naming tool, field and cause."""
    names = {effect.resource for effect in world.effects.values() if effect.kind in STORED and effect.resource}
    for tool in world.toolset.tools:
        effect = world.effects[tool.name]
        if effect.declares:
            where = f"tools.{tool.name}.effect"
            try:
                compiled = compile_rules(effect)
            except ConfigError as error:
                raise ConfigError(f"{where}.{error}") from None
            _check_kind(effect, compiled, where)
            _check_names(compiled, names, where)
            _check_answer(tool, compiled, where)


def _check_kind(effect: Effect, compiled: Compiled, where: str) -> None:
    if effect.kind in {"read", "list"} and (compiled.set or compiled.writes):
        raise ConfigError(f"{where}: a {effect.kind} changes nothing; declare its real kind (update, compute, ...)")
    if compiled.set and effect.kind not in {"create", "update"}:
        raise ConfigError(
            f"{where}.set: the tool's effect is {effect.kind}, which has no thing of its own to set; declare kind:"
            " update, resource and key, or use 'writes'"
        )
    if effect.kind not in STORED and any("state" in e.names for e in compiled.own):
        raise ConfigError(f"{where}: the tool's effect is {effect.kind}, so there is no 'state' to read")


def _check_names(compiled: Compiled, resources: Iterable[str], where: str) -> None:
    known = sorted(resources)
    asked = {name for e in compiled.all for variable, name in e.fields if variable == "world"}
    for name in sorted(asked | {other.resource for other in compiled.writes}):
        if name not in known:
            raise ConfigError(f"{where}: {unknown_resource(name, known)}")


def unknown_resource(name: str, known: Iterable[str]) -> str:
    """Says that there is no such resource, which there are, and which was meant."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"no tool is about a resource {name!r} (known: {', '.join(names) or 'none'}){hint}"


def _check_answer(tool: Tool, compiled: Compiled, where: str) -> None:
    view = View(tool.output_schema, tool.output_schema) if isinstance(tool.output_schema, dict) else None
    for path, _ in compiled.emit:
        if view is None or view.type not in {"", "object"}:
            raise ConfigError(f"{where}.emit: {tool.name!r} answers no JSON object; give it an 'output_schema'")
        if view.properties and view.at(path) is None:
            raise ConfigError(
                f"{where}.emit: the answer of {tool.name!r} has no field {'.'.join(path)!r} (it has"
                f" {', '.join(view.properties)}); declare it in 'output_schema'"
            )
