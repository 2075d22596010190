"""What the preparation of a corpus can be told; field docstrings are the help texts of the command line."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

WHICH_TEXT = "say which holds the text: --corpus-settings.text-field NAME (spanbert tokenizer: --text-field)"


class CorpusSettings(BaseModel):
    """Settings of reading and packing."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    block_pieces: int = Field(510, ge=1)
    """Most pieces in a block; the start and end pieces come on top."""
    document_end: Literal["empty-line", "line", "file"] = "empty-line"
    """Where a document of a text file ends: at an empty line, at each line, or at the end of the file."""
    text_field: str = "text"
    """Field of JSONL objects, or column of Parquet tables, that holds a document's text."""
    spans_field: str = "spans"
    """Field or column with spans to mask, as [[char_start, char_end], ...]; it may be absent."""
    segment_chinese: bool = False
    """Take segmented words for the words of Chinese text, instead of characters (extra `chinese`)."""
    split: str = "train"
    """Part of a data set on the hub."""
    shard_chars: int = Field(1 << 26, ge=1)
    """Characters of text in a shard; a killed preparation loses at most its last, unfinished shards."""
    workers: int | None = Field(None, ge=1)
    """Processes that tokenize; as many as there are cores when left out, one when there is little text."""

    def of_content(self) -> dict[str, Any]:
        """The settings that decide what the prepared corpus holds."""
        return self.model_dump(exclude={"workers", "split"})
