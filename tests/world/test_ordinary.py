"""Ordinary toolsets that rules made for others once broke: each does what its user expects."""

import pytest

from gtm.types import Json
from tests.world.made import TEXT, TEXTS, session, several, thing, tool

NUMBER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
CONTACT: dict[str, Json] = {"id": TEXT, "name": TEXT, "email": TEXT, "company_id": TEXT}


def test_a_bulk_call_that_makes_nothing_changes_no_other_field() -> None:
    moved = several(id=TEXT, company_id=TEXT)
    s = session(
        tool("create_contact", {"name": TEXT, "email": TEXT}, CONTACT, "POST /contacts"),
        tool("get_contact", {"id": TEXT}, CONTACT, "GET /contacts/{id}"),
        tool("list_contacts", {}, {"contacts": several(**CONTACT)}, "GET /contacts"),
        tool("move_contacts", {"contacts": moved}, {"moved": NUMBER}, "POST /contacts/bulk"),
    )
    made = s.call("create_contact", {"name": "Ann", "email": "a@x.y"}).content
    s.call("move_contacts", {"contacts": [{"id": made["id"], "company_id": "co"}]})
    found = s.call("get_contact", {"id": made["id"]}).content
    assert (found["name"], found["email"]) == ("Ann", "a@x.y")
    assert len(s.call("list_contacts", {}).content["contacts"]) == 1


def test_a_put_still_makes_its_thing_beside_an_import() -> None:
    page: dict[str, Json] = {"id": TEXT, "text": TEXT}
    s = session(
        tool("put_page", page, page, "PUT /pages/{id}"),
        tool("get_page", {"id": TEXT}, page, "GET /pages/{id}"),
        tool("import_pages", {"pages": several(**page)}, {"imported": NUMBER}, "POST /pages/import"),
    )
    assert s.call("put_page", {"id": "home", "text": "hi"}).content == {"id": "home", "text": "hi"}
    s.call("import_pages", {"pages": [{"id": "faq", "text": "?"}]})
    assert s.call("get_page", {"id": "faq"}).content["text"] == "?"


def test_a_reference_inside_of_an_object_is_not_what_a_thing_is_called() -> None:
    task: dict[str, Json] = {"task_id": TEXT, "title": TEXT, "status": TEXT}
    s = session(
        tool("create_task", {"title": TEXT}, task, "POST /tasks", {"relation": thing(task_id=TEXT, type=TEXT)}),
        tool("get_task", {"task_id": TEXT}, task, "GET /tasks/{task_id}"),
        tool("delete_task", {"task_id": TEXT}, {}, "DELETE /tasks/{task_id}"),
        tool("complete_task", {"task_id": TEXT}, task, "POST /tasks/{task_id}/complete"),
    )
    first = s.call("create_task", {"title": "A"}).content["task_id"]
    other = s.call("create_task", {"title": "B", "relation": {"task_id": first, "type": "after"}}).content["task_id"]
    s.call("delete_task", {"task_id": first})
    assert s.call("get_task", {"task_id": first}).is_error
    assert s.call("complete_task", {"task_id": "TASK-77"}).is_error
    assert s.call("get_task", {"task_id": other}).content["title"] == "B"


@pytest.mark.parametrize("verb", ["purge", "discard", "clear"])
def test_what_is_emptied_is_still_there(verb: str) -> None:
    queue: dict[str, Json] = {"name": TEXT, "size": NUMBER}
    s = session(
        tool("create_queue", {"name": TEXT}, queue, "POST /queues"),
        tool("get_queue", {"name": TEXT}, queue, "GET /queues/{name}"),
        tool(f"{verb}_queue", {"name": TEXT}, {}, f"POST /queues/{{name}}/{verb}"),
    )
    s.call("create_queue", {"name": "q"})
    s.call(f"{verb}_queue", {"name": "q"})
    assert not s.call("get_queue", {"name": "q"}).is_error


