"""The data set's card, in the form that Hugging Face reads: front matter, what is in it, where it is from, its gaps.

A function of the manifest and the counts: no clock, no paths of a machine.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import yaml

from gtm.types import Json

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
KNOWN_LICENCES = frozenset({"apache-2.0", "mit", "mpl-2.0", "cc0-1.0", "cc-by-sa-4.0", "cc-by-4.0"})
"""As Hugging Face spells them; BSD licences need their number of clauses."""

Manifest = dict[str, Json]


def page(manifest: Manifest, counts: Counter[str]) -> str:
    """The whole card."""
    parts = [
        f"---\n{yaml.safe_dump(_front(manifest), sort_keys=False, allow_unicode=True)}---",
        f"# {manifest['name']}",
        "Calls of tools with their answers: training data that teaches a model to be any tool. Made by `gtm carg`"
        " from real definitions and recorded calls; where an answer was not recorded, the simulator's code, values"
        " seen in the same family, or a teacher wrote it, and `meta.origin` says which.",
        _figures(manifest),
        _form(),
        "## What is in it",
        *_tables(manifest),
        *(f"![{name}](pictures/{name}.png)" for name in ("target_tokens", "prompt_tokens", "steps", "groups")),
        _licences(counts),
        _curation(manifest),
        _gaps(manifest, counts),
        _domains(counts),
    ]
    return "\n\n".join(parts) + "\n"


def _front(manifest: Manifest) -> Json:
    licences = dict.fromkeys(part for name in manifest["licenses"] for part in licence_ids(name))
    files = [{"split": _split(split), "path": f"data/{split}.parquet"} for split in manifest["splits"]]
    return {
        "license": list(licences) or ["other"],
        "pretty_name": manifest["name"],
        "task_categories": ["text-generation"],
        "language": ["en"],
        "tags": ["tool-use", "function-calling", "simulation", "agents", "synthetic", "recorded"],
        "size_categories": [next((name for most, name in SIZES if manifest["rows"] < most), "1M<n<10M")],
        "configs": [{"config_name": "default", "data_files": files}],
        "dataset_info": {
            "features": [
                {"name": "messages", "list": [{"name": n, "dtype": "string"} for n in ("role", "content")]},
                {"name": "tools", "dtype": "string"},
                {"name": "meta", "dtype": "string"},
            ],
            "splits": [{"name": _split(split), "num_examples": n} for split, n in manifest["splits"].items()],
        },
    }


def licence_ids(text: str) -> list[str]:
    """A source's licence as identifiers; what is none of those known is `other`."""
    names = re.sub(r"\([^)]*\)", "", text).lower().split("/")
    found = []
    for name in filter(None, (part.strip() for part in names)):
        known = name in KNOWN_LICENCES or name.startswith("bsd-")
        found.append(name if known else "other")
    return found


def _split(name: str) -> str:
    return "validation" if name == "dev" else name


def _figures(manifest: Manifest) -> str:
    splits = ", ".join(f"{number:,} {name}" for name, number in manifest["splits"].items())
    lines = [
        ("tools", f"{manifest['tools']:,}, of which {manifest['tools_with_rows']:,} have rows"),
        ("domains with at least 20 tools", f"{manifest['domains']:,} of {manifest['domains_in_all']:,}"),
        ("rows (a call with its answer)", f"{manifest['rows']:,} ({splits})"),
        ("of them recorded or documented", f"{manifest['real_rows']:,}"),
        ("of them written by a teacher", f"{manifest['teacher_rows']:,}"),
        ("errors", f"{manifest['error_share']:.1%} of rows"),
        (f"sessions of {manifest['session_means_calls']} calls and more", f"{manifest['sessions']:,}"),
        ("of them recorded", f"{manifest['recorded_sessions']:,}"),
        ("recipe", f"`{manifest['config_digest'][:16]}`, prompt version {manifest['prompt_version']}"),
    ]
    return _table(("what", "how many"), lines)


