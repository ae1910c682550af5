"""A call that names, by a required argument, a thing of another resource that was never made."""

from gtm import Simulator, Tool, Toolset
from gtm.simulator.session import Session
from gtm.types import Json

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
