"""`gtm.yaml`: what a user fixes about a simulation, checked, unknown keys refused.

Its JSON Schema is `Config.model_json_schema()` (printed by `gtm doctor --schema`).
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from gtm.errors import ConfigError
from gtm.simulator.faults import FaultRule
from gtm.tools.document import read_document
from gtm.types import Effect, Frozen, Json, Toolset
from gtm.world.outcome import WorldMode

MAX_BYTES = 1_000_000
"""A configuration is written by hand; anything larger is the wrong file."""


class ToolConfig(Frozen):
    """What is fixed about one tool."""

    effect: Effect | None = None
    """Instead of the inferred one."""
    notes: str = ""
    """How it behaves, in free text that the model sees."""
    output_schema: dict[str, Json] | None = None
    """For a tool whose definition has none, or a wrong one."""


class Config(Frozen):
    """The whole file."""

    seed: int = 0
    model: str = "gtm-135m"
    strict: bool = False
    """Fresh generations agree across processes and batch sizes, at a price (docs/concepts.md)."""
    world: WorldMode = "auto"
    notes: str = ""
    faults: tuple[FaultRule, ...] = ()
    tools: dict[str, ToolConfig] = Field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | str) -> "Config":
        """Read a YAML or JSON file. Raises ConfigError that names the key and what is allowed."""
        return cls.parse(read_mapping(path), str(path))

    @classmethod
    def parse(cls, raw: Json, source: str = "config") -> "Config":
        """Check a parsed document."""
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise ConfigError(f"{source}: {_first(error)}") from None

    def check_tools(self, toolset: Toolset) -> None:
        """Raise ConfigError where a tool that is not in the toolset is configured."""
        for name in self.tools:
            if name not in toolset.by_name:
                raise ConfigError(f"gtm.yaml configures the tool {name!r}, which {toolset.name!r} does not have")
        for rule in self.faults:
            rule.check_tools(toolset)


def load_faults(path: Path | str) -> tuple[FaultRule, ...]:
    """A policy file: a list of rules, or a mapping with `faults`."""
    raw = read_mapping(path)
    rules = raw.get("faults") if isinstance(raw, dict) else raw
    return Config.parse({"faults": rules}, str(path)).faults


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
    hint: Literal["", "; remove it or check its spelling"] = (
        "; remove it or check its spelling" if issue["type"] == "extra_forbidden" else ""
    )
    return f"{where!r}: {issue['msg']}{hint}"
