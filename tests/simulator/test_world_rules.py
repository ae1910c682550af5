"""What a session promises about its world, through the public door."""

import pytest

from gtm import Simulator, Toolset
from gtm.simulator.config import Config
from gtm.simulator.session import Session
from tests.samples import PET, notes, operation, pets


def session(toolset: Toolset, **options: object) -> Session:
    return Simulator(toolset, model="scripted", cache=False).session(**options)  # type: ignore[arg-type]


def test_what_was_created_is_what_is_read() -> None:
    world = session(pets(), seed=1)
    made = world.call("createPet", {"name": "Rex", "tags": ["good"]})
    assert (made.status, made.content["name"], made.content["tags"]) == (201, "Rex", ["good"])
    key = made.content["id"]
    assert world.call("getPet", {"petId": key}).content == made.content
    assert made.content in world.call("listPets").content


def test_an_update_changes_only_what_it_names_and_every_reader_sees_it() -> None:
    world = session(pets())
    made = world.call("createPet", {"name": "Rex", "status": "available"}).content
    changed = world.call("updatePet", {"petId": made["id"], "status": "sold"}).content
    assert changed == {**made, "status": "sold"}
    assert world.call("getPet", {"petId": made["id"]}).content == changed
    assert changed in world.call("listPets", {"status": "sold"}).content
    assert changed not in world.call("listPets", {"status": "available"}).content


def test_a_put_replaces_what_callers_write_and_keeps_what_the_server_set() -> None:
    world = session(pets())
    made = world.call("createPet", {"name": "Rex", "tags": ["old"]}).content
    replaced = world.call("replacePet", {"petId": made["id"], "name": "Max"}).content
    assert (replaced["id"], replaced["createdAt"]) == (made["id"], made["createdAt"])
    assert replaced["name"] == "Max"
    assert replaced["tags"] != ["old"]


def test_a_deleted_thing_is_not_found_and_leaves_the_list() -> None:
    world = session(pets())
    key = world.call("createPet", {"name": "Rex"}).content["id"]
    gone = world.call("deletePet", {"petId": key})
    assert (gone.status, gone.content, gone.is_error) == (204, None, False)
    for tool in ("getPet", "deletePet", "updatePet"):
        refused = world.call(tool, {"petId": key})
        assert (refused.is_error, refused.status) == (True, 404)
        assert str(key) in refused.content["message"]
    assert key not in [pet["id"] for pet in world.call("listPets").content]


@pytest.mark.parametrize(("mode", "found"), [("auto", True), ("open", True), ("closed", False)])
def test_an_unseen_key_is_imagined_where_the_server_chooses_keys(mode: str, found: bool) -> None:
    world = session(pets(), world=mode)
    first = world.call("getPet", {"petId": 7})
    assert first.is_error is not found
    assert world.call("getPet", {"petId": 7}).content == first.content
    assert (world.call("listPets").content != []) is found


@pytest.mark.parametrize(("mode", "found"), [("auto", False), ("open", True), ("closed", False)])
def test_an_unseen_key_is_absent_where_the_caller_chooses_keys(mode: str, found: bool) -> None:
    world = session(notes(), world=mode)
    assert world.call("get_note", {"note_id": "n1"}).is_error is not found
    world.call("create_note", {"note_id": "n2", "title": "Milk"})
    assert world.call("get_note", {"note_id": "n2"}).content["title"] == "Milk"


def test_a_key_that_exists_cannot_be_created_again() -> None:
    world = session(notes())
    world.call("create_note", {"note_id": "n1", "title": "Milk"})
    again = world.call("create_note", {"note_id": "n1", "title": "Eggs"})
    assert again.error is not None
    assert again.error.kind == "conflict"
    assert world.call("get_note", {"note_id": "n1"}).content["title"] == "Milk"


def test_a_list_is_a_pinned_window_that_writes_join_and_leave() -> None:
    world = session(pets())
    first = world.call("listPets").content
    assert world.call("listPets").content == first
    made = world.call("createPet", {"name": "Rex"}).content
    assert world.call("listPets").content == [*first, made]
    world.call("deletePet", {"petId": first[0]["id"]})
    assert world.call("listPets").content == [*first[1:], made]


