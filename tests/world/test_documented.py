"""What a tool's documented errors and its arguments say of things that are absent, or there already."""

import pytest

from gtm import Simulator
from gtm.simulator.session import Session
from gtm.types import Json, Tool, Toolset

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
FLAG: Json = {"type": "boolean"}


def tool(name: str, arguments: dict[str, Json], output: dict[str, Json], *errors: str) -> Tool:
    """`id*` is demanded."""
    return Tool(
        name=name,
        parameters={
            "type": "object",
            "properties": {key.rstrip("*"): schema for key, schema in arguments.items()},
            "required": [key.rstrip("*") for key in arguments if key.endswith("*")],
        },
        output_schema={"type": "object", "properties": output, "required": list(output)},
        error_names=errors,
    )


def session(*tools: Tool, world: str = "closed") -> Session:
    toolset = Toolset(name="t", kind="openai", tools=tools)
    return Simulator(toolset, model="scripted", cache=False).session(world=world)  # type: ignore[arg-type]


def kind(made: Session, name: str, arguments: dict[str, Json]) -> str | None:
    error = made.call(name, arguments).error
    return error.kind if error is not None else None


MAKE = tool("CreateInstance", {"Size": TEXT}, {"InstanceId": TEXT, "Size": TEXT})
STATUS: dict[str, Json] = {"Statuses": {"type": "array", "items": {"type": "object", "properties": {"State": TEXT}}}}


def test_one_unknown_thing_of_several_is_an_error() -> None:
    s = session(MAKE, tool("DescribeInstanceStatus", {"InstanceIds": TEXTS, "TenantId": TEXT}, STATUS))
    known = s.call("CreateInstance", {"Size": "8"}).content["InstanceId"]
    assert kind(s, "DescribeInstanceStatus", {"InstanceIds": [known]}) is None
    assert kind(s, "DescribeInstanceStatus", {"InstanceIds": [known, "i-1"]}) == "not_found"
    assert kind(s, "DescribeInstanceStatus", {"TenantId": "t-1"}) is None


@pytest.mark.parametrize(
    ("errors", "refused"),
    [(("ResourceNotFoundException",), "not_found"), (("UnknownOperationException",), None), ((), None)],
)
def test_what_a_reader_names_must_be_there_where_it_documents_absence(
    errors: tuple[str, ...], refused: str | None
) -> None:
    read = tool("DescribeCampaignState", {"CampaignArn*": TEXT}, {"State": TEXT}, *errors)
    assert kind(session(MAKE, read), "DescribeCampaignState", {"CampaignArn": "arn:1"}) == refused
    assert kind(session(MAKE, read, world="auto"), "DescribeCampaignState", {"CampaignArn": "arn:1"}) is None


@pytest.mark.parametrize(
    ("errors", "refused"),
    [
        (("GroupAlreadyExistsException",), "conflict"),
        (("StageAlreadyExistsException",), "conflict"),
        (("ParentNotExistsException", "TagAlreadyExistsException"), None),
        ((), None),
    ],
)
def test_a_name_is_taken_once_where_the_create_documents_it(errors: tuple[str, ...], refused: str | None) -> None:
    group: dict[str, Json] = {"GroupArn": TEXT, "GroupName": TEXT}
    create = tool("CreateGroup", {"GroupName*": TEXT, "Domain": TEXT}, group, *errors)
    s = session(create, tool("DescribeGroup", {"GroupArn*": TEXT}, group))
    assert kind(s, "CreateGroup", {"GroupName": "a"}) is None
    assert kind(s, "CreateGroup", {"GroupName": "b"}) is None
    assert kind(s, "CreateGroup", {"GroupName": "a", "Domain": "x"}) == refused


PARAMETER: dict[str, Json] = {"Name": TEXT, "Value": TEXT}
PUT: dict[str, Json] = {"Name*": TEXT, "Value*": TEXT}
READ = tool("GetParameter", {"Name*": TEXT}, PARAMETER)


