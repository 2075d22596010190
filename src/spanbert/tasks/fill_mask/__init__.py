"""Fill-mask: a text with hidden places in, the pieces or whole spans that fit there out."""
