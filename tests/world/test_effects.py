"""What tools of every style are inferred to do, and how often that is right."""

import importlib.util
import pathlib
import sys
from types import ModuleType

import pytest

from gtm import Simulator, load_toolset
from gtm.types import Effect, HttpBinding, Json, Tool, Toolset
from gtm.world.effects import THRESHOLD, infer_effects, storable
from gtm.world.outcome import WorldMode
from tests.samples import operation

ROOT = pathlib.Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "data" / "catalog_sample.jsonl.gz"


def tool(name: str, *arguments: str, **more: Json) -> Tool:
    """A function tool: `id*` is demanded, `ids[]*` is an array."""
    names = [argument.rstrip("*").removesuffix("[]") for argument in arguments]
    kinds = ["array" if "[]" in argument else "string" for argument in arguments]
    properties = {key: {"type": kind} for key, kind in zip(names, kinds, strict=True)}
    required = [key for key, argument in zip(names, arguments, strict=True) if argument.endswith("*")]
    parameters = {"type": "object", "properties": properties, "required": required}
    return Tool(name=name, parameters=parameters, **more)


def inferred(*tools: Tool) -> dict[str, Effect]:
    return infer_effects(Toolset(name="some", kind="openai", tools=tools))


def seen(effect: Effect) -> tuple[str, str | None, tuple[str, ...]]:
    if effect.confidence < THRESHOLD:
        return "opaque", None, ()
    return effect.kind, effect.resource, effect.key


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (tool("get_user", "user_id*"), ("read", "user", ("user_id",))),
        (tool("getUserByUsername", "username*"), ("read", "user", ("username",))),
        (tool("get_users", "limit"), ("list", "user", ())),
        (tool("get_interviewer_list", "skill*"), ("list", "interviewer", ())),
        (tool("search_products", "query*"), ("list", "product", ())),
        (tool("pets_list", "limit"), ("list", "pet", ())),
        (tool("VirtualMachines_ListByRegion", "region*"), ("list", "virtual_machine", ())),
        (tool("Groups_CreateOrUpdate", "groupName*", "tags"), ("update", "group", ("groupName",))),
        (tool("UpdateGroups_Delete", "id*"), ("delete", "update_group", ("id",))),
        (tool("get_v1_pets_petId", "petId*"), ("read", "pet", ("petId",))),
        (tool("delete_team_member", "team*", "member*"), ("delete", "team_member", ("member",))),
        (tool("delete_list", "list_id*"), ("delete", "list", ("list_id",))),
        (tool("delete_grocery_list", "id*"), ("delete", "grocery_list", ("id",))),
        (tool("get_weather_data", "city*"), ("read", "weather_data", ("city",))),
        (tool("unstar_repo", "owner*", "repo*"), ("delete", "repo", ("repo",))),
        (tool("delete_subscription", "owner*", "repo*"), ("delete", "subscription", ("repo",))),
        (tool("write_file", "path*", "content*"), ("update", "file", ("path",))),
        (tool("calculate_tax", "amount*"), ("compute", None, ())),
        (tool("get_time", "zone"), ("read", "time", ("zone",))),
        (tool("check_order", "order_id*"), ("read", "order", ("order_id",))),
        (tool("check_name_availability", "name*"), ("compute", None, ())),
        (tool("post_text_detect", "text*"), ("compute", None, ())),
        (tool("get_pet_owners_search", "text*"), ("list", "pet_owner", ())),
        (tool("apps-get_collection"), ("list", "app", ())),
        (tool("get_denylist_v1_denylist__denylist_id__get", "denylist_id*"), ("read", "denylist", ("denylist_id",))),
        (tool("get_weather", "city*"), ("read", "weather", ("city",))),
        (tool("get_forecast", "city*", "day*"), ("read", "forecast", ("city", "day"))),
        (tool("read_files", "paths[]*"), ("list", "file", ())),
        (tool("send_message", "to*", "text*"), ("create", "message", ())),
        (tool("article_files", description="Lists the files of an article."), ("list", "article_file", ())),
        (tool("run_code", "code*", annotations={"read_only_hint": True}), ("opaque", None, ())),
        (tool("query", "sql*"), ("opaque", None, ())),
        (tool("forward_email", "email_id*", description="Forwards it. Returns a message."), ("opaque", None, ())),
        (tool("DescribeDBInstances", "DBInstanceIdentifier", "Marker"), ("list", "db_instance", ())),
        (tool("DeleteDBInstance", "DBInstanceIdentifier*"), ("delete", "db_instance", ("DBInstanceIdentifier",))),
        (tool("DeleteQueue", "QueueUrl*"), ("delete", "queue", ("QueueUrl",))),
        (tool("PutBucketPolicy", "Bucket*", "Policy*"), ("update", "bucket_policy", ("Policy",))),
    ],
    ids=lambda value: value.name if isinstance(value, Tool) else "",
)
def test_a_definition_alone(one: Tool, expected: tuple[str, str | None, tuple[str, ...]]) -> None:
    assert seen(inferred(one)[one.name]) == expected


