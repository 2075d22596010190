"""Similarity of texts: two texts in, a number on the data's scale out."""
