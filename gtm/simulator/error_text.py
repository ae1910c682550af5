"""An error's cause written into a body of any documented form.

Properties are recognised by name (`message`, `detail`, `code`, `status`, ...) wherever they are nested; each is set
only if the body stays valid. The message always ends up in the body if any string in it can hold it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gtm.tools.validator import Prepared
from gtm.tools.workpiece import at
from gtm.types import Json

_MESSAGE = ("message", "detail", "errormessage", "errordescription", "description", "msg", "details", "usermessage",
            "developermessage", "localizedmessage", "faultstring", "reason")  # fmt: skip
_KIND = ("code", "type", "kind", "errorcode", "errortype", "errorname", "name", "title", "error", "faultcode")
_STATUS = ("status", "statuscode", "httpstatus", "httpstatuscode", "code", "errorcode", "httpcode")

Path = tuple[str | int, ...]


@dataclass(slots=True)
class ErrorBody:
    """A sampled body, being filled."""

    prepared: Prepared
    body: Json
    fields: dict[str, Json]

    def fill(self) -> Json:
        """The body with message, status and kind in their places."""
        self._shorten()
        places = [path for path, value in _scalars(self.body, ()) if not isinstance(value, bool)]
        said = False
        for path in places:
            said = self._fill_place(path, places) or said
        if not said:
            self._say_somewhere(places)
        return self.body

    def _fill_place(self, path: Path, places: list[Path]) -> bool:
        """Set one place if its name is known; True where that was the message."""
        name = _plain(next((part for part in reversed(path) if isinstance(part, str)), ""))
        old = at(self.body, path)
        message, kind = str(self.fields.get("message", "")), str(self.fields.get("kind", "error"))
        if isinstance(old, int | float):
            if name in _STATUS and self.fields.get("status") is not None:
                self._set(path, self.fields["status"])
            return False
        if name in _MESSAGE or (name in ("error", "errors") and not self._has_message_beside(path, places)):
            return self._set(path, message)
        if name in ("status", "statuscode", "httpstatus") and self.fields.get("status") is not None:
            self._set_first(path, (str(self.fields["status"]), "error", "ERROR", "failed", "failure", "fail", kind))
        elif name in _KIND:
            words = kind.replace("_", " ") if name == "title" else kind
            self._set_first(path, (words, "about:blank", str(self.fields.get("status", ""))))
        return False

    def _set_first(self, path: Path, candidates: tuple[str, ...]) -> None:
        any(self._set(path, candidate) for candidate in candidates)

    def _has_message_beside(self, path: Path, places: list[Path]) -> bool:
        """Whether the object around a place has a message of its own, at any depth."""
        around = path[:-1]
        return any(
            other != path and other[: len(around)] == around and _plain(str(other[-1])) in _MESSAGE
            for other in places
        )

    def _say_somewhere(self, places: list[Path]) -> None:
        """Put the message into the first string that can hold it."""
        for path in places:
            if isinstance(at(self.body, path), str) and self._set(path, str(self.fields.get("message", ""))):
                return

    def _set(self, path: Path, new: Json) -> bool:
        old = at(self.body, path)
        sizes = (1000, 255, 128, 100, 64, 50, 40, 30, 20)
        candidates = [new, *(new[:size] for size in sizes if size < len(new))] if isinstance(new, str) else [new]
        for candidate in candidates:
            self._put(path, candidate)
            if self.prepared.validator.is_valid(self.body):
                return True
        self._put(path, old)
        return False

    def _put(self, path: Path, new: Json) -> None:
        if not path:
            self.body = new
        else:
            at(self.body, path[:-1])[path[-1]] = new

    def _shorten(self) -> None:
        """One error, not three: arrays keep their first item where that is valid."""
        for path, items in list(_arrays(self.body, ())):
            if len(items) > 1:
                self._put(path, items[:1])
                if not self.prepared.validator.is_valid(self.body):
                    self._put(path, items)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _scalars(value: Json, path: Path) -> Iterator[tuple[Path, Json]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scalars(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _scalars(inner, (*path, index))
    else:
        yield path, value


def _arrays(value: Json, path: Path) -> Iterator[tuple[Path, list[Json]]]:
    if isinstance(value, list):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _arrays(inner, (*path, name))
