"""When a world says that something is absent or there already: paths as keys, parts, other names, receipts."""

import pytest

from gtm import Simulator
from gtm.simulator.session import Session
from gtm.types import HttpBinding, Json, Tool, Toolset

STRING = {"type": "string"}


def thing(**fields: Json) -> dict[str, Json]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def tool(name: str, http: str, output: Json, *arguments: str, described: str = "") -> Tool:
    """`id*` is demanded; all arguments are texts; `http` is a method and a path, or nothing."""
    names = [argument.rstrip("*") for argument in arguments]
    properties = {key: {"type": "string", "description": described} for key in names}
    required = [argument.rstrip("*") for argument in arguments if argument.endswith("*")]
    method, _, path = http.partition(" ")
    return Tool(
        name=name,
        parameters={"type": "object", "properties": properties, "required": required},
        output_schema=output,
        http=HttpBinding(method=method, path=path, slots={}) if http else None,
    )


def session(*tools: Tool, world: str = "closed") -> Session:
    toolset = Toolset(name="t", kind="openapi", tools=tools)
    return Simulator(toolset, model="scripted", cache=False).session(world=world)  # type: ignore[arg-type]


INSTANCE = thing(name=STRING, config=STRING, tier=STRING)
OPERATION = {"type": "object", "properties": dict.fromkeys(("name", "metadata", "error", "done", "response"), STRING)}
INSTANCES = "/v1/projects/{projectsId}/instances"
CLOUD = (
    tool("instances.create", f"POST {INSTANCES}", OPERATION, "parent*", "instanceId", "config"),
    tool("instances.get", f"GET {INSTANCES}/{{instancesId}}", INSTANCE, "name*"),
    tool("instances.delete", f"DELETE {INSTANCES}/{{instancesId}}", thing(), "name*"),
    tool("instances.list", f"GET {INSTANCES}", thing(instances={"type": "array", "items": INSTANCE}), "parent*"),
    tool("databases.create", "POST /v1/projects/{projectsId}/databases", OPERATION, "parent*", "databaseId"),
    tool("databases.get", "GET /v1/projects/{projectsId}/databases/{id}", thing(name=STRING, size=STRING), "name*"),
)


@pytest.mark.parametrize("world", ["auto", "closed"])
def test_a_key_that_is_a_whole_path_is_made_of_parent_and_name(world: str) -> None:
    with session(*CLOUD, world=world) as s:
        web = {"name": "projects/p/instances/web"}
        assert s.call("instances.get", web).is_error
        assert not s.call("instances.create", {"parent": "projects/p", "instanceId": "web", "config": "eu"}).is_error
        shown = s.call("instances.get", web).content
        assert (shown["name"], shown["config"]) == ("projects/p/instances/web", "eu")
        again = s.call("instances.create", {"parent": "projects/p", "instanceId": "web"})
        assert again.error is not None and again.error.kind == "conflict"
        assert not s.call("instances.create", {"parent": "projects/q", "instanceId": "web"}).is_error
        s.call("instances.delete", web)
        assert s.call("instances.get", web).is_error


def test_a_list_shows_what_is_under_its_parent() -> None:
    with session(*CLOUD) as s:
        for parent in ("projects/p", "projects/q"):
            s.call("instances.create", {"parent": parent, "instanceId": "web"})
        shown = s.call("instances.list", {"parent": "projects/q"}).content["instances"]
        assert [one["name"] for one in shown] == ["projects/q/instances/web"]


def test_an_operation_is_a_receipt_and_not_the_thing() -> None:
    with session(*CLOUD) as s:
        done = s.call("instances.create", {"parent": "projects/p", "instanceId": "web", "config": "eu"}).content
        assert done.get("name") != "projects/p/instances/web"
        assert "metadata" not in s.call("instances.get", {"name": "projects/p/instances/web"}).content


BUCKETS = (
    tool("CreateBucket", "PUT /{Bucket}", thing(), "Bucket*"),
    tool("PutObject", "PUT /{Bucket}/{Key+}", thing(), "Bucket*", "Key*", "Body"),
    tool("GetObject", "GET /{Bucket}/{Key+}", thing(Body=STRING), "Bucket*", "Key*"),
    tool("PutBucketPolicy", "PUT /{Bucket}?policy", thing(), "Bucket*", "Policy*"),
    tool("GetBucketPolicy", "GET /{Bucket}?policy", thing(Policy=STRING), "Bucket*"),
    tool("DeleteBucketPolicy", "DELETE /{Bucket}?policy", thing(), "Bucket*"),
)


def test_parts_in_the_query_and_things_without_a_fixed_segment_are_told_apart() -> None:
    with session(*BUCKETS) as s:
        s.call("CreateBucket", {"Bucket": "b"})
        assert s.call("GetObject", {"Bucket": "b", "Key": "k"}).is_error
        s.call("PutObject", {"Bucket": "b", "Key": "k", "Body": "text"})
        assert s.call("GetObject", {"Bucket": "b", "Key": "k"}).content["Body"] == "text"
        assert s.call("GetBucketPolicy", {"Bucket": "b"}).is_error
        s.call("PutBucketPolicy", {"Bucket": "b", "Policy": "all"})
        assert s.call("GetBucketPolicy", {"Bucket": "b"}).content["Policy"] == "all"


