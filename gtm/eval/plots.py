"""The report's plots, as SVG that stands in the page: the same figures give the same bytes.

Each takes plain figures and knows nothing of suites. Texts stay texts, so that they can be read, searched and scaled.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gtm.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float, float]
"""A value with the ends of its interval."""

WIDTH, HEIGHT = 4.8, 3.6
"""Inches: on a phone of 390 points a text of 9 points is as large as one of 10 pixels."""

SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gtm",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
# Told apart with any colour vision (Okabe and Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "os^DvP*X<>"


def drift(curves: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Contradictions a step against the step's number, a line a candidate."""

    def draw(axes: "Axes") -> None:
        for index, (name, points) in enumerate(curves.items()):
            marker = MARKERS[index % len(MARKERS)]
            axes.plot([k for k, _ in points], [v for _, v in points], marker=marker, markersize=3, label=name)
        axes.set_xlabel("step of the session")
        axes.set_ylabel("contradictions a step")
        axes.set_ylim(bottom=0)
        _legend(axes, len(curves))

    return _svg(draw)


def errors(points: Mapping[str, tuple[Point, Point]]) -> str:
    """Recall of errors against false errors: good is up and to the left."""

    def draw(axes: "Axes") -> None:
        for index, (name, (false, recall)) in enumerate(points.items()):
            axes.errorbar(
                [false[0]],
                [recall[0]],
                xerr=[[false[0] - false[1]], [false[2] - false[0]]],
                yerr=[[recall[0] - recall[1]], [recall[2] - recall[0]]],
                fmt=MARKERS[index % len(MARKERS)],
                capsize=2,
                label=name,
            )
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
        axes.set_xlabel("false errors: valid calls that are refused")
        axes.set_ylabel("recall: wrong calls that are refused")
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        _legend(axes, len(points))

    return _svg(draw)


def bars(groups: Mapping[str, Mapping[str, Point]], names: Sequence[str], label: str) -> str:
    """A group of bars a domain, a bar a candidate, with intervals."""

    def draw(axes: "Axes") -> None:
        high = 0.8 / max(1, len(names))
        for index, name in enumerate(names):
            at = [row + index * high for row, values in enumerate(groups.values()) if name in values]
            points = [values[name] for values in groups.values() if name in values]
            spread = [[p[0] - p[1] for p in points], [p[2] - p[0] for p in points]]
            axes.barh(at, [p[0] for p in points], high, xerr=spread, label=name, error_kw={"elinewidth": 0.7})
        axes.set_yticks([row + 0.4 - high / 2 for row in range(len(groups))], list(groups))
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel(label)
        axes.grid(visible=False, axis="y")
        _legend(axes, len(names))

    return _svg(draw, height=max(HEIGHT, 1.4 + 0.11 * len(groups) * (len(names) + 1)))


def latency(
    series: Mapping[str, Sequence[tuple[float, float, float]]], real: Sequence[tuple[str, float, float]]
) -> str:
    """(calls a second, p50, p95) a setting of each candidate; what real tools take, (name, least, most), as bands."""

    def draw(axes: "Axes") -> None:
        for index, (name, points) in enumerate(series.items()):
            rates = [rate for rate, _, _ in points]
            marker = MARKERS[index % len(MARKERS)]
            [line] = axes.plot(rates, [p50 for _, p50, _ in points], marker=marker, markersize=4, label=name)
            axes.vlines(rates, [p50 for _, p50, _ in points], [p95 for _, _, p95 in points], color=line.get_color())
        for name, low, high in real:
            axes.axhspan(low, high, color=COLOURS[-1], alpha=0.2)
            axes.annotate(name, (0.99, low * 1.1), xycoords=("axes fraction", "data"), ha="right", fontsize=8)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("calls a second at 1, 8 and 32 in flight")
        axes.set_ylabel("milliseconds, p50 to p95")
        _legend(axes, len(series))

    return _svg(draw)


def _legend(axes: "Axes", count: int) -> None:
    figure = axes.figure
    if count and figure is not None:
        figure.legend(loc="outside lower center", ncols=2)


def _svg(draw: Any, height: float = HEIGHT) -> str:
    """What `draw` puts on axes, as an SVG element that takes the width it is given."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("reports need matplotlib and jinja2; run pip install 'gtm-sim[eval]'") from None
    from cycler import cycler

    settings: Any = {**SETTINGS, "axes.prop_cycle": cycler(color=COLOURS)}
    with matplotlib.rc_context(settings):
        figure: Figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.add_subplot())
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    return re.sub(r'(<svg[^>]*?) width="[^"]*"| height="[^"]*"', r"\1", text, count=2)
