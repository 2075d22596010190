"""From files to memory-mapped blocks of pieces: read, tokenize, pack, write; then open and gather."""