def test_tools_of_one_resource_meet_whatever_they_call_it() -> None:
    effects = inferred(
        tool("create_file", "path*", "content*"),
        tool("read_text_file", "path*"),
        tool("get_file_info", "path*"),
        tool("delete_file", "path*"),
        tool("edit_file", "path*", "edits[]*"),
    )
    assert {effects[name].resource for name in ("create_file", "read_text_file", "get_file_info")} == {"file"}
    assert seen(effects["delete_file"]) == ("delete", "file", ("path",))
    assert seen(effects["edit_file"]) == ("update", "file", ("path",))
    assert seen(storable(effects["edit_file"])) == ("update", None, ())


def test_data_of_a_thing_is_the_thing_and_a_write_names_it_as_its_reader_does() -> None:
    effects = inferred(
        tool("get_pet_data", "pet_id*"), tool("create_pet", "name*"), tool("get_pet", "pet_id*"), tool("list_pets")
    )
    assert effects["get_pet_data"].resource == "pet"
    effects = inferred(tool("get_protection", "owner*", "repo*"), tool("set_protection", "owner*", "repo*", "level*"))
    assert seen(effects["set_protection"]) == ("update", "protection", ("owner", "repo"))


def test_who_asks_names_nothing() -> None:
    kinds = ("board", "card", "member", "action", "sticker", "plugin")
    effects = inferred(*(tool(f"get_{kind}", f"id{kind.title()}*", "key*") for kind in kinds))
    assert {effect.key[-1] for effect in effects.values()} == {f"id{kind.title()}" for kind in kinds}


def test_an_action_is_an_update_where_its_thing_is_read() -> None:
    start = tool("start_instance", "instance_id*")
    effects = inferred(start, tool("archive_project", "id*"), tool("get_instance", "instance_id*"))
    assert seen(effects["start_instance"]) == ("update", "instance", ("instance_id",))
    assert (effects["start_instance"].confidence, "'start'" in effects["start_instance"].reason) == (0.6, True)
    assert seen(effects["archive_project"]) == ("update", "project", ("id",))
    assert seen(storable(effects["archive_project"])) == ("update", None, ())
    assert seen(inferred(tool("copy_file", "path*"), tool("read_file", "path*"))["copy_file"])[0] == "opaque"


def test_an_aws_resource_is_one_for_all_its_verbs() -> None:
    effects = inferred(
        tool("CreateDBInstance", "DBInstanceIdentifier*", "Engine*"),
        tool("DescribeDBInstances", "DBInstanceIdentifier", "Marker"),
        tool("StopDBInstance", "DBInstanceIdentifier*"),
        tool("ModifyDBInstance", "DBInstanceIdentifier*", "Engine"),
        tool("DeleteDBInstance", "DBInstanceIdentifier*"),
    )
    assert {effect.resource for effect in effects.values()} == {"db_instance"}
    assert {effect.key for effect in effects.values()} == {(), ("DBInstanceIdentifier",)}
    kinds = [effect.kind for effect in effects.values()]
    assert kinds == ["create", "list", "update", "update", "delete"]


