"""Folders and archives on disk to modules, tokenizer and task description, and back."""
