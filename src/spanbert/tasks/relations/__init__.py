"""Relations: a text and two entities in it in, what holds between the two out."""