def test_a_part_with_an_id_of_its_own_is_answered_as_it_was_sent() -> None:
    place = thing(street=TEXT, city=TEXT)
    addresses = several(address_id=TEXT, street=TEXT, city=TEXT)
    customer: dict[str, Json] = {"customer_id": TEXT, "name": TEXT, "addresses": addresses}
    added: dict[str, Json] = {"address_id": TEXT, "street": TEXT, "city": TEXT}
    s = session(
        tool("create_customer", {"name": TEXT}, customer),
        tool("get_customer", {"customer_id": TEXT}, customer),
        tool("add_address", {"customer_id": TEXT, "address": place}, added),
    )
    made = s.call("create_customer", {"name": "Ann"}).content["customer_id"]
    shown = s.call("add_address", {"customer_id": made, "address": {"street": "S1", "city": "Rome"}}).content
    assert (shown["street"], shown["city"]) == ("S1", "Rome")


def test_what_is_added_to_a_thing_brings_no_list_of_its_own_into_it() -> None:
    project: dict[str, Json] = {"project_id": TEXT, "title": TEXT, "members": TEXTS}
    s = session(
        tool("create_project", {"title": TEXT, "members": TEXTS}, project),
        tool("get_project", {"project_id": TEXT}, project),
        tool("add_risk", {"project_id": TEXT, "title": TEXT}, {"risk_id": TEXT}, optional={"members": TEXTS}),
    )
    made = s.call("create_project", {"title": "P", "members": ["ann"]}).content
    s.call("add_risk", {"project_id": made["project_id"], "title": "R", "members": ["bob"]})
    assert s.call("get_project", {"project_id": made["project_id"]}).content == made


def test_settings_with_a_getter_and_a_setter_stay_what_was_sent() -> None:
    settings = thing(theme=TEXT, lang=TEXT)
    project: dict[str, Json] = {"project_id": TEXT, "name": TEXT, "settings": settings}
    s = session(
        tool("create_project", {"name": TEXT, "settings": settings}, project),
        tool("get_project", {"project_id": TEXT}, project),
        tool("get_project_settings", {"project_id": TEXT}, {"settings": settings}),
        tool("update_project_settings", {"project_id": TEXT, "settings": settings}, {"settings": settings}),
    )
    sent: Json = {"theme": "dark", "lang": "en"}
    made = s.call("create_project", {"name": "P", "settings": sent}).content
    key = {"project_id": made["project_id"]}
    assert made["settings"] == sent
    assert s.call("get_project", key).content == made
    changed: Json = {"theme": "light", "lang": "en"}
    assert s.call("update_project_settings", {**key, "settings": changed}).content["settings"] == changed
    assert s.call("get_project_settings", key).content["settings"] == changed
    assert s.call("get_project", key).content["settings"] == changed


def test_two_files_whose_names_are_one_address_are_two() -> None:
    s = session(
        tool("write_file", {"path": TEXT, "content": TEXT}, {"path": TEXT}),
        tool("read_file", {"path": TEXT}, {"path": TEXT, "content": TEXT}),
        tool("delete_file", {"path": TEXT}, {}),
    )
    s.call("write_file", {"path": "a b.txt", "content": "one"})
    s.call("write_file", {"path": "a%20b.txt", "content": "two"})
    assert s.call("read_file", {"path": "a b.txt"}).content["content"] == "one"
    s.call("delete_file", {"path": "a%20b.txt"})
    assert s.call("read_file", {"path": "a b.txt"}).content["content"] == "one"


def test_a_todo_with_a_response_is_no_operation() -> None:
    invite: dict[str, Json] = {"id": TEXT, "email": TEXT, "done": FLAG, "response": thing(text=TEXT)}
    s = session(
        tool("create_invite", {"email": TEXT}, invite, "POST /invites"),
        tool("get_invite", {"id": TEXT}, invite, "GET /invites/{id}"),
        tool("close_invite", {"id": TEXT, "done": FLAG}, invite, "PATCH /invites/{id}"),
    )
    made = s.call("create_invite", {"email": "a@x.y"}).content
    assert s.call("close_invite", {"id": made["id"], "done": False}).content["done"] is False


