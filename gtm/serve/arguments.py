"""A tool's arguments out of an HTTP request: path, query, headers, cookies and body, each in its slot.

One `Reader` a tool, made when the server starts. Unknown query fields are ignored, as real servers do; unknown body
properties become unknown arguments. Raises `Unreadable` where the body is no body of this tool: the tool itself then
refuses it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message, Scope

from gtm.errors import GtmError
from gtm.serve.coercion import Form, form_of
from gtm.serve.problems import Refused
from gtm.serve.wire import MAX_FIELDS, header, parse_json, query, replay
from gtm.types import ArgumentSlot, Json, Tool

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_EMPTY = Form(frozenset())


class Unreadable(GtmError):
    """A body that is not what the tool takes."""

    def __init__(self, statuses: tuple[int, ...], message: str) -> None:
        super().__init__(message)
        self.statuses = statuses
        """What an API may answer, best first."""


@dataclass(frozen=True, slots=True)
class _Slot:
    argument: str
    slot: ArgumentSlot
    form: Form
    object_names: frozenset[str]
    """For an object in the query: properties that travel under their own names."""


class Reader:
    """Reads the requests of one tool."""

    def __init__(self, tool: Tool) -> None:
        assert tool.http is not None
        self._media = _bare(tool.http.body_media_type or "")
        properties = tool.parameters.get("properties") or {}
        wire_names = {slot.name for slot in tool.http.slots.values()}
        self._slots: dict[str, list[_Slot]] = {}
        for argument, slot in tool.http.slots.items():
            form = form_of(properties.get(argument, {}), tool.parameters)
            place = "body" if slot.place == "form" else slot.place
            own = frozenset(form.properties) - wire_names
            self._slots.setdefault(place, []).append(_Slot(argument, slot, form, own))
        self._body = {item.slot.name: item for item in self._slots.get("body", ())}
        self._whole = next(iter(self._slots.get("whole_body", ())), None)
        self._others = frozenset(tool.http.slots) - {item.argument for item in self._body.values()}
        self.takes_body = bool(self._body) or self._whole is not None
        self.own_session = any(item.slot.name == "session" for item in self._slots.get("query", ()))
        """Whether `?session=` is the tool's own."""

    async def read(self, scope: Scope, path: dict[str, str], body: bytes) -> dict[str, Json]:
        """The arguments of a request. Raises Unreadable and Refused."""
        found: dict[str, Json] = {}
        for item in self._slots.get("path", ()):
            if item.slot.name in path:
                found[item.argument] = item.form.delimited(path[item.slot.name])
        if "query" in self._slots:
            fields = _grouped(query(scope))
            for item in self._slots["query"]:
                _take(item, fields, found)
        for item in self._slots.get("header", ()):
            text = header(scope, item.slot.name.lower().encode("latin-1", "replace"))
            if text is not None:
                found[item.argument] = item.form.delimited(text)
        if "cookie" in self._slots:
            cookies = {name: [value] for name, value in _cookies(header(scope, b"cookie") or "").items()}
            for item in self._slots["cookie"]:
                _take(item, cookies, found)
        if body and self.takes_body:
            found.update(await self._read_body(scope, body))
        return found

    async def _read_body(self, scope: Scope, body: bytes) -> dict[str, Json]:
        given = _bare(header(scope, b"content-type") or "")
        if given in (_URLENCODED, _MULTIPART) and (self._whole is None or _takes_fields(self._whole.form)):
            return self._from_form(await _form(scope, given, body))
        if _is_json(self._media) or self._media in (_URLENCODED, _MULTIPART):
            if given and not _is_json(given):
                raise self._wrong_type(given)
            try:
                value = parse_json(body)
            except Refused as error:
                raise Unreadable((400, 422), str(error)) from None
            return self._from_json(value)
        if given and given != self._media and not given.startswith("text/"):
            raise self._wrong_type(given)
        assert self._whole is not None
        return {self._whole.argument: body.decode("utf-8", "replace")}

    def _wrong_type(self, given: str) -> Unreadable:
        message = f"the body's Content-Type {given[:100]!r} is not supported; send {self._media!r}"
        return Unreadable((415, 400), message)

    def _from_json(self, value: Json) -> dict[str, Json]:
        if self._whole is not None:
            return {self._whole.argument: value}
        if not isinstance(value, dict):
            raise Unreadable((400, 422), f"the body must be a JSON object; got {_kind(value)}")
        found = {}
        for name, inner in value.items():
            if name in self._body:
                found[self._body[name].argument] = inner
            elif name not in self._others:
                found[name] = inner
        return found

    def _from_form(self, fields: dict[str, list[str]]) -> dict[str, Json]:
        if self._whole is not None:
            form = self._whole.form
            return {self._whole.argument: {n: _value(form.properties.get(n, _EMPTY), v) for n, v in fields.items()}}
        found: dict[str, Json] = {}
        for item in self._body.values():
            _take(item, fields, found)
        known = self._body.keys() | self._others
        return {**{n: texts[0] for n, texts in fields.items() if n not in known and "[" not in n}, **found}


def _take(item: _Slot, fields: dict[str, list[str]], found: dict[str, Json]) -> None:
    """Put an argument into `found` if its fields are there, in whatever style they are written."""
    name, form = item.slot.name, item.form
    texts = fields.get(name)
    if texts is None and "array" in form.kinds:
        texts = fields.get(f"{name}[]")
    if texts is not None:
        if "array" in form.kinds and item.slot.explode and not texts[0].startswith("["):
            found[item.argument] = form.many(texts)
        elif {"array", "object"} & form.kinds and texts[0][:1] not in ("[", "{"):
            found[item.argument] = form.delimited(texts[0])
        else:
            found[item.argument] = _value(form, texts)
    elif "object" in form.kinds:
        start = f"{name}["
        deep = {n[len(start) : -1]: v[0] for n, v in fields.items() if n.startswith(start) and n.endswith("]")}
        flat = {n: fields[n][0] for n in item.object_names if n in fields}
        if deep or flat:
            found[item.argument] = form.fields(deep or flat)


def _value(form: Form, texts: list[str]) -> Json:
    if "array" in form.kinds and texts[0][:1] != "[":
        return form.many(texts)
    return form.one(texts[0])


async def _form(scope: Scope, kind: str, body: bytes) -> dict[str, list[str]]:
    """The fields of a form; files as text. Raises Unreadable."""
    if kind == _URLENCODED:
        try:
            pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Unreadable((400, 422), f"the form has more than {MAX_FIELDS} fields") from None
        return _grouped(pairs)
    request = Request(scope, replay(body, _nothing))
    try:
        form: FormData = await request.form(max_files=MAX_FIELDS, max_fields=MAX_FIELDS, max_part_size=len(body))
    except (MultiPartException, HTTPException) as error:
        message = error.message if isinstance(error, MultiPartException) else error.detail
        raise Unreadable((400, 422), f"the form cannot be read: {message}") from None
    pairs = []
    for name, value in form.multi_items():
        pairs.append((name, value if isinstance(value, str) else (await value.read()).decode("utf-8", "replace")))
    await form.close()
    return _grouped(pairs)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _cookies(text: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(text).items()}
    except CookieError:
        return {}


def _takes_fields(form: Form) -> bool:
    return "object" in form.kinds or not form.kinds


def _bare(media: str) -> str:
    return media.partition(";")[0].strip().lower()


def _is_json(media: str) -> bool:
    return media in ("application/json", "text/json") or media.endswith("+json")


def _kind(value: Json) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "an array")
