"""Exported lines as Parquet, a batch at a time. `tools` and `meta` are JSON texts: their fields differ by row.

Invariant: the same lines give the same file, whatever wrote it before. Needs the extra `carg`.
"""

import json
from itertools import islice
from pathlib import Path

from pydantic_core import from_json

from gtm.errors import ConfigError

BATCH = 2000
"""Rows held at a time, and of one row group: some 15 MB of text."""


def write_parquet(lines: Path, target: Path) -> int:
    """Write a file of lines as Parquet; how many there were. Raises ConfigError where the extra is missing."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ConfigError("Parquet needs the package 'pyarrow': pip install 'gtm-sim[carg]'") from None
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("messages", pa.list_(message)), ("tools", pa.string()), ("meta", pa.string())])
    scratch = target.with_name(f"{target.name}.new")
    written = 0
    with lines.open("rb") as opened, pq.ParquetWriter(scratch, schema, compression="zstd") as writer:
        while batch := list(islice(opened, BATCH)):
            rows = [from_json(line) for line in batch]
            columns = [
                [row["messages"] for row in rows],
                [json.dumps(row["tools"], ensure_ascii=False) for row in rows],
                [json.dumps(row["meta"], ensure_ascii=False) for row in rows],
            ]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            written += len(rows)
    scratch.replace(target)
    return written
