"""Tensors in, tensors out: the encoder and its parts. Knows no text, no task and no file.

Shape letters used in every docstring of this package:

    B  rows of a batch               D  hidden width
    P  pieces in a row               H  attention heads
    S  sequences (one text each;     V  vocabulary size
       S = B when rows are padded,   L  labels
       S > B when rows are packed)
"""
