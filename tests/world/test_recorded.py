"""Mechanisms seen in recorded sessions of many APIs: bare keys, types in paths, policies, versions."""

from gtm.types import Json, Tool
from tests.world.made import TEXT, session, several, thing, tool

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


RECORD: dict[str, Json] = {"id": TEXT, "name": TEXT, "type": TEXT}


def test_a_filter_does_not_mind_capitals_but_in_what_tells_things_apart() -> None:
    s = session(
        tool("create_record", {"name": TEXT, "type": TEXT}, RECORD, "POST /records"),
        tool("get_record", {"id": TEXT}, RECORD, "GET /records/{id}"),
        tool("list_records", {}, {"items": several(**RECORD)}, "GET /records", {"type": TEXT, "name": TEXT}),
    )
    made = s.call("create_record", {"name": "www", "type": "TXT"}).content
    assert s.call("list_records", {"type": "txt"}).content["items"] == [made]
    assert s.call("list_records", {"type": "mx"}).content["items"] == []
    assert s.call("list_records", {"name": "WWW"}).content["items"] == []


def test_a_query_names_fields_and_alternatives() -> None:
    s = session(
        tool("create_record", {"name": TEXT, "type": TEXT}, RECORD, "POST /records"),
        tool("get_record", {"id": TEXT}, RECORD, "GET /records/{id}"),
        tool("list_records", {}, {"items": several(**RECORD)}, "GET /records", {"query": TEXT}),
    )
    for name, kind in (("www", "TXT"), ("mail", "MX"), ("old mail", "TXT")):
        s.call("create_record", {"name": name, "type": kind})

    def found(query: str) -> list[str]:
        return [item["name"] for item in s.call("list_records", {"query": query}).content["items"]]

    assert found("name:www OR type:mx") == ["www", "mail"]
    assert found('type:txt -name:"old mail"') == ["www"]
    assert found("old mail") == ["old mail"]
    assert found("mail old") == []


def test_a_key_that_stands_inside_of_what_was_sent_or_is_encoded_finds_its_thing() -> None:
    shown = thing(id=TEXT, attributes=thing(prompt_id=TEXT, owner_id=TEXT))
    sent = thing(attributes=thing(prompt_id=TEXT, owner_id=TEXT))
    s = session(
        tool("create_prompt", {"data": sent}, {"data": shown}, "POST /prompts"),
        tool("get_prompt", {"prompt_id": TEXT}, {"data": shown}, "GET /prompts/{prompt_id}"),
    )
    made = s.call("create_prompt", {"data": {"attributes": {"prompt_id": "a/b c", "owner_id": "ann"}}}).content
    assert s.call("get_prompt", {"prompt_id": "a/b c"}).content == made
    assert s.call("get_prompt", {"prompt_id": "a%2Fb%20c"}).content == made
    assert s.call("get_prompt", {"prompt_id": made["data"]["id"]}).content == made
    assert s.call("get_prompt", {"prompt_id": "ann"}).is_error


def test_an_operation_that_nobody_can_ask_for_tells_its_thing_all_the_same() -> None:
    operation: dict[str, Json] = {"name": TEXT, "done": {"type": "boolean"}, "response": FREE, "metadata": FREE}
    job: dict[str, Json] = {"id": TEXT, "title": TEXT, "color": TEXT}
    disk: dict[str, Json] = {"id": TEXT, "label": TEXT, "size": TEXT}
    s = session(
        tool("create_job", {"title": TEXT, "color": TEXT}, operation, "POST /jobs"),
        tool("get_job", {"job_id": TEXT}, job, "GET /jobs/{job_id}"),
        tool("create_disk", {"label": TEXT, "size": TEXT}, operation, "POST /disks"),
        tool("get_disk", {"disk_id": TEXT}, disk, "GET /disks/{disk_id}"),
    )
    made = s.call("create_job", {"title": "nightly", "color": "red"}).content["response"]
    assert (made["title"], made["color"]) == ("nightly", "red")
    assert s.call("get_job", {"job_id": made["id"]}).content == made


def test_an_object_called_as_the_thing_is_its_field_where_the_key_stands_beside() -> None:
    form = thing(label=TEXT, button=TEXT)
    shown: dict[str, Json] = {"id": TEXT, "form": form, "created": TEXT}
    s = session(
        tool("create_form", {"form": form}, shown, "POST /forms"),
        tool("get_form", {"form_id": TEXT}, shown, "GET /forms/{form_id}"),
    )
    made = s.call("create_form", {"form": {"label": "Sign in", "button": "Go"}}).content
    assert made["form"] == {"label": "Sign in", "button": "Go"}
    assert s.call("get_form", {"form_id": made["id"]}).content == made


def test_an_envelope_with_a_thing_that_has_a_key_is_read_as_before() -> None:
    order = thing(id=TEXT, item=TEXT)
    shown: dict[str, Json] = {"request_id": TEXT, "order": order}
    s = session(
        tool("create_order", {"item": TEXT}, shown, "POST /orders"),
        tool("get_order", {"order_id": TEXT}, shown, "GET /orders/{order_id}"),
    )
    made = s.call("create_order", {"item": "tea"}).content["order"]
    assert s.call("get_order", {"order_id": made["id"]}).content["order"] == made
