"""Strings for a regular expression: seeded, short, and checked by the matcher that validation uses.

Written here because the library for it (rstr) draws from sets, whose order changes between processes, and repeats a
`+` up to a hundred times. Walks the tree of Python's own parser under a budget of characters; what that parser or the
budget refuses has no string (None). Lookarounds are not steered by, only checked.
"""

import random
import re
import string
import warnings
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import jsonschema_rs

from gtm.tools.validator import MAX_PATTERN, matcher

_parser: Any = import_module("re._parser")
"""The standard library's own reader of patterns; typeshed knows it in some settings only."""

MAX_CHARACTERS = 4_096
"""A string longer than this is not worth having; also what stops `((a{99}){99}){99}`."""
SPREADS = (4, 4, 8, 8, 16, 16, 32, 64)
"""How far above its minimum a repeat may go, attempt by attempt."""

_LETTERS = string.ascii_lowercase + string.ascii_uppercase
_PLAIN = string.ascii_letters + string.digits + "-_./:@ "
_PRINTABLE = _PLAIN + "".join(c for c in string.punctuation if c not in _PLAIN)
_FOREIGN = "éüñøßçλжд日本語"
_CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_NOT_DIGIT": _LETTERS,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": _LETTERS + string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_NOT_WORD": " -.",
}
_TRANSLATIONS = (
    (re.compile(r"\\/"), "/"),
    (re.compile(r"\\p\{(?:Lu|Upper)\}"), "[A-Z]"),
    (re.compile(r"\\p\{(?:N|Nd|IsDigit)\}"), "[0-9]"),
    (re.compile(r"\\[pP]\{\^?\w+\}|\\pL"), "[A-Za-z]"),
    (re.compile(r"\(\?<(?=[A-Za-z])"), "(?P<"),
    (re.compile(r"\\[zZ](?![A-Za-z])"), "$"),
    (re.compile(r"\\u\{?([0-9A-Fa-f]{4})\}?"), r"\\u\1"),
)


class _TooLong(Exception):
    """The budget of characters is spent."""


def string_for(pattern: str, rng: random.Random, low: int = 0, high: int | None = None) -> str | None:
    """A string of `low` to `high` characters that matches, or None where none was found."""
    tree, check = _parse(pattern), _check(pattern, low, high)
    if check is None or tree is None or low > MAX_CHARACTERS:
        return None
    for spread in (*SPREADS, max(low, 1)):
        writer = _Writer(rng, spread)
        try:
            text = writer.write(tree)
        except _TooLong:
            continue
        text = text if high is None else text[:high]
        if len(text) < low and text:
            text = (text * (low // len(text) + 1))[:low]
        if check.is_valid(text):
            return text
    return None


@lru_cache(maxsize=4096)
def _check(pattern: str, low: int, high: int | None) -> jsonschema_rs.Validator | None:
    if matcher(pattern) is None:
        return None
    bounds = {"minLength": low} | ({} if high is None else {"maxLength": high})
    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000)
    return jsonschema_rs.Draft202012Validator({"pattern": pattern, **bounds}, pattern_options=options)


@lru_cache(maxsize=4096)
def _parse(pattern: str) -> Any:
    if len(pattern) > MAX_PATTERN:
        return None
    for found, replacement in _TRANSLATIONS:
        pattern = found.sub(replacement, pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError, ValueError):
        return None


class _Writer:
    """One attempt at a string."""

    def __init__(self, rng: random.Random, spread: int) -> None:
        self._rng = rng
        self._spread = spread
        self._left = MAX_CHARACTERS
        self._groups: dict[int, str] = {}

    def write(self, tree: Any) -> str:
        return "".join(self._token(str(operator), argument) for operator, argument in tree)

    def _token(self, operator: str, argument: Any) -> str:
        self._left -= 1
        if self._left < 0:
            raise _TooLong
        if operator == "LITERAL":
            return chr(argument)
        if operator in ("ANY", "NOT_LITERAL", "IN"):
            return self._rng.choice(self._alphabet(operator, argument) or "a")
        if operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, tree = argument
            times = self._rng.randint(low, max(low, min(int(high), low + self._spread)))
            return "".join(self.write(tree) for _ in range(times))
        return self._group(operator, argument)

    def _group(self, operator: str, argument: Any) -> str:
        if operator == "SUBPATTERN":
            number, _, _, tree = argument
            text = self.write(tree)
            if number is not None:
                self._groups[number] = text
            return text
        if operator == "BRANCH":
            return self.write(self._rng.choice(argument[1]))
        if operator == "ATOMIC_GROUP":
            return self.write(argument)
        if operator == "GROUPREF":
            return self._groups.get(argument, "")
        return ""

    def _alphabet(self, operator: str, argument: Any) -> Sequence[str]:
        if operator == "ANY":
            return _LETTERS + string.digits
        if operator == "NOT_LITERAL":
            return [char for char in _LETTERS if ord(char) != argument]
        return _members(
            tuple((str(kind), value if isinstance(value, tuple) else str(value)) for kind, value in argument)
        )


@lru_cache(maxsize=4096)
def _members(items: tuple[tuple[str, Any], ...]) -> Sequence[str]:
    negated = items[0][0] == "NEGATE"
    chars: dict[str, None] = {}
    for kind, value in items:
        if kind == "LITERAL":
            chars[chr(int(value))] = None
        elif kind == "RANGE":
            low, high = value
            chars.update(dict.fromkeys(chr(code) for code in range(low, min(high, low + 255) + 1)))
        elif kind == "CATEGORY":
            chars.update(dict.fromkeys(_category(value, negated)))
    if negated:
        for alphabet in (_LETTERS + string.digits, _PRINTABLE, _FOREIGN):
            left = [char for char in alphabet if char not in chars]
            if left:
                return left
    # Letters, digits and the like first: `[\S\s]` and `[ -~]` should not read as line noise.
    return [c for c in chars if c in _PLAIN[:-1]] or list(chars)


def _category(name: str, negated: bool) -> str:
    if negated and name == "CATEGORY_SPACE":
        return " \t\n\r\f\v"
    return _CATEGORIES.get(name, _LETTERS)
