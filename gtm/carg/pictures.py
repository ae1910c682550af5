"""Histograms of a data set, drawn from its counts. Needs the extra `carg`."""

from collections import Counter
from pathlib import Path

from gtm.carg.export import PROMPT_BUCKETS, STEP_BUCKETS, TOKEN_BUCKETS
from gtm.errors import ConfigError

HISTOGRAMS = (
    ("target_tokens", TOKEN_BUCKETS, "tokens of an answer (estimated)", "rows"),
    ("prompt_tokens", PROMPT_BUCKETS, "tokens of a prompt (estimated)", "rows"),
    ("steps", STEP_BUCKETS, "calls of a session", "sessions"),
)
BARS = (("kind", "kind of call"), ("origin", "who said what the answer says"), ("source", "source"))
MOST_BARS = 24


def draw(counts: Counter[str], path: Path) -> list[Path]:
    """Write the pictures; their files. Raises ConfigError where the extra is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("pictures need the package 'matplotlib': pip install 'gtm-sim[carg]'") from None
    path.mkdir(parents=True, exist_ok=True)
    made = []
    drawings = [(name, _classes(counts, name, ends), (x, y)) for name, ends, x, y in HISTOGRAMS]
    drawings += [(name, _largest(counts, name), (x, "rows")) for name, x in BARS]
    drawings.append(("groups", _groups(counts), ("group of domains", "tools")))
    for name, bars, (x, y) in drawings:
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.add_subplot()
        axes.bar(list(bars), list(bars.values()), color="#3b6ea5")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.tick_params(axis="x", rotation=45 if len(bars) > 6 else 0)
        axes.spines[["top", "right"]].set_visible(False)
        file = path / f"{name}.png"
        figure.savefig(file, metadata={"Software": None})
        made.append(file)
    return made


def _classes(counts: Counter[str], name: str, ends: tuple[int, ...]) -> dict[str, int]:
    starts = (0, *ends)
    labels = [f"{start}-{end - 1}" for start, end in zip(starts, ends, strict=False)] + [f"{ends[-1]}+"]
    return {label: counts[f"{name}/{at}"] for at, label in enumerate(labels)}


def _largest(counts: Counter[str], name: str) -> dict[str, int]:
    start = f"{name}/"
    found = {key[len(start) :]: value for key, value in counts.items() if key.startswith(start)}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_BARS])


def _groups(counts: Counter[str]) -> dict[str, int]:
    groups: Counter[str] = Counter()
    for key, value in counts.items():
        if key.startswith("domain_tools/"):
            groups[key.split("/")[1]] += value
    return dict(sorted(groups.items(), key=lambda item: (-item[1], item[0]))[:MOST_BARS])