def test_an_object_store_keys_objects_by_bucket_and_key() -> None:
    effects = inferred(
        tool("PutObject", "Bucket*", "Key*", "Body"),
        tool("GetObject", "Bucket*", "Key*"),
        tool("HeadObject", "Bucket*", "Key*"),
        tool("DeleteObject", "Bucket*", "Key*"),
        tool("ListObjectsV2", "Bucket*", "Prefix"),
    )
    assert {effect.resource for effect in effects.values()} == {"object"}
    assert [effect.key for effect in effects.values()] == [("Bucket", "Key")] * 4 + [("Bucket",)]
    assert effects["PutObject"].upsert


def test_what_nobody_writes_is_pinned_but_gives_no_shape() -> None:
    assert inferred(tool("get_user", "user_id*"))["get_user"].confidence == 0.55
    both = inferred(tool("get_user", "user_id*"), tool("create_user", "name*"))
    assert both["get_user"].confidence > 0.6


def http(name: str, method: str, path: str, *arguments: str) -> Tool:
    return operation(name, method, path, {argument: {"type": "string"} for argument in arguments}, None)


def test_paths_tell_resource_key_and_action() -> None:
    effects = inferred(
        http("add", "POST", "/user", "username", "email"),
        http("one", "GET", "/user/{username}", "username"),
        http("peek", "HEAD", "/user/{username}", "username"),
        http("orders", "GET", "/user/{username}/orders", "username"),
        http("order", "GET", "/user/{username}/orders/{id}", "username", "id"),
        http("cancel", "POST", "/user/{username}/orders/{id}/cancel", "username", "id"),
        http("close", "POST", "/user/{username}/orders/{id}:close", "username", "id"),
        http("photo", "POST", "/user/{username}/uploadPhoto", "username", "file"),
    )
    assert seen(effects["add"]) == ("create", "user", ())
    assert seen(effects["one"]) == seen(effects["peek"]) == ("read", "user", ("username",))
    assert seen(effects["orders"]) == ("list", "user/order", ("username",))
    assert seen(effects["cancel"]) == ("update", "user/order", ("username", "id"))
    assert seen(effects["close"])[0] == "update"
    assert seen(effects["photo"])[0] == "opaque"


def test_what_is_declared_wins() -> None:
    declared = Effect(kind="opaque")
    user = tool("get_user", "user_id*")
    assert infer_effects(Toolset(name="some", kind="openai", tools=(user,)), {"get_user": declared}) == {
        "get_user": declared
    }


@pytest.mark.parametrize("name", ["", "_", "数据", "v1", "-" * 300, "get", "listlist", "a" * 5000, "get_2"])
def test_any_name_is_taken(name: str) -> None:
    binding = HttpBinding(method="PURGE", path=f"/{{x}}/{name}:")
    for one in (tool(name, "_*", "[]*"), tool(name, http=binding), tool(name, "a*", output_schema={"type": "array"})):
        assert 0 <= inferred(one)[name].confidence <= 1


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    sys.path.insert(0, str(ROOT / "recipes"))
    spec = importlib.util.spec_from_file_location("score_effects", ROOT / "recipes" / "score_effects.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["score_effects"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/pets", ("list", "pets", None)),
        ("GET", "/v1/pets/{petId}", ("read", "pets", "petId")),
        ("POST", "/v1/pets", ("create", "pets", None)),
        ("PUT", "/pets/{petId}/status", ("update", "status", "petId")),
        ("DELETE", "/pets/{petId}", ("delete", "pets", "petId")),
        ("GET", "/pets/search", ("list", None, None)),
        ("POST", "/tax/calculate", ("compute", None, None)),
        ("POST", "/pets/{petId}/feed", None),
        ("POST", "/orders/{id}/cancel", None),
        ("POST", "/orders/{id}:cancel", None),
        ("POST", "/", None),
        ("PUT", "/files/{name}", ("update", "files", "name")),
    ],
)
def test_the_label_rule(
    recipe: ModuleType, method: str, path: str, expected: tuple[str, str | None, str | None] | None
) -> None:
    label = recipe.label_of(method, path, recipe.paths_of([("GET", "/v1/pets"), ("GET", "/v1/pets/{petId}")]))
    assert (label and (label.kind, label.resource, label.key)) == expected


