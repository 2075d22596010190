"""Texts and spans to vectors, and the files that hold them."""