STREAM = thing(StreamId=STRING, StreamName=STRING, StreamArn=STRING)
STREAMS = (
    tool("CreateStream", "", STREAM, "StreamName*"),
    tool("DescribeStream", "", thing(Stream=STREAM), "StreamId", "StreamName", "StreamArn"),
    tool("DeleteStream", "", thing(), "StreamName*"),
    tool("CreateUser", "", thing(UserName=STRING), "UserName*"),
    tool("GetUser", "", thing(UserName=STRING), "UserName*"),
    tool("AddUserToGroup", "", thing(), "UserName*", "GroupName*"),
    tool("GetAccountConfiguration", "", thing(Days={"type": "integer"})),
    tool("GetShard", "", thing(Size={"type": "integer"}), "ShardId*"),
    tool("read_query", "", None, "query*"),
)


def test_a_thing_is_found_by_any_of_its_names() -> None:
    with session(*STREAMS) as s:
        made = s.call("CreateStream", {"StreamName": "log"}).content
        for named in (
            {"StreamName": "log"},
            {"StreamId": made["StreamId"]},
            {"StreamName": "arn:aws:s:::stream/log"},
        ):
            assert s.call("DescribeStream", named).content["Stream"]["StreamName"] == "log"
        assert s.call("DescribeStream", {"StreamName": "other"}).is_error
        assert s.call("CreateStream", {"StreamName": "log"}).is_error


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("GetAccountConfiguration", {}), ("GetShard", {"ShardId": "s-1"}), ("read_query", {"query": "SELECT 1"})],
)
def test_what_no_tool_makes_cannot_be_missing(name: str, arguments: dict[str, Json]) -> None:
    with session(*STREAMS) as s:
        assert not s.call(name, arguments).is_error


def test_tying_a_thing_to_another_makes_none() -> None:
    with session(*STREAMS) as s:
        s.call("CreateUser", {"UserName": "ada"})
        assert not s.call("AddUserToGroup", {"UserName": "ada", "GroupName": "admins"}).is_error


def test_a_post_at_a_things_own_path_makes_it_where_its_name_says_so() -> None:
    one = thing(thingName=STRING)
    with session(
        tool("CreateThing", "POST /things/{thingName}", one, "thingName*"),
        tool("DescribeThing", "GET /things/{thingName}", one, "thingName*"),
    ) as s:
        assert s.call("DescribeThing", {"thingName": "lamp"}).is_error
        assert not s.call("CreateThing", {"thingName": "lamp"}).is_error
        assert s.call("CreateThing", {"thingName": "lamp"}).is_error
        assert s.call("DescribeThing", {"thingName": "lamp"}).content == {"thingName": "lamp"}


def test_what_only_a_receipt_told_of_may_have_any_key() -> None:
    with session(*CLOUD, world="auto") as s:
        unseen = {"name": "projects/p/instances/5512"}
        assert s.call("instances.get", unseen).is_error
        assert not s.call("instances.create", {"parent": "projects/p", "config": "eu"}).is_error
        assert not s.call("instances.get", unseen).is_error


def test_a_receipt_for_a_thing_that_the_caller_named_leaves_other_keys_absent() -> None:
    with session(*CLOUD, world="auto") as s:
        s.call("instances.create", {"parent": "projects/p", "instanceId": "web"})
        assert s.call("instances.get", {"name": "projects/p/instances/5512"}).is_error


REPO = thing(name=STRING, about=STRING)
REPOS = (
    tool("make", "POST /user/repos", REPO, "name*", "about"),
    tool("mine", "GET /user/repos", {"type": "array", "items": REPO}),
    tool("show", "GET /repos/{owner}/{repo}", REPO, "owner*", "repo*"),
    tool("drop", "DELETE /repos/{owner}/{repo}", thing(), "owner*", "repo*"),
)


def test_a_deleted_thing_is_there_again_once_another_path_made_one_of_its_name() -> None:
    with session(*REPOS, world="auto") as s:
        box = {"owner": "ada", "repo": "box"}
        s.call("drop", box)
        assert s.call("show", box).is_error
        s.call("make", {"name": "other"})
        assert s.call("show", box).is_error
        s.call("make", {"name": "box"})
        assert not s.call("show", box).is_error


def test_a_numbered_id_is_an_id_and_leaves_the_name_to_its_sender() -> None:
    mapper = thing(id=STRING, name=STRING)
    with session(
        tool("put_mapper", "PUT /realms/{realm}/mappers/{id2}", mapper, "realm*", "id2*", "name", "id"),
        tool("get_mapper", "GET /realms/{realm}/mappers/{id2}", mapper, "realm*", "id2*"),
        tool("post_mapper", "POST /realms/{realm}/mappers", thing(), "realm*", "name", "id"),
        tool("put_realm", "PUT /realms/{realm}", thing(realm=STRING), "realm*"),
        tool("get_realm", "GET /realms/{realm}", thing(realm=STRING), "realm*"),
    ) as s:
        s.call("put_realm", {"realm": "r"})
        s.call("put_mapper", {"realm": "r", "id2": "m-1", "name": "Harbor"})
        assert s.call("get_mapper", {"realm": "r", "id2": "m-1"}).content == {"id": "m-1", "name": "Harbor"}
