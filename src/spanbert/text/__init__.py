"""Text as characters, words and pieces; plain Python and numpy."""