def test_pages_add_up() -> None:
    world = session(pets(), world="closed")
    made = [world.call("createPet", {"name": f"pet {n}"}).content for n in range(5)]
    pages = [world.call("listPets", {"limit": 2, "offset": start}).content for start in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [pet for page in pages for pet in page] == made


def test_a_search_looks_into_every_field() -> None:
    world = session(pets(), world="closed")
    rex = world.call("createPet", {"name": "Rex", "tags": ["spotted"]}).content
    world.call("createPet", {"name": "Max", "tags": []})
    assert world.call("listPets", {"q": "SPOT"}).content == [rex]


def test_created_keys_never_equal_imagined_ones() -> None:
    world = session(pets())
    imagined = {pet["id"] for pet in world.call("listPets").content} | {1001}
    world.call("getPet", {"petId": 1001})
    created = [world.call("createPet", {"name": "x"}).content["id"] for _ in range(20)]
    assert len({*created, *imagined}) == len(created) + len(imagined)


def test_secrets_are_never_returned() -> None:
    world = session(pets())
    made = world.call("createPet", {"name": "Rex", "secret": "hunter2"})
    assert "hunter2" not in made.text + world.call("getPet", {"petId": made.content["id"]}).text


def test_tools_without_output_schema_share_the_shape_of_their_resource() -> None:
    world = session(notes())
    made = world.call("create_note", {"note_id": "n1", "title": "Milk"}).content
    assert set(made) == {"note_id", "title", "body"}
    listed = world.call("list_notes").content
    assert listed["total"] == len(listed["notes"])
    assert made in listed["notes"]
    assert world.call("delete_note", {"note_id": "n1"}).content == {"note_id": "n1", "deleted": True}


def test_a_proposed_shape_is_the_same_for_every_call_and_session() -> None:
    simulator = Simulator(notes(), model="scripted", cache=False)
    shapes = {
        frozenset(simulator.session(seed=seed).call("convert_currency", {"amount": seed, "currency": "EUR"}).content)
        for seed in range(5)
    }
    assert len(shapes) == 1


def test_an_effect_is_overridden_by_the_configuration() -> None:
    config = Config.parse({"tools": {"convert_currency": {"effect": {"kind": "opaque"}}}})
    simulator = Simulator(notes(), model="scripted", config=config, cache=False)
    assert simulator.definitions.effects["convert_currency"].kind == "opaque"


def test_what_really_happened_is_what_is_simulated_next() -> None:
    world = session(pets())
    world.observe("getPet", {"petId": 3}, {"id": 3, "name": "Ada", "status": "sold"})
    assert world.call("getPet", {"petId": 3}).content["name"] == "Ada"
    world.observe("deletePet", {"petId": 3}, None)
    assert world.call("getPet", {"petId": 3}).is_error
    assert [turn.observed for turn in world.turns] == [True, False, True, False]


def test_a_fork_and_its_origin_do_not_see_each_other() -> None:
    world = session(pets())
    key = world.call("createPet", {"name": "Rex"}).content["id"]
    before = world.snapshot()
    fork = world.fork()
    fork.call("updatePet", {"petId": key, "name": "Max"})
    assert world.call("getPet", {"petId": key}).content["name"] == "Rex"
    assert fork.call("getPet", {"petId": key}).content["name"] == "Max"
    world.call("deletePet", {"petId": key})
    world.restore(before)
    assert world.call("getPet", {"petId": key}).content["name"] == "Rex"
    world.reset(seed=9)
    assert (world.state(), world.seed, world.turns) == ({}, 9, ())


def test_a_create_without_a_body_is_found_by_the_key_that_lists_show() -> None:
    number = {"type": "integer", "minimum": 1, "maximum": 10}
    pet = {"type": "object", "properties": {"id": number, "name": {"type": "string"}}, "required": ["id", "name"]}
    tools = (
        operation("addPet", "POST", "/pets", {"name": {"type": "string"}}, None, 201),
        operation("getPet", "GET", "/pets/{petId}", {"petId": number}, pet),
        operation("listPets", "GET", "/pets", {}, {"type": "array", "items": pet}),
    )
    world = session(Toolset(name="bodyless", kind="openapi", tools=tools), world="closed")
    world.call("addPet", {"name": "Rex"})
    world.call("addPet", {"name": "Max"})
    listed = world.call("listPets").content
    assert [pet["name"] for pet in listed] == ["Rex", "Max"]
    assert [world.call("getPet", {"petId": pet["id"]}).content for pet in listed] == listed


@pytest.mark.parametrize(
    "leaf",
    [
        {"type": "number"},
        {"type": "string", "minLength": 20},
        {"type": "integer", "multipleOf": 7},
        {"type": "integer", "exclusiveMinimum": 5000},
        {"type": "string", "enum": ["a", "b", "c"]},
        {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        {"type": "string", "format": "uuid"},
    ],
)
def test_a_key_is_made_as_the_schema_wants_it_and_finds_the_thing_again(leaf: dict[str, object]) -> None:
    thing = {"type": "object", "properties": {"id": leaf, "name": {"type": "string"}}, "required": ["id", "name"]}
    tools = (
        operation("make", "POST", "/things", {"name": {"type": "string"}}, thing, 201),
        operation("getThing", "GET", "/things/{thingId}", {"thingId": leaf}, thing),
    )
    world = session(Toolset(name="things", kind="openapi", tools=tools), world="closed")
    made = [world.call("make", {"name": name}).content for name in ("one", "two")]
    assert made[0]["id"] != made[1]["id"]
    assert [world.call("getThing", {"thingId": thing["id"]}).content for thing in made] == made


def test_what_stands_around_documents_is_the_same_the_next_time() -> None:
    text = {"type": "string"}
    listing = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": PET},
            "total_entries": {"type": "integer"},
            "service": text,
            "nextPageToken": text,
        },
        "required": ["items", "total_entries", "service", "nextPageToken"],
    }
    arguments = {"pageSize": {"type": "integer"}, "pageToken": text}
    tools = (*pets().tools[:5], operation("listPets", "GET", "/pets", arguments, listing))
    world = session(Toolset(name="pets", kind="openapi", tools=tools))
    first = world.call("listPets").content
    assert world.call("listPets").content == first
    assert first["total_entries"] == len(first["items"])
    world.call("createPet", {"name": "Rex"})
    pages, token = [], ""
    while True:
        page = world.call("listPets", {"pageSize": 2, **({"pageToken": token} if token else {})}).content
        pages += page["items"]
        token = page["nextPageToken"]
        if not token:
            break
    assert pages == world.call("listPets").content["items"]
    assert len(pages) == first["total_entries"] + 1


