"""OpenAPI 2.0, 3.0 and 3.1 documents: every operation becomes a tool that knows how it is reached over HTTP.

One operation that cannot be read (a reference that leaves the document, say) is refused with its reason; the others
go on. Servers, callbacks, webhooks, links and security flows are not simulated and not read.
"""

import re
from dataclasses import dataclass

from gtm.errors import SpecError
from gtm.tools.gather import Gathering, safe_name, text_of
from gtm.tools.openapi_answers import Answers, AnswersReader
from gtm.tools.openapi_arguments import Arguments, ArgumentsReader
from gtm.tools.refs import References
from gtm.tools.schema import Dialect, Schema, SchemaReader
from gtm.types import Example, HttpBinding, Json, Tool, Toolset

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MAX_EXAMPLES = 4
"""Documented examples kept a tool."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an operation stands."""

    path: str
    method: str
    shared: Json
    """Parameters of the path item."""


def read_openapi(document: dict[str, Json], *, name: str, source: str) -> Toolset:
    """The toolset of an OpenAPI document. Raises SpecError where no operation is usable."""
    dialect = _dialect(document, source)
    paths = document.get("paths")
    if not isinstance(paths, dict) or not paths:
        raise SpecError(f"{source!r} is an OpenAPI document without paths; give one that describes operations")
    return _Reader(document, dialect, source).read(paths, name)


class _Reader:
    def __init__(self, document: dict[str, Json], dialect: Dialect, source: str) -> None:
        self._document = document
        self._references = References(document)
        self._gathering = Gathering("openapi", source)
        credentials = _credentials(document, self._references)
        requests = SchemaReader(self._references, dialect, "request")
        self._arguments = ArgumentsReader(self._references, requests, credentials)
        self._answers = AnswersReader(self._references, SchemaReader(self._references, dialect, "response"))

    def read(self, paths: dict[str, Json], name: str) -> Toolset:
        for path, given in paths.items():
            if path.startswith("x-"):
                continue
            try:
                item = self._references.follow(given)
            except SpecError as error:
                self._gathering.refuse(path, str(error))
                continue
            if isinstance(item, dict):
                for method in _METHODS:
                    if method in item:
                        self._operation(_Place(path, method, item.get("parameters")), item[method])
        return self._gathering.toolset(name)

    def _operation(self, place: _Place, operation: Json) -> None:
        label = f"{place.method.upper()} {place.path}"
        if not isinstance(operation, dict):
            self._gathering.refuse(label, "is not an object; give an operation")
            return
        wanted = text_of(operation.get("operationId"))
        safe = safe_name(wanted or "_".join((place.method, *re.findall(r"[A-Za-z0-9]+", place.path))))
        try:
            consumes = operation.get("consumes", self._document.get("consumes"))
            arguments = self._arguments.read(place.path, operation, place.shared, consumes)
            produces = operation.get("produces", self._document.get("produces"))
            answers = self._answers.read(operation, produces, place.method)
        except SpecError as error:
            self._gathering.refuse(wanted or label, str(error))
            return
        if wanted and safe != wanted:
            self._gathering.rename(safe, f"its operationId {wanted[:80]!r} has characters that clients refuse")
        kept = self._gathering.add(_tool(safe, wanted, place, operation, arguments, answers))
        for oddity in answers.oddities:
            self._gathering.say(kept, oddity)


def _tool(name: str, wanted: str, place: _Place, operation: Schema, arguments: Arguments, answers: Answers) -> Tool:
    summary = text_of(operation.get("summary"))
    return Tool(
        name=name,
        title=wanted if wanted and wanted != name else summary,
        description=text_of(operation.get("description")) or summary,
        parameters=arguments.schema,
        output_schema=answers.schema,
        examples=tuple(
            Example(arguments=arguments.example(key, body), response=body, status=answers.status)
            for key, body in list(answers.examples.items())[:MAX_EXAMPLES]
        ),
        http=HttpBinding(
            method=place.method.upper(),
            path=place.path,
            slots=arguments.slots,
            status=answers.status,
            media_type=answers.media_type,
            body_media_type=arguments.body_media_type,
            errors=tuple(answers.errors),
            response_headers=answers.headers,
        ),
        problems=tuple(dict.fromkeys((*arguments.notes, *answers.notes))),
    )


def _dialect(document: dict[str, Json], source: str) -> Dialect:
    version = str(document.get("swagger", document.get("openapi", "")))
    if version.startswith("2."):
        return "openapi-2"
    if version.startswith("3.0"):
        return "openapi-3.0"
    if version.startswith("3."):
        return "json-schema"
    raise SpecError(f"{source!r} has the OpenAPI version {version!r}; convert it to 2.0, 3.0 or 3.1")


def _credentials(document: dict[str, Json], references: References) -> set[tuple[str, str]]:
    """Place and lower-case name of every API key: those are not arguments."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    holders = (document.get("securityDefinitions"), schemes)
    found = set()
    for holder in holders:
        for item in holder.values() if isinstance(holder, dict) else ():
            scheme = references.follow(item)
            if isinstance(scheme, dict) and scheme.get("type") == "apiKey":
                found.add((str(scheme.get("in")), str(scheme.get("name")).lower()))
    return found
