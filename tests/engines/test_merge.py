"""A tiny Llama-like GGUF and an adapter, made here, merged, and compared with plain numpy."""

import json
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file

from gtm.engines.merge import merge, permute
from gtm.errors import ModelError

WIDTH, HEADS, KV_HEADS = 64, 4, 2
Matrix = npt.NDArray[np.float32]
ROWS = {"attn_q": WIDTH, "attn_k": WIDTH // 2, "attn_v": WIDTH // 2, "ffn_up": 128}


def quiet(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def make_base(path: Path, architecture: str = "llama") -> dict[str, Matrix]:
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(128)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "ü"])
    tensors: dict[str, Matrix] = {"blk.0.attn_norm.weight": np.ones(WIDTH, np.float32)}
    tensors |= {f"blk.0.{n}.weight": rng.normal(size=(rows, WIDTH)).astype(np.float32) for n, rows in ROWS.items()}
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def make_adapter(folder: Path, names: dict[str, int], config: dict[str, object] | None = None) -> dict[str, Matrix]:
    rng = np.random.default_rng(2)
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(config or {"r": 8, "lora_alpha": 16}))
    tensors: dict[str, npt.NDArray[np.float16]] = {}
    deltas: dict[str, Matrix] = {}
    for name, rows in names.items():
        a, b = (rng.normal(size=size).astype(np.float16) for size in ((8, WIDTH), (rows, 8)))
        head = f"base_model.model.model.layers.0.{name}"
        tensors |= {f"{head}.lora_A.weight": a, f"{head}.lora_B.weight": b}
        deltas[name] = b.astype(np.float32) @ a.astype(np.float32)
    save_file(tensors, folder / "adapter_model.safetensors")
    return deltas


def read(path: Path) -> dict[str, Matrix]:
    return {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(path).tensors}


def near(one: Matrix, two: Matrix) -> bool:
    """Equal up to one rounding to 8 bits, with a 16-bit scale for each 32 values."""
    step = np.abs(two.reshape(-1, 32)).max(axis=1, keepdims=True) / 127
    return bool((np.abs(one - two).reshape(-1, 32) <= step * 0.57).all())


def test_the_merged_file_is_base_plus_delta_in_the_order_of_a_gguf(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base.gguf")
    deltas = make_adapter(
        tmp_path / "adapter",
        {"self_attn.q_proj": WIDTH, "self_attn.k_proj": WIDTH // 2, "self_attn.v_proj": WIDTH // 2},
    )
    merge(tmp_path / "base.gguf", tmp_path / "adapter", tmp_path / "out.gguf", quiet)
    found = read(tmp_path / "out.gguf")
    assert near(found["blk.0.attn_v.weight"], base["blk.0.attn_v.weight"] + 2 * deltas["self_attn.v_proj"])
    assert near(found["blk.0.ffn_up.weight"], base["blk.0.ffn_up.weight"])
    assert (found["blk.0.attn_norm.weight"] == 1).all()
    # Row h*d + i of a head's first half goes to 2i, of its second half to 2i + 1.
    size = WIDTH // HEADS
    order = [head * size + half * size // 2 + i for head in range(HEADS) for i in range(size // 2) for half in (0, 1)]
    expected = base["blk.0.attn_q.weight"] + 2 * deltas["self_attn.q_proj"][order]
    assert near(found["blk.0.attn_q.weight"], expected)
    assert near(
        found["blk.0.attn_k.weight"], base["blk.0.attn_k.weight"] + 2 * permute(deltas["self_attn.k_proj"], KV_HEADS)
    )
    types = {t.name: t.tensor_type.name for t in gguf.GGUFReader(tmp_path / "out.gguf").tensors}
    assert set(types.values()) == {"Q8_0", "F32"}
    fields = gguf.GGUFReader(tmp_path / "out.gguf").fields
    assert fields["tokenizer.ggml.tokens"].contents() == ["a", "b", "ü"]
    assert fields["general.name"].contents() == "tiny"
    assert fields["general.file_type"].contents() == int(gguf.LlamaFileType.MOSTLY_Q8_0)
    assert {path.name for path in tmp_path.iterdir()} == {"base.gguf", "adapter", "out.gguf"}


def test_without_an_adapter_it_is_re_encoded_and_a_second_time_unchanged(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base.gguf")
    merge(tmp_path / "base.gguf", None, tmp_path / "once.gguf", quiet)
    merge(tmp_path / "once.gguf", None, tmp_path / "twice.gguf", quiet)
    assert near(read(tmp_path / "once.gguf")["blk.0.attn_q.weight"], base["blk.0.attn_q.weight"])
    assert (tmp_path / "once.gguf").read_bytes() == (tmp_path / "twice.gguf").read_bytes()


def test_rank_stabilised_adapters_have_another_scale(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base.gguf")
    config: dict[str, object] = {"r": 16, "lora_alpha": 8, "use_rslora": True}
    deltas = make_adapter(tmp_path / "adapter", {"mlp.up_proj": 128}, config)
    merge(tmp_path / "base.gguf", tmp_path / "adapter", tmp_path / "out.gguf", quiet)
    expected = base["blk.0.ffn_up.weight"] + 2 * deltas["mlp.up_proj"]
    assert near(read(tmp_path / "out.gguf")["blk.0.ffn_up.weight"], expected)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"self_attn.q_proj": 32}, "other base"),
        ({"mlp.gate_proj": 128}, "'blk.0.ffn_gate.weight', which 'base.gguf' does not have"),
        ({"lm_head": 128}, "only linear layers are merged"),
    ],
)
def test_an_adapter_for_something_else_is_refused(tmp_path: Path, names: dict[str, int], said: str) -> None:
    make_base(tmp_path / "base.gguf")
    make_adapter(tmp_path / "adapter", names)
    with pytest.raises(ModelError, match=said):
        merge(tmp_path / "base.gguf", tmp_path / "adapter", tmp_path / "out.gguf", quiet)
    assert {path.name for path in tmp_path.iterdir()} == {"base.gguf", "adapter"}


def test_an_adapter_that_is_broken_is_refused(tmp_path: Path) -> None:
    make_base(tmp_path / "base.gguf")
    folder = tmp_path / "adapter"
    for prepare, said in (
        (lambda: None, "needs adapter_config.json"),
        (lambda: make_adapter(folder, {"mlp.up_proj": 128}, {"r": 8}), "lora_alpha"),
        (lambda: (folder / "adapter_model.safetensors").write_bytes(b"junk"), "cannot be read"),
    ):
        prepare()
        with pytest.raises(ModelError, match=said):
            merge(tmp_path / "base.gguf", folder, tmp_path / "out.gguf", quiet)


def test_what_is_no_llama_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(ModelError, match="is not a readable GGUF"):
        merge(tmp_path / "junk.gguf", None, tmp_path / "out.gguf", quiet)
    make_base(tmp_path / "other.gguf", "bert")
    with pytest.raises(ModelError, match="is 'bert'; adapters are merged into 'llama' only"):
        merge(tmp_path / "other.gguf", None, tmp_path / "out.gguf", quiet)