def test_a_put_overwrites_only_where_it_is_told_to() -> None:
    s = session(tool("PutParameter", {**PUT, "Overwrite": FLAG}, PARAMETER), READ)
    assert kind(s, "PutParameter", {"Name": "a", "Value": "1"}) is None
    assert kind(s, "PutParameter", {"Name": "a", "Value": "2"}) == "conflict"
    assert s.call("GetParameter", {"Name": "a"}).content["Value"] == "1"
    assert kind(s, "PutParameter", {"Name": "a", "Value": "2", "Overwrite": True}) is None
    assert s.call("GetParameter", {"Name": "a"}).content["Value"] == "2"


def test_a_put_that_would_change_nothing_is_the_documented_conflict() -> None:
    s = session(tool("PutParameter", PUT, PARAMETER, "ParameterAlreadyExists"), READ)
    assert kind(s, "PutParameter", {"Name": "a", "Value": "1"}) is None
    assert kind(s, "PutParameter", {"Name": "a", "Value": "1"}) == "conflict"
    assert kind(s, "PutParameter", {"Name": "a", "Value": "2"}) is None


def test_a_policy_is_called_by_what_it_is_of_and_not_by_its_text() -> None:
    s = session(
        tool("CreateContainer", {"ContainerName*": TEXT}, {"ContainerName": TEXT}),
        tool("GetContainer", {"ContainerName*": TEXT}, {"ContainerName": TEXT}),
        tool("PutContainerPolicy", {"ContainerName*": TEXT, "Policy*": TEXT}, {}),
        tool("GetContainerPolicy", {"ContainerName*": TEXT}, {"Policy": TEXT}, "PolicyNotFoundException"),
        tool("DeleteContainerPolicy", {"ContainerName*": TEXT}, {}, "PolicyNotFoundException"),
    )
    named: dict[str, Json] = {"ContainerName": "c"}
    s.call("CreateContainer", named)
    assert kind(s, "GetContainerPolicy", named) == "not_found"
    assert kind(s, "PutContainerPolicy", {**named, "Policy": "all may read"}) is None
    assert s.call("GetContainerPolicy", named).content["Policy"] == "all may read"
    assert kind(s, "DeleteContainerPolicy", named) is None
    assert kind(s, "GetContainerPolicy", named) == "not_found"


def test_restoring_from_a_backup_makes_a_new_thing() -> None:
    table: dict[str, Json] = {"TableName": TEXT, "Size": TEXT}
    s = session(
        tool("CreateTable", {"TableName*": TEXT, "Size": TEXT}, table),
        tool("DescribeTable", {"TableName*": TEXT}, table, "TableNotFound"),
        tool("CreateBackup", {"TableName*": TEXT}, {"BackupArn": TEXT}),
        tool("RestoreTableFromBackup", {"TableName*": TEXT, "BackupArn*": TEXT}, table, "BackupNotFound"),
    )
    assert kind(s, "DescribeTable", {"TableName": "new"}) == "not_found"
    assert kind(s, "RestoreTableFromBackup", {"TableName": "new", "BackupArn": "arn:1"}) == "not_found"
    s.call("CreateTable", {"TableName": "old"})
    backup = s.call("CreateBackup", {"TableName": "old"}).content["BackupArn"]
    assert kind(s, "RestoreTableFromBackup", {"TableName": "newer", "BackupArn": backup}) is None
    assert s.call("DescribeTable", {"TableName": "newer"}).content["TableName"] == "newer"


