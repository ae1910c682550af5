"""GTM simulates any tool for AI agents: definitions in, tools that behave out."""

from typing import TYPE_CHECKING, Any

from gtm.types import Call, Episode, Result, Tool, Toolset

if TYPE_CHECKING:
    from gtm.simulator.simulator import Simulator
    from gtm.tools.load import load_toolset

__all__ = ["Call", "Episode", "Result", "Simulator", "Tool", "Toolset", "load_toolset"]


def __getattr__(name: str) -> Any:
    """The two heavy names, imported at their first use so that `import gtm` stays quick."""
    if name == "Simulator":
        from gtm.simulator.simulator import Simulator

        return Simulator
    if name == "load_toolset":
        from gtm.tools.load import load_toolset

        return load_toolset
    raise AttributeError(f"module 'gtm' has no attribute {name!r}")
