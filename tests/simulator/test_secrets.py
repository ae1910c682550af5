"""What is secret inside of arguments reaches no answer, no state and no Episode."""

from gtm import Simulator, Toolset
from gtm.types import Json
from tests.samples import operation


def test_an_object_that_is_called_as_a_secret_is_shown_without_what_is_one() -> None:
    methods: Json = {"type": "object"}
    output: Json = {"type": "object", "properties": {"id": {"type": "string"}, "methods": methods}}
    tools = (
        operation("createApp", "POST", "/apps", {"methods": methods}, {**output, "required": ["methods"]}, 201),
        operation(
            "getApp", "GET", "/apps/{appId}", {"appId": {"type": "string"}}, {**output, "required": ["methods"]}
        ),
    )
    session = Simulator(Toolset(name="apps", kind="openapi", tools=tools), model="scripted", cache=False).session()
    sent = {
        "authorization": {"url": "https://a.example", "password": "hunter2", "uri": "hunter2", "binding": "hunter2"},
        "cookie": {"session": "hunter2", "url": "https://u:hunter2@a.example", "href": "https://a.example/hunter2"},
        "password": {
            "enabled": True,
            "length": 4711,
            "value": "hunter2",
            "rules": {"strict": False, "salt": "hunter2"},
        },
    }
    made = session.call("createApp", {"methods": sent}).content
    shown = {
        "authorization": {"url": "https://a.example"},
        "password": {"enabled": True, "rules": {"strict": False}},
    }
    assert session.call("getApp", {"appId": made["id"]}).content["methods"] == made["methods"] == shown
    kept = str(session.state()) + session.episode.model_dump_json()
    assert "https://a.example" in kept and "hunter2" not in kept and "4711" not in kept
