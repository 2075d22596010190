"""Extractive question answering: a passage and a question in, a span of the passage or "no answer" out."""
