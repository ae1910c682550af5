"""A call that names, by a required argument, a thing of another resource that was never made."""

import pytest

from gtm import Simulator, Tool, Toolset
from gtm.simulator.session import Session
from gtm.types import HttpBinding, Json
from gtm.world.words import says

TEXT: Json = {"type": "string"}


def tool(name: str, required: tuple[str, ...], output: tuple[str, ...], *optional: str) -> Tool:
    properties = dict.fromkeys((*required, *optional), TEXT)
    return Tool(
        name=name,
        parameters={"type": "object", "properties": properties, "required": list(required)},
        output_schema={"type": "object", "properties": dict.fromkeys(output, TEXT), "required": list(output)},
    )


def session(world: str) -> Session:
    tools = (
        tool("CreateVolume", (), ("VolumeId", "Size"), "Size"),
        tool("GetVolume", ("VolumeId",), ("VolumeId", "Size")),
        tool("CreateSnapshot", ("VolumeId",), ("SnapshotId", "VolumeId")),
        tool("GetSnapshot", ("SnapshotId",), ("SnapshotId", "VolumeId")),
    )
    toolset = Toolset(name="disks", kind="openai", tools=tools)
    return Simulator(toolset, model="scripted", cache=False).session(world=world)  # type: ignore[arg-type]


def test_in_a_closed_world_a_snapshot_needs_a_volume_that_was_made() -> None:
    disks = session("closed")
    refused = disks.call("CreateSnapshot", {"VolumeId": "vol-77"})
    assert refused.error is not None
    assert (refused.error.kind, "'vol-77' was not found" in refused.text) == ("not_found", True)
    made = disks.call("CreateVolume", {"Size": "8"}).content["VolumeId"]
    assert disks.call("CreateSnapshot", {"VolumeId": made}).content["VolumeId"] == made


def test_where_things_are_imagined_any_volume_may_be_there() -> None:
    assert not session("auto").call("CreateSnapshot", {"VolumeId": "vol-77"}).is_error


def documented(name: str, http: str, required: tuple[str, ...], output: tuple[str, ...], *errors: str) -> Tool:
    made = tool(name, required, output)
    method, _, path = http.partition(" ")
    return made.model_copy(
        update={"error_names": errors, "http": HttpBinding(method=method, path=path, slots={}) if http else None}
    )


def directories(world: str) -> Session:
    tools = (
        tool("CreateDirectory", ("AccountId", "Size"), ("DirectoryId",)),
        tool("DescribeTrusts", ("AccountId", "DirectoryId"), ("State",)),
        documented("CreateAlias", "", ("DirectoryId", "Alias"), ("Alias",), "DirectoryDoesNotExistException"),
        documented("TagResource", "", ("ResourceArn", "Key"), ("Status",), "ResourceNotFoundException"),
        tool("CalculatePrice", ("Text",), ("Price",)),
        tool("RestoreBackup", ("BackupId",), ("DirectoryId", "Stage")),
    )
    toolset = Toolset(name="ds", kind="openai", tools=tools)
    return Simulator(toolset, model="scripted", cache=False).session(world=world)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("DescribeTrusts", {"AccountId": "123", "DirectoryId": "d-1"}),
        ("CreateAlias", {"DirectoryId": "d-1", "Alias": "office"}),
        ("TagResource", {"ResourceArn": "arn:aws:ds:::d-1", "Key": "k"}),
    ],
)
def test_what_nothing_brought_is_not_found_where_nothing_is_imagined(name: str, arguments: dict[str, Json]) -> None:
    refused = directories("closed").call(name, arguments)
    assert refused.error is not None
    assert refused.error.kind == "not_found"
    assert not directories("auto").call(name, arguments).is_error


def test_what_an_answer_brought_may_be_called_by_later_calls() -> None:
    s = directories("closed")
    restored = s.call("RestoreBackup", {"BackupId": "b-1"}).content["DirectoryId"]
    assert not s.call("DescribeTrusts", {"AccountId": "123", "DirectoryId": restored}).is_error


def test_a_piece_of_a_longer_name_brings_nothing() -> None:
    s = directories("closed")
    s.call(
        "CreateAlias",
        {"DirectoryId": s.call("RestoreBackup", {"BackupId": "b"}).content["DirectoryId"], "Alias": "x-12"},
    )
    assert s.call("DescribeTrusts", {"AccountId": "123", "DirectoryId": "x-1"}).is_error
    assert not s.call("DescribeTrusts", {"AccountId": "123", "DirectoryId": "x-12"}).is_error


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("web-1", True),
        ("web-12", False),
        ("old_web-1", False),
        ("web-12, web-1.", True),
        ("a\\nweb-1", True),
        ("文档web-1已", True),
    ],
)
def test_a_name_is_held_as_a_whole(text: str, held: bool) -> None:
    assert says(text, "web-1") is held


def test_a_name_with_quotes_is_held_as_json_writes_it() -> None:
    assert says('{"a": "x \\"y\\""}', 'x "y"')
    assert not says("anything", "")


def test_what_a_reading_call_was_asked_for_brings_nothing() -> None:
    s = directories("closed")
    assert not s.call("CalculatePrice", {"Text": "d-1"}).is_error
    assert s.call("DescribeTrusts", {"AccountId": "1", "DirectoryId": "d-1"}).is_error


@pytest.mark.parametrize(("errors", "forgives"), [((), True), (("NoSuchAlarm",), False)])
def test_a_deletion_that_documents_no_absence_succeeds_without_its_thing(
    errors: tuple[str, ...], forgives: bool
) -> None:
    tools = (
        documented("putAlarm", "PUT /alarms/{name}", ("name",), ("name", "state"), "LimitExceeded"),
        documented("getAlarm", "GET /alarms/{name}", ("name",), ("name", "state"), "NoSuchAlarm"),
        documented("deleteAlarm", "DELETE /alarms/{name}", ("name",), ("name",), *errors),
    )
    toolset = Toolset(name="t", kind="catalog", tools=tools)
    s = Simulator(toolset, model="scripted", cache=False).session(world="closed")
    assert s.call("getAlarm", {"name": "a"}).is_error
    assert s.call("deleteAlarm", {"name": "a"}).is_error is not forgives
    assert s.call("getAlarm", {"name": "a"}).is_error
