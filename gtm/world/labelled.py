"""What labels a thing has, kept as a field of that thing, whichever tool writes or shows it.

What the world does not know has its labels kept beside it. Which tools these are is in `gtm.world.labels`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gtm.tools.shape import escape
from gtm.types import Json, Source
from gtm.world.bound import Bound
from gtm.world.drafts import echo
from gtm.world.fields import bare, last_noun
from gtm.world.filters import Filters, count, page_of
from gtm.world.labels import LABELS, Form, Labelling, form_in, form_of, keys_in
from gtm.world.lineage import last_part
from gtm.world.outcome import Moment, Plan, Refusal
from gtm.world.resource import Resource
from gtm.world.state import SINGLE, Change, Document, Place, Put, State, key_text
from gtm.world.tree import UNKNOWN, Whole
from gtm.world.words import flat, singular, words

BESIDE = "labels/of"
"""The place of labels whose thing the world does not know."""

_OWN = ("arn", "id", "name", "identifier")
"""What a thing is called by, without its noun."""

Things = Callable[[str], Resource]
"""What all tools of a resource share, by its name."""


def plan_labels(bound: Bound, labelling: Labelling, arguments: Mapping[str, Json], moment: Moment) -> Plan | None:
    """The plan of a call about a thing's labels; None where it names nothing."""
    name = arguments.get(labelling.thing)
    if not isinstance(name, str | int):
        return None
    if _is_gone(labelling.thing, name, moment.state):
        label = " ".join(words(labelling.thing)[:-1])
        return Plan(refusal=Refusal("not_found", f"{label} {name!r} was not found"))
    holder = _holder(labelling.thing, name, moment.state, bound.things)
    if holder.has_texts():
        return None
    known = _labels_in(holder.document.value)
    if known is None and (holder.document.origin == "created" or moment.mode == "closed"):
        known = {}
    seed = (moment.seed, bound.tool.name, dict(arguments))
    if labelling.does == "remove" and known is None:
        return Plan(*_answer(bound, labelling, arguments, None), seed)
    if labelling.does != "show":
        labels = _changed(labelling, known or {}, arguments.get(labelling.given))
        shown, sources = _answer(bound, labelling, arguments, labels)
        return Plan(shown, sources, seed, (), lambda content: (holder.put(labels, labelling),))
    shown, sources = _answer(bound, labelling, arguments, known)
    if known is None:
        return Plan(shown, sources, seed, (), lambda content: _seen(labelling, holder, {}, content))
    return Plan(shown, sources, seed)


def merged_labels(
    bound: Bound, labelling: Labelling, arguments: Mapping[str, Json], moment: Moment
) -> dict[str, Json] | None:
    """The arguments of an update of the thing itself (`tag_server`) with all labels that it has from then on."""
    name = arguments.get(labelling.thing)
    if labelling.does not in {"add", "replace"} or bound.effect.kind != "update" or not bound.stored:
        return None
    if [field for field in bound.shown_fields if LABELS & {*words(field)}] != [labelling.given]:
        return None  # its answer does not show them
    holder = _holder(labelling.thing, name, moment.state, bound.things) if isinstance(name, str | int) else None
    if holder is None or holder.place.resource != bound.resource.name or holder.has_texts():
        return None
    value = holder.document.value
    if any(_is_labels(field, value[field]) for field in value if field != labelling.given):
        return None  # written in another form
    known = _labels_in(value) or {}
    return {
        **arguments,
        labelling.given: labelling.form.write(_changed(labelling, known, arguments[labelling.given])),
    }


def learn_labels(
    bound: Bound, labelling: Labelling, arguments: Mapping[str, Json], content: Json, state: State
) -> tuple[Change, ...]:
    """What a call that really happened tells of a thing's labels."""
    name = arguments.get(labelling.thing)
    if not isinstance(name, str | int):
        return ()
    holder = _holder(labelling.thing, name, state, bound.things)
    if holder.has_texts():
        return ()
    known = _labels_in(holder.document.value) or {}
    if labelling.does == "remove" and not known:
        return ()
    if labelling.does != "show":
        return (holder.put(_changed(labelling, known, arguments.get(labelling.given)), labelling),)
    return _seen(labelling, holder, known if len(arguments) > 1 else {}, content)


def labels_put_on(bound: Bound, arguments: Mapping[str, Json], state: State) -> tuple[Change, ...]:
    """What a write of labels changes of the known things that it names, whatever else it does."""
    labelling = bound.puts_labels
    if labelling is None:
        return ()
    said = arguments.get(labelling.thing)
    names = [name for name in (said if isinstance(said, list) else [said]) if isinstance(name, str | int)]
    holders = [_holder(labelling.thing, name, state, bound.things) for name in dict.fromkeys(names)]
    known = [one for one in holders if one.resource is not None and not one.has_texts()]
    given = arguments.get(labelling.given)
    return tuple(
        one.put(_changed(labelling, _labels_in(one.document.value) or {}, given), labelling) for one in known
    )


def _changed(labelling: Labelling, known: Mapping[str, Json], given: Json) -> dict[str, Json]:
    """The labels after a write."""
    if labelling.does == "remove":
        gone = {*keys_in(given)}
        return {key: value for key, value in known.items() if key not in gone}
    added = labelling.form.read(given) if isinstance(given, dict | list) else {}
    return added if labelling.does == "replace" else {**known, **added}


