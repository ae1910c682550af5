"""`gtm.yaml`: what a user fixes about a simulation, checked, unknown keys refused.

Its JSON Schema is `Config.model_json_schema()` (printed by `gtm doctor --schema`).
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from gtm.errors import ConfigError
from gtm.simulator.faults import PRESETS, FaultRule, Rules, preset, rules_of
from gtm.simulator.pins import Pin
from gtm.tools.document import read_document
from gtm.types import Effect, Frozen, Json, Requirement, Toolset, Write
from gtm.world.declared import DeclaredEffect, compile_declared
from gtm.world.initial import read_seeds
from gtm.world.outcome import WorldMode

MAX_BYTES = 1_000_000
"""A configuration is written by hand; anything larger is the wrong file."""

CassetteMode = Literal["none", "once", "new_episodes", "all"]
"""Named as in VCR.py: only what is recorded; that, or all if the file is new; both; all anew."""

ToolMode = Literal["real", "recorded", "simulated"]
"""Who answers: the real tool, the cassette alone, the simulation alone."""


class CassetteConfig(Frozen):
    """Recorded answers, and what becomes of calls that are not among them."""

    file: str
    mode: CassetteMode = "none"


def _as_declared(value: object) -> object:
    return value.model_dump(exclude_unset=True) if isinstance(value, Effect) else value


Declared = Annotated[DeclaredEffect, BeforeValidator(_as_declared, json_schema_input_type=DeclaredEffect)]


class ToolConfig(Frozen):
    """What is fixed about one tool."""

    effect: Declared | None = None
    """Instead of the inferred one, as far as it says (docs/declared.md)."""
    notes: str = ""
    """How it behaves, in free text that the model sees."""
    output_schema: dict[str, Json] | None = None
    """For a tool whose definition has none, or a wrong one."""
    mode: ToolMode | None = None
    """Instead of the configuration's own."""
    pin: tuple[Pin, ...] = ()
    """Calls with a fixed answer; the first that fits wins."""


def _named_rules(value: Json) -> Json:
    return _raw_rules(value) if isinstance(value, str) else value


Faults = Annotated[Rules, BeforeValidator(_named_rules, json_schema_input_type=str | Rules)]


class Config(Frozen):
    """The whole file."""

    seed: int = 0
    model: str = "gtm-135m"
    strict: bool = False
    """Fresh generations agree across processes and batch sizes, at a price (docs/concepts.md)."""
    world: WorldMode = "auto"
    notes: str = ""
    faults: Faults = ()
    """Rules, the name of a preset (`calm`, `flaky`, `hostile`), or the path of a file with rules."""
    abstain_below: float = Field(default=0.0, ge=0, le=1)
    """A tool whose effect is less certain than this answers the error `not_simulated` instead of inventing."""
    cassette: CassetteConfig | None = None
    mode: ToolMode | None = None
    """Of all tools that name none; None: recordings as the cassette's mode says, else the simulation."""
    examples: str | None = None
    """An Episode file whose real answers show how the tools answer; none of them is played."""
    real: str | dict[str, Json] | None = None
    """Where tools of mode `real` are: a URL, a command line, or an entry as in an `mcp.json`."""
    redact: tuple[str, ...] = ()
    """Names of further fields whose values are never written to a cassette."""
    initial: dict[str, tuple[dict[str, Json], ...] | str] = Field(default_factory=dict)
    """Resource -> the documents that a session starts with, or a JSON, YAML or CSV file of them, beside this file."""
    tools: dict[str, ToolConfig] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _rules_compile(self) -> Self:
        compile_declared({name: tool.effect for name, tool in self.tools.items() if tool.effect is not None})
        return self

    @classmethod
    def load(cls, path: Path | str) -> "Config":
        """Read a YAML or JSON file. Raises ConfigError that names the key and what is allowed."""
        found = cls.parse(read_mapping(path), str(path))
        return found.model_copy(update={"initial": read_seeds(found.initial, Path(path).parent)})

    @classmethod
    def parse(cls, raw: Json, source: str = "config") -> "Config":
        """Check a parsed document."""
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise ConfigError(f"{source}: {_first(error)}") from None
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None

    def check_tools(self, toolset: Toolset) -> None:
        """Raise ConfigError where a tool that is not in the toolset is configured."""
        for name in self.tools:
            if name not in toolset.by_name:
                close = difflib.get_close_matches(name, toolset.by_name, 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise ConfigError(
                    f"gtm.yaml configures the tool {name!r}, which {toolset.name!r} does not have{hint}"
                )
        for rule in self.faults:
            rule.check_tools(toolset)


def load_faults(source: Path | str) -> tuple[FaultRule, ...]:
    """A policy: the name of a preset, or a file with a list of rules or a mapping with `faults`."""
    return Config.parse({"faults": _raw_rules(source)}, str(source)).faults


def faults_for(toolset: Toolset, given: Path | str | Sequence[FaultRule | dict[str, Json]]) -> tuple[FaultRule, ...]:
    """A policy as Python gives it, checked against a toolset."""
    return rules_of(load_faults(given) if isinstance(given, Path | str) else given, toolset)


def _raw_rules(source: Path | str) -> Json:
    if isinstance(source, str) and source in PRESETS:
        return preset(source)
    try:
        raw = read_mapping(source)
    except ConfigError as error:
        if Path(source).suffix:
            raise
        raise ConfigError(f"{error}; give a file with fault rules, or one of {', '.join(PRESETS)}") from None
    rules = raw.get("faults") if isinstance(raw, dict) else raw
    if not isinstance(rules, list):
        raise ConfigError(f"{str(source)!r} holds no list of fault rules; write one, or a mapping with 'faults'")
    return rules


def read_mapping(path: Path | str) -> Json:
    """A small YAML or JSON file as a value."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{str(path)!r} has {len(data)} bytes; a configuration has at most {MAX_BYTES}")
    return read_document(data, str(path))


def _first(error: ValidationError) -> str:
    issue = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in issue["loc"]) or "the file"
    hint = ""
    if issue["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(issue["loc"][-1]), _KEYS, 1)
        hint = f"; did you mean {close[0]!r}?" if close else "; remove it or check its spelling"
    return f"{where!r}: {issue['msg'].removeprefix('Value error, ')}{hint}"


_KEYS = tuple(
    dict.fromkeys(
        name
        for model in (Config, ToolConfig, DeclaredEffect, Requirement, Write, FaultRule, Pin, CassetteConfig)
        for name in model.model_fields
    )
)
"""Every key that a configuration may hold somewhere, for the hint about a misspelt one."""