def test_a_thing_called_by_what_it_is_must_have_been_made_under_its_name() -> None:
    service: dict[str, Json] = {"serviceArn": TEXT, "serviceName": TEXT, "count": TEXT}
    s = session(
        tool("CreateService", {"serviceName*": TEXT, "count": TEXT}, service),
        tool("UpdateService", {"service*": TEXT, "count": TEXT}, service),
        tool("DescribeService", {"service*": TEXT}, service),
    )
    assert kind(s, "UpdateService", {"service": "web", "count": "2"}) == "not_found"
    s.call("CreateService", {"serviceName": "web", "count": "1"})
    assert kind(s, "UpdateService", {"service": "web", "count": "2"}) is None
    assert s.call("DescribeService", {"service": "web"}).content["count"] == "2"


def test_what_makes_things_must_tell_their_key_before_anyone_is_asked_for_it() -> None:
    told = tool("RunInstances", {"Size*": TEXT}, {"InstanceId": TEXT})
    untold = tool("RunInstances", {"Size*": TEXT}, {"Size": TEXT})
    stop = tool("StopInstances", {"InstanceIds*": TEXTS}, {"State": TEXT})
    status = tool("DescribeInstances", {"InstanceIds": TEXTS}, STATUS)
    for make, refused in ((told, "not_found"), (untold, None)):
        assert kind(session(make, stop, status), "DescribeInstances", {"InstanceIds": ["i-1"]}) == refused


def test_files_with_a_repository_are_files_of_their_own() -> None:
    where: dict[str, Json] = {"file*": TEXT, "repo_name*": TEXT}
    s = session(
        tool("write_file", {**where, "content*": TEXT}, {"ok": FLAG}),
        tool("read_file", where, {"content": TEXT}),
    )
    for name in ("a", "b"):
        s.call("write_file", {"file": name, "repo_name": "p", "content": f"text of {name}"})
    assert s.call("read_file", {"file": "a", "repo_name": "p"}).content == {"content": "text of a"}


def test_comments_do_not_overwrite_each_other() -> None:
    items: Json = {"type": "array", "items": {"type": "object", "properties": {"comment": TEXT}}}
    s = session(
        tool("write_comment", {"issue_id*": TEXT, "comment*": TEXT}, {"ok": FLAG}),
        tool("list_comments", {"issue_id*": TEXT}, {"comments": items}),
    )
    for text in ("first", "second"):
        s.call("write_comment", {"issue_id": "1", "comment": text})
    shown = s.call("list_comments", {"issue_id": "1"}).content["comments"]
    assert [one["comment"] for one in shown] == ["first", "second"]


@pytest.mark.parametrize("world", ["auto", "closed"])
def test_a_deleted_name_may_be_used_anew(world: str) -> None:
    named: dict[str, Json] = {"file_name*": TEXT}
    s = session(
        tool("create_file", named, {"file_name": TEXT}),
        tool("get_file", named, {"file_name": TEXT}),
        tool("delete_file", named, {}),
        tool("upload_file", {**named, "content": TEXT}, {"ok": FLAG}),
        tool("download_url", {**named, "url*": TEXT}, {"ok": FLAG}),
        tool("check_file_name_available", named, {"available": FLAG}),
        world=world,
    )
    s.call("create_file", {"file_name": "a"})
    s.call("delete_file", {"file_name": "a"})
    for name in ("upload_file", "download_url", "check_file_name_available"):
        assert kind(s, name, {"file_name": "a", "url": "u"} if name == "download_url" else {"file_name": "a"}) is None


def test_what_still_names_a_deleted_thing_is_shown() -> None:
    orders: Json = {"type": "array", "items": {"type": "object", "properties": {"id": TEXT, "customer_id": TEXT}}}
    s = session(
        tool("create_customer", {"name*": TEXT}, {"customer_id": TEXT}),
        tool("get_customer", {"customer_id*": TEXT}, {"customer_id": TEXT}),
        tool("delete_customer", {"customer_id*": TEXT}, {}),
        tool("create_order", {"customer_id*": TEXT}, {"id": TEXT, "customer_id": TEXT}),
        tool("list_orders", {"customer_id*": TEXT}, {"orders": orders}),
    )
    customer = s.call("create_customer", {"name": "Ann"}).content["customer_id"]
    s.call("create_order", {"customer_id": customer})
    s.call("delete_customer", {"customer_id": customer})
    assert len(s.call("list_orders", {"customer_id": customer}).content["orders"]) == 1


