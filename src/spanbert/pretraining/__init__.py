"""Span pretraining: corpora to blocks, masking, corruption, the objectives, and their batches."""
