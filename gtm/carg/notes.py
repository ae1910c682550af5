"""Notes: what a user tells of tools beside their definitions (`amounts are in yen`), and what that makes of fields.

Templates are in `notes.json`. Most say something that can be checked: `rules_of` reads it back from a note's text, so
that values drawn by code follow the note as a model should. Those marked `teacher_only` only a model can follow.
"""

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

from pydantic import Field

from gtm.carg.fitting import fits
from gtm.tools.merge import Schema
from gtm.types import Frozen, Json
from gtm.world.words import words


class Template(Frozen):
    """One note and where it fits."""

    text: str
    """With `{}` where a choice is named."""
    choices: dict[str, dict[str, tuple[Json, ...]]] = Field(default_factory=dict)
    """What may stand for `{}` -> last words of field names -> what such fields then hold."""
    values: dict[str, tuple[Json, ...]] = Field(default_factory=dict)
    """The same, whatever was chosen."""
    fields: tuple[str, ...] = ()
    """Last words of field names of which the answers must show one; those of `values` and `choices` count too."""
    about: tuple[str, ...] = ()
    """Words of which the toolset's name or the tools' names must hold one."""
    rows: int | None = None
    """How many things a list may show; fits only where one is shown."""
    teacher_only: bool = False


@dataclass(frozen=True)
class Rules:
    """What a note makes of a family's fields."""

    values: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    """Last words of a field's name -> what it may hold."""
    rows: int | None = None
    """How many things a list may show."""

    def allowed(self, name: str) -> tuple[Json, ...] | None:
        """What a field may hold; None where the note says nothing of it."""
        return next((self.values[form] for form in _endings(name) if form in self.values), None)

    def follows(self, value: Json, name: str = "") -> bool:
        """Whether every field in a value is as the note says."""
        if isinstance(value, dict):
            return all(self.follows(inner, name) for name, inner in value.items())
        if isinstance(value, list):
            few = self.rows is None or len(value) <= self.rows or not isinstance(value[0], dict)
            return few and all(self.follows(item, name) for item in value)
        allowed = self.allowed(name)
        return allowed is None or value in allowed


NO_RULES = Rules()

TELLING = 0.85
"""How often a note that says something is taken where one fits: it teaches more than one that sets a scene."""


@cache
def templates() -> tuple[Template, ...]:
    """All of them, in order."""
    return tuple(Template.model_validate(item) for item in json.loads(_read()))


@lru_cache(maxsize=4096)
def rules_of(notes: str) -> Rules:
    """What notes say that can be checked."""
    if not notes:
        return NO_RULES
    values: dict[str, tuple[Json, ...]] = {}
    rows: int | None = None
    for template, pattern in _patterns():
        found = pattern.search(notes)
        if found is not None:
            values |= template.values
            values |= template.choices.get(found.group(1), {}) if template.choices else {}
            rows = template.rows if template.rows is not None else rows
    return Rules(values, rows) if values or rows is not None else NO_RULES


def fitting(
    shapes: Sequence[Schema], names: Iterable[str], arguments: Sequence[Json], *, teacher: bool
) -> list[tuple[Template, str]]:
    """The notes that say something of these answers, each with its text for every choice.

    `names` are of the toolset and its tools; `arguments` are what is sent, which a note must not contradict.
    """
    leaves = [leaf for shape in shapes for leaf in _leaves(shape, "")]
    shown = {form for name, _ in leaves for form in _endings(name)}
    called = {word for name in names for word in words(name)}
    lists = any(_lists(shape) for shape in shapes)
    found = []
    for template in templates():
        if (template.teacher_only and not teacher) or (template.rows is not None and not lists):
            continue
        if template.about and not called & set(template.about):
            continue
        for choice in template.choices or {"": {}}:
            values = {**template.values, **template.choices.get(choice, {})}
            wanted = (*template.fields, *values)
            if wanted and not shown & set(wanted):
                continue
            rules = Rules(values)
            if not values or (_can_hold(rules, leaves) and rules.follows(list(arguments))):
                found.append((template, template.text.replace("{}", choice)))
    return found


def choose(found: Sequence[tuple[Template, str]], rng: random.Random, scenes: float = 1.0) -> str:
    """One note, each template as likely as another; of those that only set a scene none where others are found."""
    telling: dict[str, list[str]] = {}
    scenic: dict[str, list[str]] = {}
    for template, text in found:
        says = template.teacher_only or rules_of(text) is not NO_RULES
        (telling if says else scenic).setdefault(template.text, []).append(text)
    if telling and rng.random() < TELLING:
        return rng.choice(rng.choice(list(telling.values())))
    return rng.choice(rng.choice(list(scenic.values()))) if scenic and rng.random() < scenes else ""


def _can_hold(rules: Rules, leaves: Sequence[tuple[str, Schema]]) -> bool:
    """Whether every field that a note is about can hold what it says."""
    for name, leaf in leaves:
        allowed = rules.allowed(name)
        if allowed is not None and not any(fits(value, leaf) for value in allowed):
            return False
    return True


def _leaves(shape: Schema, name: str) -> Iterator[tuple[str, Schema]]:
    if shape.get("type") == "object":
        for inner, sub in shape.get("properties", {}).items():
            yield from _leaves(sub, inner)
    elif shape.get("type") == "array":
        yield from _leaves(shape.get("items", {}), name)
    else:
        yield name, shape


def _lists(shape: Schema) -> bool:
    if shape.get("type") == "array":
        return bool(shape["items"].get("type") == "object")
    return any(_lists(inner) for inner in shape.get("properties", {}).values())


@lru_cache(maxsize=65536)
def _endings(name: str) -> tuple[str, ...]:
    parts = words(name)
    return (" ".join(parts[-2:]), parts[-1]) if len(parts) > 1 else parts


@cache
def _patterns() -> tuple[tuple[Template, re.Pattern[str]], ...]:
    found = []
    for template in templates():
        if template.values or template.choices or template.rows is not None:
            choice = "(" + "|".join(re.escape(one) for one in template.choices) + ")"
            text = re.escape(template.text).replace(re.escape("{}"), choice)
            found.append((template, re.compile(text)))
    return tuple(found)


def _read() -> str:
    return (files("gtm.carg") / "notes.json").read_text("utf-8")
