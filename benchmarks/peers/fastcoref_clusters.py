"""The peer of `coreference_speed.py`: runs where fastcoref is installed and this package is not.

    python peers/fastcoref_clusters.py MODEL TEXTS.json

MODEL is a plain BERT folder with `coref_head` in its config.json; the head's weights are random. Texts come
as words with spaces between, so that no tokenizer of words is needed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from turns import serve

os.environ["HF_HUB_OFFLINE"] = "1"


def clusters(model: str, texts: list[list[str]]) -> Callable[[], Any]:
    """The work: clusters of all texts."""
    import datasets
    from fastcoref import FCoref

    datasets.disable_progress_bars()
    predictor = FCoref(model, device="cpu", nlp=None, enable_progress_bar=False)
    return lambda: predictor.predict(texts, is_split_into_words=True)


def main() -> None:
    """Be the peer."""
    texts = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    words = [text.split() for text in texts]
    serve(
        lambda: clusters(sys.argv[1], words),
        lambda made: [sum(map(len, one.get_clusters(as_strings=False))) for one in made],
    )


if __name__ == "__main__":
    main()
