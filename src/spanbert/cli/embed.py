"""`spanbert embed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from spanbert.cli.counted import counted


def embed(
    paths: list[Path],
    /,
    *,
    output: Path,
    model: str = "mini",
    pooling: Literal["mean", "first", "max"] = "mean",
    normalize: Annotated[bool, Parameter(negative="")] = False,
    text_column: str | None = None,
    precision: Literal["float32", "bfloat16", "int8"] = "float32",
    offline: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Write the vector of each text of some files, in order.

    Args:
        paths: .txt (a text a line), CSV, TSV or JSONL, plain or .gz.
        output: .npy (vectors alone), .parquet or .jsonl (id, text and vector).
        model: a shipped name, a folder or a hub id; its encoder is used.
        pooling: what makes a vector: the mean of all pieces, the first piece or the greatest values.
        normalize: scale vectors to length 1.
        text_column: column or field with the text; guessed by usual names when left out.
        precision: arithmetic of the matrix products.
        offline: never go to the network.
    """
    from spanbert.checkpoint.source import read_checkpoint
    from spanbert.inference.precision import parse_precision
    from spanbert.workflows.embedding.embed import Embedder, parse_pooling
    from spanbert.workflows.embedding.file import embed_file

    embedder = Embedder(
        read_checkpoint(model, offline=offline),
        pooling=parse_pooling(pooling),
        normalize=normalize,
        precision=parse_precision(precision),
    )
    console = Console(stderr=True, highlight=False)
    count = embed_file(
        embedder,
        paths,
        output,
        text_column=text_column,
        track=lambda vectors, total: counted(vectors, "embedding", total, console),
    )
    console.print(f"{count:,} texts, {embedder.width} numbers each: {output}", soft_wrap=True, markup=False)