def _answer(
    bound: Bound, labelling: Labelling, arguments: Mapping[str, Json], labels: Mapping[str, Json] | None
) -> tuple[Json, dict[str, Source]]:
    """What an answer repeats of the arguments, and the labels, if they are known, in their place."""
    echoed = {name: value for name, value in arguments.items() if name not in labelling.path[:1]}
    around, sources = echo(bound, echoed)
    if labels is None or not labelling.path:
        return around or UNKNOWN, sources
    page = None
    if bound.stored and labelling.shown.key and labelling.does == "show":
        # A page, where the tool pages.
        things = [Document(key, {}, at, "created") for at, key in enumerate(labels)]
        filters = Filters(bound, {name: value for name, value in arguments.items() if name != labelling.thing})
        start, end = filters.window(things)
        page = page_of(filters, start, len(things[start:end]), len(things))
        labels = dict([*labels.items()][start:end])
    known = labelling.shown.write(labels) if labelling.shown.key else Whole(labels)
    sources["".join(f"/{escape(step)}" for step in labelling.path)] = "state"
    for step in reversed(labelling.path):
        known = {step: known}
    known = {**around, **known}
    if page is not None:
        count(bound, arguments, known, sources, page)
    return known, sources


@dataclass(frozen=True, slots=True)
class _Holder:
    """What has the labels."""

    place: Place
    document: Document
    resource: Resource | None

    def has_texts(self) -> bool:
        """Whether its labels are plain texts, which have no values."""
        fields = ((LABELS & {*words(name)}, value) for name, value in self.document.value.items())
        return any(named and value and isinstance(value, list) and form_in(value) is None for named, value in fields)

    def put(self, labels: Mapping[str, Json], labelling: Labelling) -> Change:
        """The change that gives it these."""
        value = self.document.value
        field = _field_in(value)
        form = form_in(value[field]) if field is not None else None
        if field is None and self.resource is not None:
            views = ((name, form_of(view)) for name, view in self.resource.fields.items() if LABELS & {*words(name)})
            field, form = next(((name, found) for name, found in views if found is not None), (None, None))
        field, form = (
            field or labelling.given or "tags",
            form or (labelling.form if labelling.given else labelling.shown),
        )
        return Put(
            self.place, self.document.key, {**value, field: form.write(labels)}, self.document.origin, (field,)
        )


def _seen(labelling: Labelling, holder: _Holder, known: Mapping[str, Json], content: Json) -> tuple[Change, ...]:
    """What an answer fixes."""
    for step in labelling.path:
        content = content.get(step) if isinstance(content, dict) else None
    if not isinstance(content, dict | list):
        return ()
    return (holder.put({**known, **labelling.shown.read(content)}, labelling),)


def _holder(argument: str, name: str | int, state: State, things: Things) -> _Holder:
    """The thing that a name or address means, else a place beside all things."""
    beside = Place(BESIDE, (key_text(name),))
    kept = state.get(beside, SINGLE)
    if kept is None:
        noun = singular("".join(words(argument)[:-1]))
        for value in dict.fromkeys((name, last_part(name) or name)):
            found = [*_called(value, state, things)]
            own = [one for one in found if flat(last_noun(one.place.resource)) == noun]
            near = [one for one in found if noun and flat(last_noun(one.place.resource)).endswith(noun)]
            best = own or near or found
            if own or len(best) == 1:
                return best[0]
    return _Holder(beside, kept or Document(SINGLE, {}, -1, "imagined"), None)


def _is_gone(argument: str, name: str | int, state: State) -> bool:
    """Whether the thing that an argument names was deleted."""
    noun = singular("".join(words(argument)[:-1]))
    places = (one for one in state.collections if noun and flat(last_noun(json.loads(one)[0])) == noun)
    return any(key_text(name) in state.collections[one].deleted for one in places)


def _called(value: str | int, state: State, things: Things) -> Iterator[_Holder]:
    """All things that are called so, by their keys or their own names."""
    for identity, collection in sorted(state.collections.items()):
        name, *parents = json.loads(identity)
        if name == BESIDE or not collection.documents:
            continue
        resource = things(name)
        last = last_noun(name)
        fields = [flat(field) for field in resource.fields if bare(field, last) in _OWN or field == resource.key]
        document = collection.documents.get(key_text(value)) or next(
            (found for field in fields if (found := collection.having(field, value)) is not None), None
        )
        if document is not None:
            yield _Holder(Place(name, tuple(parents)), document, resource)


def _labels_in(value: Mapping[str, Json]) -> dict[str, Json] | None:
    """The labels of a thing; None where nobody has seen them."""
    field = _field_in(value)
    return None if field is None else (form_in(value[field]) or Form()).read(value[field])


def _field_in(value: Mapping[str, Json]) -> str | None:
    """The field of a thing that holds its labels."""
    return next((name for name in value if _is_labels(name, value[name])), None)


def _is_labels(name: str, value: Json) -> bool:
    return bool(LABELS & {*words(name)}) and (isinstance(value, dict) or value == [] or form_in(value) is not None)
