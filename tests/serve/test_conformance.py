"""schemathesis against the server of three real documents: OpenAPI 3.0, 3.1 and Swagger 2.0.

Valid and invalid requests of every operation; each answer must conform. Three things are excused, since no answer
could do better: a status where the document has none that says what happened; a missing Content-Type where there is
no body; and problem details as the body of an error that Swagger 2.0 documents without one.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.openapi.checks import MissingContentType, UndefinedContentType, UndefinedStatusCode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gtm.simulator.refusals import ALTERNATIVES
from gtm.simulator.simulator import Simulator

SPECS = Path(__file__).parents[2] / "examples" / "specs"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = 12


def _excused(failure: Failure, response: Any) -> bool:
    if isinstance(failure, UndefinedStatusCode):
        documented = {str(status).upper() for status in failure.defined_status_codes}
        if response.status_code < 300:
            return not any(status.startswith("2") for status in documented)
        fitting = {response.status_code, *ALTERNATIVES.get(response.status_code, ())}
        return not documented & {*map(str, fitting), "4XX", "DEFAULT"}
    if isinstance(failure, MissingContentType):
        return not response.content
    if isinstance(failure, UndefinedContentType):
        return bool(response.status_code >= 400 and failure.content_type == "application/problem+json")
    return False


def _failures(error: BaseException) -> Iterator[Failure]:
    if isinstance(error, Failure):
        yield error
    elif isinstance(error, FailureGroup):
        yield from error.exceptions
    else:
        raise error


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize("name", ["petstore.yaml", "petstore-2.0.json", "galaxy.yaml"])
def test_every_answer_conforms_to_its_document(
    serving: Callable[..., str], simulator: Callable[..., Simulator], name: str, mode: GenerationMode
) -> None:
    url = serving(simulator(SPECS / name))
    schema = schemathesis.openapi.from_path(SPECS / name)
    found: dict[str, str] = {}
    checked = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        # Without input nothing can be called wrongly; with wrong examples schemathesis refuses the operation.
        with contextlib.suppress(Unsatisfiable, InvalidSchema):
            _check(result.ok(), mode, url, found)
            checked += 1
    assert checked >= 7
    assert not found, "\n".join(f"{what}\n    {how}" for what, how in found.items())


def _check(operation: Any, mode: GenerationMode, url: str, found: dict[str, str]) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        response = case.call(base_url=url)
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as error:
            for failure in _failures(error):
                if not _excused(failure, response):
                    said = f"{failure.message} {response.text[:300]}"
                    found.setdefault(f"{case.method} {case.path}: {failure.title}", said)

    check()
