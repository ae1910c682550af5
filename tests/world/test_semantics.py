"""What a simulated world means: things inside of things, keys, batches, actions, references."""

import pytest

from gtm import Simulator, Tool, Toolset
from gtm.simulator.config import Config
from gtm.simulator.session import Session
from gtm.types import Json
from tests.samples import operation, pets

TEXT: dict[str, Json] = {"type": "string"}
NUMBER: dict[str, Json] = {"type": "integer"}
MOMENT: dict[str, Json] = {"type": "string", "format": "date-time"}


def thing(**fields: Json) -> dict[str, Json]:
    """An object that has all of these."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def many(item: Json) -> dict[str, Json]:
    return {"type": "array", "items": item}


def session(*tools: Tool, world: str = "auto", kind: str = "openapi", config: Config | None = None) -> Session:
    toolset = Toolset(name="t", kind=kind, tools=tools)
    simulator = Simulator(toolset, model="scripted", cache=False, config=config)
    return simulator.session(world=world)  # type: ignore[arg-type]


def function(name: str, required: list[str], **arguments: Json) -> Tool:
    parameters = {"type": "object", "properties": arguments, "required": required}
    return Tool(name=name, description=name, parameters=parameters)


OWNER = thing(id=NUMBER, name=TEXT)
DOG = thing(id=NUMBER, name=TEXT, ownerId=NUMBER)
KENNEL = (
    operation("createOwner", "POST", "/owners", {"name": TEXT}, OWNER, 201),
    operation("getOwner", "GET", "/owners/{ownerId}", {"ownerId": NUMBER}, OWNER),
    operation("deleteOwner", "DELETE", "/owners/{ownerId}", {"ownerId": NUMBER}, None, 204),
    operation("createDog", "POST", "/owners/{ownerId}/dogs", {"ownerId": NUMBER, "name": TEXT}, DOG, 201),
    operation("getDog", "GET", "/owners/{ownerId}/dogs/{dogId}", {"ownerId": NUMBER, "dogId": NUMBER}, DOG),
    operation("listDogs", "GET", "/owners/{ownerId}/dogs", {"ownerId": NUMBER}, many(DOG)),
)


def error(world: Session, tool: str, arguments: Json) -> str:
    result = world.call(tool, arguments)
    return result.error.kind if result.error else ""


def family(world: Session) -> tuple[dict[str, Json], dict[str, Json]]:
    owner = {"ownerId": world.call("createOwner", {"name": "Ada"}).content["id"]}
    return owner, {**owner, "dogId": world.call("createDog", {**owner, "name": "Rex"}).content["id"]}


def test_children_live_under_their_parent_and_repeat_its_key() -> None:
    world = session(*KENNEL)
    owner, dog = family(world)
    other = {"ownerId": world.call("createOwner", {"name": "Ben"}).content["id"]}
    assert world.call("getDog", dog).content == {"id": dog["dogId"], "name": "Rex", "ownerId": owner["ownerId"]}
    assert [d["name"] for d in world.call("listDogs", owner).content] == ["Rex"]
    assert world.call("listDogs", other).content == []
    assert world.call("getDog", {**dog, **other}).status == 404


def test_children_go_with_their_parent() -> None:
    world = session(*KENNEL)
    owner, dog = family(world)
    world.call("deleteOwner", owner)
    for tool, arguments in (("getDog", dog), ("listDogs", owner), ("createDog", {**owner, "name": "Max"})):
        refused = world.call(tool, arguments)
        assert (tool, refused.status, str(owner["ownerId"]) in refused.text) == (tool, 404, True)


@pytest.mark.parametrize(("rule", "deleted", "child"), [("orphan", "", 200), ("restrict", "conflict", 200)])
def test_what_a_delete_does_to_children_can_be_declared(rule: str, deleted: str, child: int) -> None:
    effect = {"kind": "delete", "resource": "owner", "key": ["ownerId"], "on_delete": rule}
    world = session(*KENNEL, config=Config.parse({"tools": {"deleteOwner": {"effect": effect}}}))
    owner, dog = family(world)
    assert error(world, "deleteOwner", owner) == deleted
    assert world.call("getDog", dog).status == child


def test_a_child_of_a_parent_that_was_never_made_is_not_found_in_a_closed_world() -> None:
    world = session(*KENNEL, world="closed")
    assert world.call("createDog", {"ownerId": 5, "name": "Rex"}).status == 404
    assert world.call("listDogs", {"ownerId": 5}).status == 404


def test_a_key_of_several_parts_is_given_in_the_body_and_read_in_the_path() -> None:
    row = thing(table=TEXT, row=TEXT, value=TEXT)
    key = {"table": TEXT, "row": TEXT}
    world = session(
        operation("putRow", "POST", "/rows", {**key, "value": TEXT}, row, 201),
        operation("getRow", "GET", "/rows/{table}/{row}", key, row),
        operation("listRows", "GET", "/rows", {}, many(row)),
        world="closed",
    )
    made = [world.call("putRow", {"table": t, "row": "1", "value": t * 2}).content for t in ("a", "b")]
    assert [world.call("getRow", {"table": t, "row": "1"}).content for t in ("a", "b")] == made
    assert world.call("listRows").content == made
    assert error(world, "putRow", {"table": "a", "row": "1", "value": "x"}) == "conflict"
    assert world.call("getRow", {"table": "a", "row": "2"}).status == 404


def test_a_key_inside_a_wrapper_is_the_key() -> None:
    issue = thing(id=NUMBER, title=TEXT)
    world = session(
        operation("createIssue", "POST", "/issues", {"issue": issue}, thing(issue=issue), 201),
        operation("getIssue", "GET", "/issues/{id}", {"id": NUMBER}, issue),
    )
    sent = {"issue": {"id": 5, "title": "Broken"}}
    assert world.call("createIssue", sent).content == sent
    assert world.call("getIssue", {"id": 5}).content == sent["issue"]
    assert error(world, "createIssue", sent) == "conflict"


def test_several_things_are_created_by_one_call() -> None:
    user = thing(username=TEXT, age=NUMBER)
    batch = operation("createUsersWithArrayInput", "POST", "/users", {"items": many(user)}, many(user), 201)
    read = operation("getUser", "GET", "/users/{username}", {"username": TEXT}, user)
    world = session(batch, read, operation("listUsers", "GET", "/users", {}, many(user)), world="closed")
    users = [{"username": "ada", "age": 36}, {"username": "bob", "age": 41}]
    assert world.call("createUsersWithArrayInput", {"items": users}).content == users
    assert [world.call("getUser", {"username": u["username"]}).content for u in users] == users
    assert world.call("listUsers").content == users
    assert error(world, "createUsersWithArrayInput", {"items": users[:1]}) == "conflict"


def test_a_partial_update_merges_and_a_put_replaces_inside_objects_too() -> None:
    written: dict[str, Json] = {"city": TEXT, "street": TEXT}
    address = {"type": "object", "properties": written}
    made = thing(id=NUMBER, address={"type": "object", "properties": {**written, "verified": MOMENT}})
    body = {"address": address}
    world = session(
        operation("make", "POST", "/shops", body, made, 201),
        operation("change", "PATCH", "/shops/{id}", {"id": NUMBER, **body}, made),
        operation("replace", "PUT", "/shops/{id}", {"id": NUMBER, **body}, made),
    )
    shop = world.call("make", {"address": {"city": "Bern", "street": "A 1"}}).content
    changed = world.call("change", {"id": shop["id"], "address": {"city": "Basel"}}).content
    assert changed["address"] == {**shop["address"], "city": "Basel"}
    replaced = world.call("replace", {"id": shop["id"], "address": {"city": "Chur"}}).content["address"]
    assert (replaced["city"], replaced["verified"]) == ("Chur", shop["address"]["verified"])
    assert replaced["street"] != "A 1"


def test_times_move_forward() -> None:
    note = thing(id=NUMBER, text=TEXT, created_at=MOMENT, updated_at=MOMENT)
    world = session(
        operation("make", "POST", "/notes", {"text": TEXT}, None, 201),
        operation("list", "GET", "/notes", {}, many(note)),
        operation("edit", "PATCH", "/notes/{id}", {"id": NUMBER, "text": TEXT}, note),
        operation("look", "GET", "/notes/{id}", {"id": NUMBER}, note),
        world="closed",
    )
    world.call("make", {"text": "one"})
    made = world.call("list").content[0]
    assert made["created_at"] == made["updated_at"] == "2025-06-02T09:00:00Z"
    edited = world.call("edit", {"id": made["id"], "text": "two"}).content
    assert edited == {**made, "text": "two", "updated_at": "2025-06-02T09:00:14Z"}
    assert world.call("look", {"id": made["id"]}).content == edited


def test_what_is_imagined_was_changed_after_it_was_made() -> None:
    note = thing(id=NUMBER, created_at=MOMENT)
    world = session(
        operation("list", "GET", "/notes", {}, many(note)),
        operation(
            "look", "GET", "/notes/{id}", {"id": NUMBER}, thing(id=NUMBER, created_at=MOMENT, updated_at=MOMENT)
        ),
    )
    for item in world.call("list").content:
        seen = world.call("look", {"id": item["id"]}).content
        assert seen["created_at"] == item["created_at"] < seen["updated_at"]


ACTIONS = [
    ("cancel", {"enum": ["open", "canceled"], "type": "string"}, "status", "canceled"),
    ("start", {"enum": ["RUNNING", "STOPPED"], "type": "string"}, "state", "RUNNING"),
    ("stop", {"enum": ["RUNNING", "STOPPED"], "type": "string"}, "state", "STOPPED"),
    ("approve", TEXT, "status", "approved"),
    ("archive", {"type": "boolean"}, "archived", True),
    ("unlock", {"type": "boolean"}, "locked", False),
    ("disable", {"type": "boolean"}, "enabled", False),
]


@pytest.mark.parametrize(("verb", "leaf", "field", "value"), ACTIONS)
def test_an_action_sets_what_its_verb_says(verb: str, leaf: Json, field: str, value: Json) -> None:
    job = thing(id=NUMBER, **{field: leaf})
    effect = {"kind": "update", "resource": "job", "key": ["id"], "reason": f"the action '{verb}' on an item"}
    world = session(
        operation("make", "POST", "/jobs", {"title": TEXT}, job, 201),
        operation(f"{verb}Job", "POST", f"/jobs/{{id}}/{verb}", {"id": NUMBER}, None, 204),
        operation("look", "GET", "/jobs/{id}", {"id": NUMBER}, job),
        config=Config.parse({"tools": {f"{verb}Job": {"effect": effect}}}),
    )
    key = {"id": world.call("make", {"title": "x"}).content["id"]}
    assert world.call(f"{verb}Job", key).status == 204
    assert world.call("look", key).content[field] == value
    assert world.call(f"{verb}Job", {"id": 77777}).is_error is False


def test_a_reference_names_a_thing_that_can_be_read() -> None:
    customer = thing(id=NUMBER, name=TEXT)
    order = thing(id=NUMBER, customerId=NUMBER)
    invoice = thing(id=NUMBER, customer=customer)
    tools = (
        operation("createCustomer", "POST", "/customers", {"name": TEXT}, customer, 201),
        operation("getCustomer", "GET", "/customers/{id}", {"id": NUMBER}, customer),
        operation("getOrder", "GET", "/orders/{id}", {"id": NUMBER}, order),
        operation("getInvoice", "GET", "/invoices/{id}", {"id": NUMBER}, invoice),
    )
    world = session(*tools)
    embedded = world.call("getInvoice", {"id": 4}).content["customer"]
    assert world.call("getCustomer", {"id": embedded["id"]}).content == embedded
    assert world.call("getOrder", {"id": 1}).content["customerId"] == embedded["id"]
    fresh = session(*tools)
    made = fresh.call("createCustomer", {"name": "Ada"}).content
    assert fresh.call("getOrder", {"id": 1}).content["customerId"] == made["id"]
    assert fresh.call("getInvoice", {"id": 4}).content["customer"] == made


def test_a_thing_is_found_by_another_of_its_fields() -> None:
    user = thing(id=NUMBER, email=TEXT, name=TEXT)
    world = session(
        operation("makeUser", "POST", "/users", {"email": TEXT, "name": TEXT}, user, 201),
        operation("getUser", "GET", "/users/{id}", {"id": NUMBER}, user),
        operation("listUsers", "GET", "/users", {}, many(user)),
        function("get_user_by_email", ["email"], email=TEXT).model_copy(update={"output_schema": user}),
    )
    made = world.call("makeUser", {"email": "a@b.org", "name": "Ada"}).content
    assert world.call("get_user_by_email", {"email": "a@b.org"}).content == made
    unseen = world.call("get_user_by_email", {"email": "c@d.org"}).content
    assert (unseen["email"], type(unseen["id"])) == ("c@d.org", int)
    assert world.call("getUser", {"id": unseen["id"]}).content == unseen
    assert unseen in world.call("listUsers").content


def test_names_that_read_the_same_are_one_field() -> None:
    world = session(
        operation("make", "POST", "/pets", {"pet_name": TEXT}, thing(petId=NUMBER), 201),
        operation("look", "GET", "/pets/{petId}", {"petId": NUMBER}, thing(id=NUMBER, name=TEXT)),
        operation("list", "GET", "/pets", {"petName": TEXT}, many(thing(pet_id=NUMBER, name=TEXT))),
    )
    key = world.call("make", {"pet_name": "Rex"}).content["petId"]
    assert world.call("look", {"petId": key}).content == {"id": key, "name": "Rex"}
    assert {"pet_id": key, "name": "Rex"} in world.call("list", {"petName": "Rex"}).content


def test_sent_fields_are_read_whether_nested_or_flat() -> None:
    nested = thing(id=NUMBER, attributes=thing(title=TEXT, size=NUMBER))
    flat_body = operation("make", "POST", "/boxes", {"title": TEXT, "size": NUMBER}, nested, 201)
    world = session(flat_body, operation("look", "GET", "/boxes/{id}", {"id": NUMBER}, nested))
    made = world.call("make", {"title": "A", "size": 3}).content
    assert made["attributes"] == {"title": "A", "size": 3}
    assert world.call("look", {"id": made["id"]}).content == made
    flat_doc = thing(id=NUMBER, title=TEXT, size=NUMBER)
    body = {"fields": {"type": "object", "properties": {"title": TEXT, "size": NUMBER}}}
    world = session(
        operation("make", "POST", "/boxes", body, thing(id=NUMBER), 201),
        operation("look", "GET", "/boxes/{id}", {"id": NUMBER}, flat_doc),
    )
    key = {"id": world.call("make", {"fields": {"title": "B", "size": 4}}).content["id"]}
    assert world.call("look", key).content == {**key, "title": "B", "size": 4}


def test_a_value_that_a_stricter_reader_cannot_show_is_mended_once() -> None:
    loose, strict = thing(id=NUMBER, tag={}, n=NUMBER), thing(id=NUMBER, tag=thing(name=TEXT), n=NUMBER)
    world = session(
        operation("make", "POST", "/cups", {"tag": {}, "n": NUMBER}, loose, 201),
        operation("look", "GET", "/cups/{id}", {"id": NUMBER}, strict),
        operation("list", "GET", "/cups", {}, many(strict)),
        world="closed",
    )
    keys = [world.call("make", {"tag": tag, "n": 1}).content["id"] for tag in ("red", "blue", "green", "black")]
    listed = world.call("list").content
    assert [cup["id"] for cup in listed] == keys
    assert [world.call("look", {"id": key}).content for key in keys] == listed
    assert world.call("list").content == listed


def test_a_file_is_told_about_without_its_content() -> None:
    world = session(
        function("write_file", ["path", "content"], path=TEXT, content=TEXT),
        function("read_file", ["path"], path=TEXT),
        function("get_file_info", ["path"], path=TEXT),
        kind="openai",
    )
    world.call("write_file", {"path": "/a", "content": "hällo"})
    told = world.call("get_file_info", {"path": "/a"}).content
    assert (told["path"], told["size"], "content" in told) == ("/a", 6, False)
    world.call("write_file", {"path": "/a", "content": "hi"})
    assert world.call("get_file_info", {"path": "/a"}).content["size"] == 2
    assert world.call("read_file", {"path": "/a"}).content["content"] == "hi"


def test_defaults_of_a_create_are_what_is_read() -> None:
    task = thing(id=NUMBER, title=TEXT, priority=TEXT)
    body = {"title": TEXT, "priority": {"type": "string", "default": "low"}}
    world = session(
        operation("make", "POST", "/tasks", body, task, 201),
        operation("look", "GET", "/tasks/{id}", {"id": NUMBER}, task),
    )
    made = world.call("make", {"title": "x"}).content
    assert made["priority"] == "low"
    assert world.call("look", {"id": made["id"]}).content == made


def test_a_repeated_read_does_not_change_because_a_list_showed_more() -> None:
    small, large = thing(id=NUMBER, name=TEXT), thing(id=NUMBER, name=TEXT, note=TEXT)
    optional = {**large, "required": ["id"]}
    tools = (*pets().tools[:0], operation("look", "GET", "/cups/{id}", {"id": NUMBER}, small))
    world = session(*tools, operation("list", "GET", "/cups", {}, many(optional)))
    first = world.call("look", {"id": 3}).content
    shown = next(cup for cup in world.call("list").content if cup["id"] == 3)
    assert shown == {**first, "note": shown["note"]}
    assert world.call("look", {"id": 3}).content == first


def test_a_key_inside_an_object_is_the_key() -> None:
    pod = thing(kind=TEXT, metadata=thing(name=TEXT, uid=TEXT))
    body = {"kind": TEXT, "metadata": {"type": "object", "properties": {"name": TEXT}}}
    world = session(
        operation("createPod", "POST", "/pods", body, pod, 201),
        operation("readPod", "GET", "/pods/{name}", {"name": TEXT}, pod),
        operation("listPods", "GET", "/pods", {}, many(pod)),
    )
    made = world.call("createPod", {"kind": "Pod", "metadata": {"name": "web"}}).content
    assert made["metadata"]["name"] == "web"
    assert world.call("readPod", {"name": "web"}).content == made
    for listed in world.call("listPods").content:
        assert world.call("readPod", {"name": listed["metadata"]["name"]}).content == listed
    assert world.call("readPod", {"name": "db"}).content["metadata"]["name"] == "db"


def test_what_a_thing_without_a_key_holds_is_gone_with_it() -> None:
    tool = thing(id=TEXT, name=TEXT)
    world = session(
        operation("deleteSelf", "DELETE", "/self", {}, None, 204),
        operation("addConsumer", "POST", "/self/consumers", {"name": TEXT}, tool, 201),
        operation("getConsumer", "GET", "/self/consumers/{id}", {"id": TEXT}, tool),
        operation("listConsumers", "GET", "/self/consumers", {}, many(tool)),
    )
    key = world.call("addConsumer", {"name": "a"}).content["id"]
    assert not world.call("deleteSelf").is_error
    assert error(world, "getConsumer", {"id": key}) == "not_found"
    assert error(world, "listConsumers", {}) == "not_found"


def test_a_path_that_starts_with_a_parameter_is_one_resource_for_list_and_item() -> None:
    item = thing(id=TEXT, name=TEXT)
    world = session(
        operation("addUser", "POST", "/{realm}/users", {"realm": TEXT, "name": TEXT}, item, 201),
        operation("getUser", "GET", "/{realm}/users/{id}", {"realm": TEXT, "id": TEXT}, item),
        operation("listUsers", "GET", "/{realm}/users", {"realm": TEXT}, many(item)),
    )
    made = world.call("addUser", {"realm": "r", "name": "Ada"}).content
    assert world.call("getUser", {"realm": "r", "id": made["id"]}).content == made
    assert made in world.call("listUsers", {"realm": "r"}).content


def test_the_thing_in_an_envelope_of_several_is_the_one_called_as_its_resource() -> None:
    ship = thing(symbol=TEXT, name=TEXT)
    answer = thing(data=thing(agent=thing(symbol=TEXT), ship=ship))
    world = session(
        operation("buyShip", "POST", "/ships", {"name": TEXT}, answer, 201),
        operation("getShip", "GET", "/ships/{shipSymbol}", {"shipSymbol": TEXT}, thing(data=ship)),
    )
    bought = world.call("buyShip", {"name": "Argo"}).content["data"]["ship"]
    assert bought["name"] == "Argo"
    assert world.call("getShip", {"shipSymbol": bought["symbol"]}).content["data"] == bought