def test_a_query_looks_into_the_field_that_it_names_and_takes_a_time_as_it_stands() -> None:
    ticket: dict[str, Json] = {"id": TEXT, "title": TEXT, "status": TEXT}
    s = session(
        tool("create_ticket", {"title": TEXT, "status": TEXT}, ticket, "POST /tickets"),
        tool("get_ticket", {"id": TEXT}, ticket, "GET /tickets/{id}"),
        tool("list_tickets", {}, {"tickets": several(**ticket)}, "GET /tickets", {"q": TEXT}),
    )
    for title, status in (("Cannot open door", "closed"), ("Printer", "open"), ("Meeting 09:30", "closed")):
        s.call("create_ticket", {"title": title, "status": status})

    def found(query: str) -> list[str]:
        return [one["title"] for one in s.call("list_tickets", {"q": query}).content["tickets"]]

    assert found("status:open") == ["Printer"]
    assert found("title:open") == ["Cannot open door"]
    assert found("10:30") == []
    assert found("status:open OR title:meeting") == ["Printer", "Meeting 09:30"]


def test_a_text_for_a_person_is_what_the_person_is_called() -> None:
    issue: dict[str, Json] = {"id": TEXT, "title": TEXT, "assignee": thing(login=TEXT, name=TEXT)}
    s = session(
        tool("create_issue", {"title": TEXT}, issue, "POST /issues"),
        tool("get_issue", {"id": TEXT}, issue, "GET /issues/{id}"),
        tool("edit_issue", {"id": TEXT, "assignee": TEXT}, issue, "PATCH /issues/{id}"),
    )
    made = s.call("create_issue", {"title": "t"}).content
    assert s.call("edit_issue", {"id": made["id"], "assignee": "eve"}).content["assignee"]["login"] == "eve"
    assert s.call("get_issue", {"id": made["id"]}).content["assignee"]["login"] == "eve"


def test_an_operation_shows_no_more_of_its_thing_than_readers_do() -> None:
    operation: dict[str, Json] = {
        "name": TEXT,
        "done": FLAG,
        "metadata": {"type": "object"},
        "response": {"type": "object"},
        "error": thing(code=NUMBER, message=TEXT),
    }
    cluster: dict[str, Json] = {"cluster_id": TEXT, "size": NUMBER}
    s = session(
        tool("create_cluster", {**cluster, "root_pw": TEXT}, operation, "POST /clusters"),
        tool("update_cluster", cluster, operation, "PATCH /clusters/{cluster_id}"),
        tool("get_cluster", {"cluster_id": TEXT}, cluster, "GET /clusters/{cluster_id}"),
        tool("create_disk", {"disk_id": TEXT}, operation, "POST /disks"),
        tool("get_disk", {"disk_id": TEXT}, {"disk_id": TEXT}, "GET /disks/{disk_id}"),
        tool("get_operation", {"name": TEXT}, operation, "GET /operations/{name}"),
    )
    told = s.call("create_cluster", {"cluster_id": "c", "size": 1, "root_pw": "hunter4"})
    assert "hunter4" not in told.text and told.content["response"] == {"cluster_id": "c", "size": 1}
    names = [s.call("update_cluster", {"cluster_id": "c", "size": size}).content["name"] for size in (2, 3, 2)]
    assert len({*names}) == 3
    assert s.call("get_operation", {"name": names[0]}).content["response"]["size"] == 2


def test_a_write_that_answers_a_list_answers_what_it_was_told() -> None:
    sold = {"type": "array", "items": thing(movie=TEXT, seats=NUMBER, price=NUMBER)}
    buy = tool("buy_tickets", {"movie": TEXT, "seats": NUMBER}, {}).model_copy(update={"output_schema": sold})
    s = session(buy)
    answer = s.call("buy_tickets", {"movie": "Ran", "seats": 3}).content
    assert [(ticket["movie"], ticket["seats"]) for ticket in answer] == [("Ran", 3)]


def test_asking_what_a_path_allows_makes_nothing() -> None:
    s = session(
        tool("create_pet", {"name": TEXT}, {"id": TEXT, "name": TEXT}, "POST /pets"),
        tool("get_pet", {"id": TEXT}, {"id": TEXT, "name": TEXT}, "GET /pets/{id}"),
        tool("pet_options", {"id": TEXT}, {"id": TEXT, "name": TEXT}, "OPTIONS /pets/{id}"),
    )
    assert s.call("get_pet", {"id": "none"}).is_error
    assert not s.call("pet_options", {"id": "none"}).is_error
    assert s.call("get_pet", {"id": "none"}).is_error
