"""Classification of texts and text pairs: one label, several labels or a number out."""
