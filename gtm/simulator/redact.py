"""Arguments as an Episode keeps them: what is secret is replaced, what JSON cannot carry is left out.

Secret is what its schema calls so (`writeOnly`, `format: password`), and credentials by name. A call is answered from
the arguments as they are kept, so that a record alone repeats it and no secret reaches a world, a prompt or a disk.
"""

from collections.abc import Mapping

from gtm.tools.view import View, is_secret, is_setting
from gtm.types import Json, canonical

REDACTED = "[redacted]"

MAX_DEPTH = 64
"""Levels of an argument that are looked through; deeper ones are left out."""


def recordable(view: View | None, arguments: Json) -> dict[str, Json]:
    """The arguments as they may be kept; `view` is their schema, where there is one."""
    if not isinstance(arguments, Mapping) or not all(isinstance(name, str) for name in arguments):
        return {}
    try:
        canonical(dict(arguments))
    except (ValueError, TypeError, RecursionError):
        return {}
    return {
        readable(name): _clean(name, value, view.child(name) if view else None, 0)
        for name, value in arguments.items()
    }


def readable(text: str) -> str:
    """Text that UTF-8 can carry: lone surrogates become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def covered(value: Json, depth: int = 0) -> Json:
    """A secret as it may be kept: whether there is one, and what is none inside of it (`{"enabled": true}`)."""
    if depth > MAX_DEPTH:
        return None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict) and value:
        items = ((readable(name), name, item) for name, item in value.items())
        return {said: item if is_setting(name, item) else covered(item, depth + 1) for said, name, item in items}
    return REDACTED


def _clean(name: str, value: Json, view: View | None, depth: int) -> Json:
    if depth > MAX_DEPTH:
        return None
    if is_secret(view, name):
        return covered(value)
    if isinstance(value, dict):
        return {
            readable(key): _clean(key, item, view.child(key) if view else None, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_clean("", item, view.items if view else None, depth + 1) for item in value]
    return readable(value) if isinstance(value, str) else value
