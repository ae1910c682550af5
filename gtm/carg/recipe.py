"""A recipe: all that decides which rows a run makes, as one TOML file. Unknown keys are errors.

How fast the rows are made (runner, workers) and where the data lies are no part of it: they are flags. The digest
names the run; a folder refuses another.
"""

import tomllib
from functools import cached_property
from pathlib import Path

from pydantic import Field, ValidationError

from gtm.carg.curate import CurateConfig
from gtm.carg.settings import CallsConfig
from gtm.carg.sources import SourcesConfig
from gtm.carg.teacher import TeacherConfig
from gtm.carg.tools import ToolsConfig
from gtm.errors import ConfigError
from gtm.prompt import VERSION
from gtm.types import Frozen, digest


class Recipe(Frozen):
    """The whole file."""

    name: str = Field(default="data", max_length=80)
    seed: int = 0
    sources: SourcesConfig = SourcesConfig()
    tools: ToolsConfig = ToolsConfig()
    calls: CallsConfig = CallsConfig()
    curate: CurateConfig = CurateConfig()
    teacher: TeacherConfig = TeacherConfig()

    @cached_property
    def digest(self) -> str:
        """Names what the recipe makes: SHA-256 of its values and of the prompt's version."""
        return digest([self.model_dump(mode="json"), VERSION])

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """Read a file. Raises ConfigError that names the key and what is allowed."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except OSError as error:
            raise ConfigError(f"the recipe {str(path)!r} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"the recipe {str(path)!r} is no TOML: {error}") from None
        except ValidationError as error:
            issue = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in issue["loc"])
            raise ConfigError(
                f"the recipe {str(path)!r}, {where!r}: {issue['msg'].removeprefix('Value error, ')}; "
                "docs/carg.md lists the keys"
            ) from None
