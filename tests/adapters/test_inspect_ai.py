"""Inspect runs the suites as its own tasks, with its own models."""

import itertools
from pathlib import Path

import pytest

inspect_ai = pytest.importorskip("inspect_ai", reason="needs the extra 'inspect'")

from inspect_ai.model import ModelOutput, ModelUsage, get_model  # noqa: E402

from gtm.adapters import inspect_ai as tasks  # noqa: E402
from tests.eval.recorded import write_data  # noqa: E402


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_suite_is_a_task(tmp_path: Path) -> None:
    data = str(write_data(tmp_path / "data"))
    [log] = inspect_ai.eval(
        tasks.fidelity(data=data, candidate="sampler"), model="mockllm/model", log_dir=str(tmp_path), display="none"
    )
    assert log.status == "success", log.error
    figures = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert figures["structure_f1"] > 0.5
    assert figures["structure_f1_low"] <= figures["structure_f1"] <= figures["structure_f1_high"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_model_that_inspect_was_given_can_be_the_candidates(tmp_path: Path) -> None:
    data = str(write_data(tmp_path / "data"))
    # With usage of its own: Inspect's mock would fetch a tokenizer to count.
    said = ModelOutput.from_content("mockllm/model", "I cannot help with that.")
    said.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    [log] = inspect_ai.eval(
        tasks.output_format(data=data, candidate="free:inspect"),
        model=get_model("mockllm/model", custom_outputs=itertools.repeat(said)),
        log_dir=str(tmp_path),
        display="none",
    )
    assert log.status == "success", log.error
    figures = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert figures["result_valid"] == 0.0
