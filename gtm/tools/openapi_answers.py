"""What an OpenAPI operation answers: its success, its documented errors, required headers and examples.

The success is the lowest documented 2xx, then `2XX`, then `default`, then a redirect; JSON is preferred where several
media types are offered. Bodies that are not JSON are strings here. Versions differ only in where things are written.
"""

from dataclasses import dataclass, field

from gtm.errors import SpecError
from gtm.tools.gather import text_of
from gtm.tools.inline import ANNOTATIONS
from gtm.tools.openapi_arguments import examples_in, is_json
from gtm.tools.refs import References, Refused
from gtm.tools.schema import Schema, SchemaReader
from gtm.types import ErrorResponse, Json

_NO_BODY = frozenset((204, 205, 304))
_JSON = "application/json"


@dataclass(slots=True)
class Answers:
    """The answers of one operation."""

    status: int = 200
    media_type: str | None = None
    schema: Schema | None = None
    headers: dict[str, Json] = field(default_factory=dict)
    errors: list[ErrorResponse] = field(default_factory=list)
    examples: dict[str, Json] = field(default_factory=dict)
    """Documented success bodies by the name of the example."""
    notes: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Body:
    media_type: str | None
    schema: Json
    examples: dict[str, Json]


class AnswersReader:
    """Reads the answers of the operations of one document."""

    def __init__(self, references: References, schemas: SchemaReader) -> None:
        self._references = references
        self._schemas = schemas

    def read(self, operation: Schema, produces: Json, method: str) -> Answers:
        """The answers of `operation`. Raises Refused."""
        answers = Answers()
        given = operation.get("responses")
        responses = {
            str(key).upper(): response
            for key, item in (given.items() if isinstance(given, dict) else ())
            if isinstance(response := self._references.follow(item), dict)
        }
        key = _success(responses)
        if key is None:
            answers.oddities.append("documents no success; it answers 200 without a body")
        else:
            self._success(key, responses[key], answers, produces, without_body=method == "head")
        for status, response in responses.items():
            if status != key and _is_error(status):
                answers.errors.append(self._error(status, response, answers, produces))
        return answers

    def _success(self, key: str, response: Schema, answers: Answers, produces: Json, *, without_body: bool) -> None:
        answers.status = int(key) if key.isdecimal() else 200
        answers.headers = self._headers(response, answers)
        body = self._body(response, produces)
        if body.media_type is None or without_body or answers.status in _NO_BODY:
            return
        answers.media_type = body.media_type
        answers.examples = body.examples
        if is_json(body.media_type):
            answers.schema = self._schema(body.schema, answers)
            if not body.examples and answers.schema is not None:
                documented = answers.schema.get("examples")
                answers.examples = {"": documented[0]} if isinstance(documented, list) and documented else {}
        else:
            answers.schema = {"type": "string"}
            answers.oddities.append(f"answers {body.media_type!r}: a string stands for it")

    def _error(self, status: str, response: Schema, answers: Answers, produces: Json) -> ErrorResponse:
        body = self._body(response, produces)
        schema: Schema | None = None
        if body.media_type is not None:
            schema = self._schema(body.schema, answers) if is_json(body.media_type) else {"type": "string"}
        return ErrorResponse(
            status=int(status) if status.isdecimal() else None if status == "DEFAULT" else int(status[0]) * 100,
            is_range=status.endswith("XX"),
            description=text_of(response.get("description")),
            body_schema=schema,
            media_type=body.media_type,
            example=next(iter(body.examples.values()), None),
        )

    def _body(self, response: Schema, produces: Json) -> _Body:
        content = response.get("content")
        if isinstance(content, dict) and content:
            media_type = next((kind for kind in content if is_json(kind)), next(iter(content)))
            holder = content[media_type] if isinstance(content[media_type], dict) else {}
            return _Body(_plain(media_type), holder.get("schema"), examples_in(holder, self._references))
        if "schema" not in response:
            return _Body(None, None, {})
        kinds = [kind for kind in produces if isinstance(kind, str)] if isinstance(produces, list) else []
        media_type = next((kind for kind in kinds if is_json(kind)), kinds[0] if kinds else _JSON)
        given = response.get("examples")
        examples = {"": given[media_type]} if isinstance(given, dict) and media_type in given else {}
        schema = response["schema"]
        if isinstance(schema, dict) and schema.get("type") == "file" and is_json(media_type):
            media_type = "application/octet-stream"
        return _Body(_plain(media_type), schema, examples)

    def _schema(self, schema: Json, answers: Answers) -> Schema | None:
        """The schema of a JSON body; None where it says nothing."""
        if schema is None:
            return None
        try:
            finished = self._schemas.read(schema)
        except Refused:
            raise
        except SpecError as error:
            answers.notes.append(f"output: a schema was left out: {error}")
            return None
        answers.notes.extend(f"output: {note}" for note in finished.notes)
        return finished.schema if finished.schema.keys() - ANNOTATIONS else None

    def _headers(self, response: Schema, answers: Answers) -> dict[str, Json]:
        given = response.get("headers")
        found: dict[str, Json] = {}
        for name, item in given.items() if isinstance(given, dict) else ():
            header = self._references.follow(item)
            if isinstance(header, dict) and header.get("required") is True and name.lower() != "content-type":
                found[name] = self._schema(header.get("schema"), answers) or {"type": "string"}
        return found


def _success(responses: dict[str, Schema]) -> str | None:
    numbers = sorted(key for key in responses if key.isdecimal() and len(key) == 3)
    for key in (
        *(key for key in numbers if key[0] == "2"),
        "2XX",
        "DEFAULT",
        *(key for key in numbers if key[0] == "3"),
    ):
        if key in responses:
            return key
    return None


def _is_error(status: str) -> bool:
    return status in ("DEFAULT", "4XX", "5XX") or (status.isdecimal() and 400 <= int(status) <= 599)


def _plain(media_type: str) -> str:
    return _JSON if media_type.strip() in ("*/*", "application/*") else media_type