def test_what_was_untied_from_a_thing_is_still_there() -> None:
    pair: dict[str, Json] = {"channel_id*": TEXT, "user_id*": TEXT}
    s = session(
        tool("create_user", {"name*": TEXT}, {"user_id": TEXT}),
        tool("add_user_to_channel", pair, {"ok": FLAG}),
        tool("remove_user_from_channel", pair, {"ok": FLAG}),
        tool("list_messages", {"user_id*": TEXT}, STATUS),
    )
    user = s.call("create_user", {"name": "Ann"}).content["user_id"]
    for name in ("add_user_to_channel", "remove_user_from_channel"):
        s.call(name, {"channel_id": "c", "user_id": user})
    assert kind(s, "list_messages", {"user_id": user}) is None


@pytest.mark.parametrize(("default", "refused"), [(True, None), (False, "conflict")])
def test_an_overwrite_flag_has_its_default(default: bool, refused: str | None) -> None:
    flag: Json = {"type": "boolean", "default": default}
    s = session(tool("PutParameter", {**PUT, "overwrite": flag}, PARAMETER), READ)
    s.call("PutParameter", {"Name": "a", "Value": "1"})
    assert kind(s, "PutParameter", {"Name": "a", "Value": "2"}) == refused


def test_a_put_of_a_key_alone_may_be_said_twice() -> None:
    key: dict[str, Json] = {"Name*": TEXT}
    s = session(tool("PutParameter", key, PARAMETER, "ConflictException"), READ)
    assert [kind(s, "PutParameter", {"Name": "a"}) for _ in range(2)] == [None, None]


def test_restoring_in_place_is_no_conflict() -> None:
    note: dict[str, Json] = {"note_id": TEXT, "title": TEXT}
    named: dict[str, Json] = {"note_id*": TEXT}
    s = session(
        tool("create_note", {"title*": TEXT}, note),
        tool("get_note", named, note),
        tool("restore_note_from_backup", {**named, "backup_id*": TEXT}, note),
        world="auto",
    )
    made = s.call("create_note", {"title": "a"}).content["note_id"]
    assert kind(s, "restore_note_from_backup", {"note_id": made, "backup_id": "b"}) is None
    assert s.call("get_note", {"note_id": made}).content["title"] == "a"


def test_preferences_are_there_before_they_were_set() -> None:
    s = session(
        tool("create_user", {"name*": TEXT}, {"user_id": TEXT}),
        tool("get_user", {"user_id*": TEXT}, {"user_id": TEXT}),
        tool("set_preferences", {"user_id*": TEXT, "theme*": TEXT}, {"theme": TEXT}),
        tool("get_preferences", {"user_id*": TEXT}, {"theme": TEXT}),
    )
    user = s.call("create_user", {"name": "Ann"}).content["user_id"]
    assert kind(s, "get_preferences", {"user_id": user}) is None


def test_a_list_that_documents_an_absence_needs_all_that_it_is_asked_for_by_name() -> None:
    balancer: dict[str, Json] = {"LoadBalancerName": TEXT}
    listing: dict[str, Json] = {
        "LoadBalancers": {"type": "array", "items": {"type": "object", "properties": balancer}}
    }
    s = session(
        tool("CreateLoadBalancer", {"LoadBalancerName*": TEXT}, balancer),
        tool("DescribeLoadBalancers", {"Names": TEXTS}, listing, "LoadBalancerNotFound"),
    )
    s.call("CreateLoadBalancer", {"LoadBalancerName": "web"})
    assert kind(s, "DescribeLoadBalancers", {"Names": ["web"]}) is None
    assert kind(s, "DescribeLoadBalancers", {"Names": ["web", "nope"]}) == "not_found"