def test_a_deleted_thing_does_not_come_back_through_another_filter() -> None:
    world = session(pets())
    gone = world.call("listPets", {"status": "available"}).content[-1]["id"]
    world.call("deletePet", {"petId": gone})
    for query in ("foo", "bar", "baz"):
        assert gone not in [pet["id"] for pet in world.call("listPets", {"q": query}).content]
    assert world.call("getPet", {"petId": gone}).is_error


def test_an_unseen_list_is_cut_like_a_seen_one() -> None:
    world = session(pets())
    assert world.call("listPets", {"offset": 10}).content == world.call("listPets", {"offset": 10}).content == []
    assert len(world.call("listPets", {"limit": 1}).content) == 1
    assert len(world.call("listPets").content) > 1


def test_a_closed_list_is_complete() -> None:
    tools = (*pets().tools[:5], operation("listPets", "GET", "/pets", {}, {"type": "array", "items": PET}))
    world = session(Toolset(name="pets", kind="openapi", tools=tools), world="closed")
    for number in range(120):
        world.call("createPet", {"name": f"pet {number}"})
    assert len(world.call("listPets").content) == 120


def test_a_null_is_kept_where_the_schema_takes_one() -> None:
    note = {"type": ["string", "null"]}
    thing = {"type": "object", "properties": {"id": {"type": "integer"}, "note": note}, "required": ["id", "note"]}
    tools = (
        operation("make", "POST", "/things", {"note": note}, thing, 201),
        operation("change", "PATCH", "/things/{id}", {"id": {"type": "integer"}, "note": note}, thing),
        operation("look", "GET", "/things/{id}", {"id": {"type": "integer"}}, thing),
    )
    world = session(Toolset(name="things", kind="openapi", tools=tools))
    key = {"id": world.call("make", {"note": "first"}).content["id"]}
    assert world.call("change", {**key, "note": None}).content == {**key, "note": None}
    assert world.call("look", key).content == {**key, "note": None}


def test_a_whole_float_names_the_same_thing() -> None:
    world = session(pets())
    made = world.call("createPet", {"name": "Rex"}).content
    assert world.call("getPet", {"petId": float(made["id"])}).content == made


def test_passwords_are_secret_by_their_name() -> None:
    text = {"type": "string"}
    user = {
        "type": "object",
        "properties": {"username": text, "password": text},
        "required": ["username", "password"],
    }
    tools = (
        operation("createUser", "POST", "/users", {"username": text, "password": text}, user, 201),
        operation("getUser", "GET", "/users/{username}", {"username": text}, user),
    )
    world = session(Toolset(name="users", kind="openapi", tools=tools))
    made = world.call("createUser", {"username": "bob", "password": "hunter2"})
    assert made.content["username"] == "bob"
    assert "hunter2" not in str(world.dump()) + world.call("getUser", {"username": "bob"}).text


def test_a_filter_that_documents_cannot_decide_names_a_window() -> None:
    tag = {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
    item = {"type": "object", "properties": {"id": {"type": "integer"}, "tags": tag}, "required": ["id", "tags"]}
    arguments = {"tags": {"type": "array", "items": {"type": "string"}}}
    tools = (operation("listCars", "GET", "/cars", arguments, {"type": "array", "items": item}),)
    world = session(Toolset(name="cars", kind="openapi", tools=tools))
    first = world.call("listCars", {"tags": ["red"]}).content
    assert first
    assert world.call("listCars", {"tags": ["red"]}).content == first
