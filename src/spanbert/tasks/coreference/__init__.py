"""Coreference: a text in, clusters of the spans that mean the same out."""
