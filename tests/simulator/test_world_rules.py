"""What a session promises about its world, through the public door."""

import pytest

from gtm import Simulator, Toolset
from gtm.simulator.config import Config
from gtm.simulator.session import Session
from tests.samples import notes, pets


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
