"""The peer of `embedding_speed.py`: runs where sentence-transformers is installed and this package is not.

    python peers/sentence_transformers_vectors.py export MODEL FOLDER
    python peers/sentence_transformers_vectors.py serve FOLDER {torch,onnx,onnx-int8} TEXTS.json VECTORS.npy

`export` makes a sentence model of a plain encoder (mean of the pieces, length 1) and writes it for all
backends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from turns import serve

os.environ["HF_HUB_OFFLINE"] = "1"
QUANTIZED = "avx512_vnni"
BATCH = 32


def export(model: str, folder: str) -> None:
    """Write a sentence model in torch's and in ONNX's form, in float32 and int8."""
    from sentence_transformers import SentenceTransformer, export_dynamic_quantized_onnx_model, models

    encoder = models.Transformer(model)
    pooling = models.Pooling(encoder.get_word_embedding_dimension(), pooling_mode="mean")
    SentenceTransformer(modules=[encoder, pooling, models.Normalize()], device="cpu").save(folder)
    exported = SentenceTransformer(folder, device="cpu", backend="onnx")
    exported.save_pretrained(folder)
    export_dynamic_quantized_onnx_model(exported, QUANTIZED, folder)


def vectors(folder: str, backend: str, texts: list[str]) -> Callable[[], Any]:
    """The work: all texts to vectors."""
    from sentence_transformers import SentenceTransformer

    options: dict[str, Any] = {}
    if backend != "torch":
        from onnxruntime import SessionOptions

        session = SessionOptions()
        session.intra_op_num_threads = torch.get_num_threads()  # as many as all other sides have
        file = "onnx/model.onnx" if backend == "onnx" else f"onnx/model_qint8_{QUANTIZED}.onnx"
        options = {"backend": "onnx", "model_kwargs": {"file_name": file, "session_options": session}}
    model = SentenceTransformer(folder, device="cpu", **options)
    return lambda: model.encode(texts, batch_size=BATCH, show_progress_bar=False)


def main() -> None:
    """Export, or be the peer."""
    if sys.argv[1] == "export":
        export(*sys.argv[2:4])
        return
    folder, backend, texts, output = sys.argv[2:6]
    read = json.loads(Path(texts).read_text(encoding="utf-8"))
    serve(lambda: vectors(folder, backend, read), lambda made: np.save(output, made))


if __name__ == "__main__":
    main()
