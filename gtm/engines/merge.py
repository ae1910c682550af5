"""Base weights and a LoRA adapter as one Q8_0 GGUF, which OpenVINO GenAI, llama.cpp and Ollama all read.

Numpy only. Invariant: each matrix becomes `base + scale * B @ A`, rounded once, to Q8_0; vectors stay as they are.
Knows the Llama family's tensor names and its permuted q and k projections; another architecture is refused.
"""

import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gtm.errors import ModelError

if TYPE_CHECKING:
    import gguf
    import numpy as np
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float32]

Progress = Callable[[str, int, int], None]
"""Told (what, done, total); a total of 0 is unknown."""

PROJECTIONS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""Hugging Face's names of a layer's matrices -> those of a GGUF."""

ARCHITECTURES = ("llama",)
BLOCK = 32
"""Values that share one scale in Q8_0; a row must be a multiple of it."""


def merge(base: Path, adapter: Path | None, target: Path, progress: Progress) -> None:
    """Write `target`: the base with the adapter's folder merged in (None: re-encoded only).

    Raises:
        ModelError: base or adapter cannot be read, or do not fit each other.
        OSError: the target cannot be written; nothing is left of it.
    """
    import gguf

    try:
        reader = gguf.GGUFReader(base)
        architecture = reader.fields["general.architecture"].contents()
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise ModelError(f"{str(base)!r} is not a readable GGUF ({error}); fetch the weights again") from error
    if architecture not in ARCHITECTURES:
        raise ModelError(f"{str(base)!r} is {architecture!r}; adapters are merged into 'llama' only")
    deltas = {} if adapter is None else _deltas(adapter)
    heads = {
        "attn_q": int(reader.fields[f"{architecture}.attention.head_count"].contents()),
        "attn_k": int(reader.fields[f"{architecture}.attention.head_count_kv"].contents()),
    }
    unknown = sorted(deltas.keys() - {tensor.name for tensor in reader.tensors})
    if unknown:
        raise ModelError(f"the adapter in {str(adapter)!r} changes {unknown[0]!r}, which {base.name!r} does not have")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".merging-") as scratch:
        written = Path(scratch) / target.name
        with closing(gguf.GGUFWriter(written, architecture)) as writer:
            _copy_fields(reader, writer)
            for number, tensor in enumerate(reader.tensors):
                progress("merge", number, len(reader.tensors))
                _add(writer, tensor, deltas.get(tensor.name), heads)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        os.replace(written, target)
    progress("merge", len(reader.tensors), len(reader.tensors))


def permute(matrix: "Matrix", heads: int) -> "Matrix":
    """Rows of a q or k projection in the order a Llama GGUF keeps them: a head's two rotary halves interleaved."""
    rows = matrix.shape[0]
    return matrix.reshape(heads, 2, rows // heads // 2, -1).swapaxes(1, 2).reshape(matrix.shape)


def _add(
    writer: "gguf.GGUFWriter", tensor: "gguf.ReaderTensor", delta: "Matrix | None", heads: Mapping[str, int]
) -> None:
    import gguf
    import numpy as np

    types = gguf.GGMLQuantizationType
    if len(tensor.shape) < 2 or int(tensor.shape[0]) % BLOCK:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        return
    if delta is None and tensor.tensor_type == types.Q8_0:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=types.Q8_0)
        return
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
    if delta is not None:
        if delta.shape != values.shape:
            raise ModelError(
                f"the adapter has {tensor.name!r} as {delta.shape}, the base as {values.shape}: other base?"
            )
        count = heads.get(tensor.name.split(".")[2])
        values = values + (delta if count is None else permute(delta, count))
    writer.add_tensor(tensor.name, gguf.quants.quantize(values, types.Q8_0), raw_dtype=types.Q8_0)


def _copy_fields(reader: "gguf.GGUFReader", writer: "gguf.GGUFWriter") -> None:
    import gguf

    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_Q8_0))


def _deltas(folder: Path) -> "dict[str, Matrix]":
    """GGUF tensor name -> scale * B @ A, of a PEFT adapter's folder."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        config = json.loads((folder / "adapter_config.json").read_bytes())
        tensors = load_file(folder / "adapter_model.safetensors")
        scale = _scale(config)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ModelError(
            f"the adapter in {str(folder)!r} cannot be read ({error!r}); it needs adapter_config.json "
            "(r, lora_alpha) and adapter_model.safetensors in fp16 or fp32"
        ) from error
    deltas: dict[str, Matrix] = {}
    for name in sorted(tensors):
        head, found, _ = name.partition(".lora_A.")
        if not found:
            if ".lora_B." not in name:
                raise ModelError(f"the adapter in {str(folder)!r} has {name!r}, which is not a LoRA matrix")
            continue
        lower = tensors.get(name.replace(".lora_A.", ".lora_B."))
        if lower is None:
            raise ModelError(f"the adapter in {str(folder)!r} has {name!r} without its lora_B")
        product = lower.astype(np.float32) @ tensors[name].astype(np.float32)
        deltas[_gguf_name(head, folder)] = (scale * product).astype(np.float32)
    return deltas


def _scale(config: Mapping[str, Any]) -> float:
    rank, alpha = int(config["r"]), float(config["lora_alpha"])
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _gguf_name(name: str, folder: Path) -> str:
    """`base_model.model.model.layers.3.self_attn.q_proj` -> `blk.3.attn_q.weight`."""
    _, found, rest = name.partition("model.layers.")
    layer, _, projection = rest.partition(".")
    if not found or not layer.isdigit() or projection not in PROJECTIONS:
        raise ModelError(f"the adapter in {str(folder)!r} changes {name!r}; only linear layers are merged")
    return f"blk.{layer}.{PROJECTIONS[projection]}.weight"
