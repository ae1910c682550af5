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


@pytest.mark.parametrize(("errors", "refused"), [(("NoSuchCampaign",), "not_found"), ((), None)])
def test_what_a_reader_names_must_be_there_where_it_documents_absence(
    errors: tuple[str, ...], refused: str | None
) -> None:
    read = tool("DescribeCampaignState", {"CampaignArn*": TEXT}, {"State": TEXT}, *errors)
    assert kind(session(MAKE, read), "DescribeCampaignState", {"CampaignArn": "arn:1"}) == refused
    assert kind(session(MAKE, read, world="auto"), "DescribeCampaignState", {"CampaignArn": "arn:1"}) is None


@pytest.mark.parametrize(("errors", "refused"), [(("GroupAlreadyExistsException",), "conflict"), ((), None)])
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


@pytest.mark.parametrize("world", ["auto", "closed"])
def test_nothing_can_be_done_with_what_was_deleted(world: str) -> None:
    bucket: dict[str, Json] = {"BucketName": TEXT}
    listing: dict[str, Json] = {"Indexes": {"type": "array", "items": {"type": "object", "properties": {"Id": TEXT}}}}
    s = session(
        tool("CreateBucket", {"BucketName*": TEXT}, bucket),
        tool("GetBucket", {"BucketName*": TEXT}, bucket),
        tool("DeleteBucket", {"BucketName*": TEXT}, {}),
        tool("ListIndexes", {"BucketName*": TEXT}, listing),
        world=world,
    )
    named: dict[str, Json] = {"BucketName": "b"}
    s.call("CreateBucket", named)
    assert kind(s, "ListIndexes", named) is None
    s.call("DeleteBucket", named)
    assert kind(s, "ListIndexes", named) == "not_found"
    s.call("CreateBucket", named)
    assert kind(s, "ListIndexes", named) is None


def test_what_another_tool_deleted_is_gone() -> None:
    key: dict[str, Json] = {"application_key_id": TEXT, "name": TEXT}
    s = session(
        tool("create_application_key", {"name*": TEXT}, key),
        tool("delete_application_key", {"application_key_id*": TEXT}, {}),
        tool("create_my_application_key", {"name*": TEXT}, key),
        tool("get_my_application_key", {"application_key_id*": TEXT}, key),
        world="auto",
    )
    made = s.call("create_application_key", {"name": "a"}).content["application_key_id"]
    s.call("delete_application_key", {"application_key_id": made})
    assert kind(s, "get_my_application_key", {"application_key_id": made}) == "not_found"
