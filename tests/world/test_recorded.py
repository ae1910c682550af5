"""Mechanisms seen in recorded sessions of many APIs: bare keys, types in paths, policies, versions."""

from gtm.types import Json, Tool
from tests.world.made import TEXT, session, thing, tool

FREE: Json = {"type": "object"}


def bare(made: Tool, **output: Json) -> Tool:
    """A tool that answers a bare value."""
    return made.model_copy(update={"output_schema": {"type": "string", **output}})


def test_a_create_that_answers_a_bare_text_tells_its_key() -> None:
    job: dict[str, Json] = {"id": TEXT, "title": TEXT}
    s = session(
        bare(tool("create_job", {"title": TEXT}, {}, "POST /jobs")),
        tool("get_job", {"job_id": TEXT}, job, "GET /jobs/{job_id}"),
    )
    key = s.call("create_job", {"title": "nightly"}).content
    assert s.call("get_job", {"job_id": key}).content == {"id": key, "title": "nightly"}


def test_a_message_is_no_key() -> None:
    note: dict[str, Json] = {"id": TEXT, "title": TEXT}
    get = tool("get_note", {"note_id": TEXT}, note, "GET /notes/{note_id}")
    plain = bare(tool("create_note", {"title": TEXT}, {}, "POST /notes"))
    told = bare(tool("create_note", {"title": TEXT}, {}, "POST /notes"), description="A confirmation message.")
    by_name = bare(tool("create_note", {"title": TEXT}, {}))
    said = [session(one, get).call("create_note", {"title": "a"}).content for one in (plain, told, by_name)]
    assert [text.startswith("note_") for text in said] == [True, False, False]


def test_what_is_read_at_the_address_of_its_maker_is_the_thing() -> None:
    request = thing(format=TEXT, filter=FREE)
    s = session(
        bare(tool("create_request", {"format": TEXT, "filter": FREE}, {}, "POST /files/exports/requests")),
        tool("cancel_request", {"request_id": TEXT}, {}, "DELETE /files/exports/requests/{request_id}"),
        tool("get_file", {"file_id": {"type": "integer"}}, {"key": {"type": "integer"}}, "GET /files/{file_id}"),
        tool(
            "get_part",
            {"file_id": TEXT, "part_id": TEXT},
            {"key": TEXT, "request": request},
            "GET /files/{file_id}/{part_id}",
        ),
        world="auto",
    )
    key = s.call("create_request", {"format": "CSV", "filter": {"year": 1993}}).content
    sent = {"format": "CSV", "filter": {"year": 1993}}
    assert s.call("get_part", {"file_id": "exports", "part_id": key}).content == {"key": key, "request": sent}
    assert s.call("get_part", {"file_id": "drafts", "part_id": key}).content["request"]["format"] != "CSV"
