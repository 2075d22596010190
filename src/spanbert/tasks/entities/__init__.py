"""Entities: a text in, the names in it with their types out, flat or one inside another."""