def _form() -> str:
    return (
        "## Form\n\n`data/SPLIT.parquet` and `data/SPLIT.jsonl` hold one example a row: `messages` (the prompt as the"
        " simulator writes it, the answer as the last message), `tools` (the tool as OpenAI's protocol declares it),"
        " `meta` (labels). In Parquet, `tools` and `meta` are JSON texts. Train on the last message only."
        " `meta.shape` is the JSON Schema of the answer; `meta.written_by` is `code` where nothing was unknown to"
        " the simulator: there a model is never asked when it serves, and such rows can be left out.\n\n"
        "`episodes/SPLIT.jsonl` holds the same calls as sessions (`gtm.Episode.read`), with those that only repeat an"
        " example. Splits never share an API family, nor nearly equal rows (MinHash, 0.8)."
    )


def _tables(manifest: Manifest) -> Iterator[str]:
    for name, title in (
        ("kinds", "Kind of call"),
        ("origins", "Who said it"),
        ("sources", "Source of the rows"),
        ("tools_from", "Source of the tools"),
        ("effects", "Effect of the tool"),
        ("errors", "Errors"),
        ("refusals", "What is wrong with calls of kind `wrong`"),
        ("faults", "Injected faults"),
    ):
        if manifest[name]:
            counted = sorted(manifest[name].items(), key=lambda item: (-item[1], item[0]))
            yield _table((title, "number"), [(f"`{key}`", f"{number:,}") for key, number in counted])


def _licences(counts: Counter[str]) -> str:
    found = []
    for key, number in sorted(counts.items()):
        if key.startswith("license_of/"):
            _, source, licence = key.split("/", 2)
            found.append((source, licence, f"{number:,}"))
    return (
        "## Licences\n\n"
        + _table(("source", "licence", "rows"), found)
        + ("\n\nEvery row carries its own (`meta.license`), so that share-alike sources can be left out.")
    )


def _curation(manifest: Manifest) -> str:
    dropped = [(f"`{key}`", f"{number:,}") for key, number in manifest["dropped"].items()]
    odd = [(f"`{key}`", f"{number:,}") for key, number in manifest["odd"].items()]
    masked = [(f"`{key}`", f"{number:,}") for key, number in manifest["masked"].items()]
    return "\n\n".join(
        (
            "## What was dropped, and what was masked",
            _table(("reason / who said it", "calls"), dropped),
            "Kept although odd: real answers that disagree with their definition, which may itself be wrong.",
            _table(("what is odd / who said it", "calls"), odd),
            "Replaced by stand-ins, alike throughout a session:",
            _table(("kind", "places"), masked),
        )
    )


def _gaps(manifest: Manifest, counts: Counter[str]) -> str:
    rows = manifest["rows"] or 1
    by_code = manifest["written_by"].get("code", 0)
    bare = sum(1 for key in counts if key.startswith("domain_tools/") and not counts["domain/" + key[13:]])
    return "\n".join(
        (
            "## Known gaps\n",
            f"- {manifest['tools'] - manifest['tools_with_rows']:,} tools have no row, {bare:,} domains none at all.",
            f"- {by_code / rows:.1%} of the rows are answered by code alone; they teach no wording.",
            f"- A teacher wrote {manifest['teacher_rows']:,} of the planned rows; others hold values seen in other"
            " answers of the family or drawn by name and format: right in form, flat in meaning.",
            "- Documented examples are written by hand and are not one world; recordings begin in an unknown state.",
            "- A part of the recordings was made against the providers' own test doubles, or normalised by their"
            " authors (fixed times, zeroed ids); recorded AWS answers are of an imitation of AWS.",
            "- Names of people and postal addresses are not masked where no field name gives them away.",
            "- Nearly all text is English.",
        )
    )


def _domains(counts: Counter[str]) -> str:
    names = sorted(key[13:] for key in counts if key.startswith("domain_tools/"))
    rows = [
        (
            name,
            *(
                f"{counts[f'{label}/{name}']:,}"
                for label in ("domain_tools", "domain", "domain_real", "domain_errors")
            ),
        )
        for name in names
    ]
    table = _table(("domain", "tools", "rows", "real", "errors"), rows)
    return f"## Domains\n\n<details><summary>{len(names)} domains</summary>\n\n{table}\n\n</details>"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