def test_a_small_sample_is_mostly_right(recipe: ModuleType) -> None:
    rows = [row for row in recipe.score_http(SAMPLE, "sample") if row.agrees]
    found = recipe.figures(rows, recipe.KINDS)
    assert len(rows) > 100
    assert found["read/write"] >= 0.9
    assert found["kind"] >= 0.83
    assert found["opaque"] <= 0.08
    assert found["resource"] >= 0.75
    assert found["key, kind right"] >= 0.85


def test_the_labels_are_300_and_complete(recipe: ModuleType) -> None:
    rows = [recipe.json.loads(line) for line in recipe.LABELS.read_text().splitlines()]
    assert len({row["id"] for row in rows}) == 300
    assert all(row["kind"] in {*recipe.KINDS, "opaque"} and row["reason"].endswith(".") for row in rows)


@pytest.mark.parametrize("world", ["auto", "closed"])
def test_what_several_things_are_in_is_not_one_of_them(world: WorldMode) -> None:
    """A listing in words stores nothing: a directory that nobody created by a call is listed all the same."""
    with (
        Simulator(
            load_toolset(str(ROOT / "examples" / "specs" / "filesystem.mcp.json")), model="scripted"
        ) as simulator,
        simulator.session(world=world) as session,
    ):
        session.call("write_file", {"path": "/projects/a.txt", "content": "a"})
        assert not session.call("list_directory", {"path": "/projects"}).is_error
        assert not session.call("search_files", {"path": "/projects", "pattern": "*.txt"}).is_error


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("empty_trash", "Empties the trash."),
        ("shutdown", "Shuts the system down."),
        ("undo", "Undo the last change."),
        ("git_push", "Pushes commits."),
        ("frobnicate", ""),
    ],
)
def test_a_tool_that_takes_nothing_and_does_something_unknown_is_no_reader(name: str, description: str) -> None:
    assert seen(inferred(tool(name, description=description))[name])[0] == "opaque"


def test_a_tool_that_takes_nothing_and_tells_of_something_is_a_reader() -> None:
    assert inferred(tool("allTeams", description="All teams."))["allTeams"].kind in {"read", "list"}
    health = tool("health", description="Health info about the server.")
    assert inferred(health)["health"].kind == "read"
    declared = health.model_copy(update={"annotations": {"destructive_hint": True}})
    assert seen(inferred(declared)["health"])[0] == "opaque"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("enableDeleteProtection", "update"),
        ("checkDeleteStatus", "read"),
        ("approveCreateRequest", "update"),
        ("PromoteReadReplica", "update"),
        ("issueDeleteComment", "delete"),
        ("orgGetLabel", "read"),
    ],
)
def test_a_clear_verb_in_second_place_counts_only_behind_a_thing(name: str, kind: str) -> None:
    assert inferred(tool(name, "id*"))[name].kind == kind


@pytest.mark.parametrize(
    ("name", "arguments", "resource"),
    [
        ("delete_spaces_id_groups_groupId_persons_memberId", ("id*", "groupId*", "memberId*"), "person"),
        ("get_files_v3_folders_folderId_getById", ("folderId*",), "files_v_3_folder"),
        ("SupplierPayment_GetBypaymentNumber", ("paymentNumber*",), "supplier_payment"),
        ("get_salt", ("id*",), "salt"),
        ("get_preset_alt1", ("preset_id*",), "preset"),
    ],
)
def test_what_a_name_made_from_a_path_is_about(name: str, arguments: tuple[str, ...], resource: str) -> None:
    assert inferred(tool(name, *arguments))[name].resource == resource
