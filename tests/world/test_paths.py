"""Paths that could be misread: one collection in two spellings, a noun that begins like a verb."""

from gtm.types import Effect, HttpBinding, Json, Tool, Toolset
from gtm.world.effects import infer_effects

THING: Json = {"type": "object", "properties": {"id": {"type": "string"}, "parts": {"type": "array", "items": {}}}}


def effects(**tools: tuple[str, Json]) -> dict[str, Effect]:
    made = []
    for name, (http, output) in tools.items():
        method, _, path = http.partition(" ")
        held = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
        parameters = {"type": "object", "properties": {key: {"type": "string"} for key in held}, "required": held}
        binding = HttpBinding(method=method, path=path)
        made.append(Tool(name=name, parameters=parameters, output_schema=output, http=binding))
    return infer_effects(Toolset(name="t", kind="openapi", tools=tuple(made)))


def test_a_collection_whose_name_begins_like_a_verb_is_listed_and_its_spelling_does_not_matter() -> None:
    many = {"type": "object", "properties": {"value": {"type": "array", "items": THING}}}
    found = effects(
        make=("PUT /groups/{group}/queryPacks/{packName}", THING),
        show=("GET /groups/{group}/querypacks/{packName}", THING),
        all_of=("GET /groups/{group}/queryPacks", many),
    )
    assert [found[name].kind for name in ("make", "show", "all_of")] == ["update", "read", "list"]
    assert len({effect.resource for effect in found.values()}) == 1


def test_one_thing_with_an_array_inside_is_no_list_whatever_the_tool_is_called() -> None:
    found = effects(list_templates_id_get=("GET /templates/{id}", {**THING, "required": ["id"]}))
    assert found["list_templates_id_get"].kind == "read"


def test_a_last_segment_that_only_says_the_method_again_is_no_resource_of_its_own() -> None:
    found = effects(
        make=("POST /memories/create", THING),
        show=("GET /memories/{memoryId}/details", THING),
        drop=("DELETE /memories/{memoryId}/delete", THING),
        parts=("GET /things/{id}/details", THING),
        thing=("GET /things/{id}", THING),
    )
    assert [found[name].kind for name in ("make", "show", "drop")] == ["create", "read", "delete"]
    assert {found[name].resource for name in ("make", "show", "drop")} == {"memory"}
    assert found["parts"].resource == "thing/detail"
