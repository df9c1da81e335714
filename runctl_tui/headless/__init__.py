"""The command line's nouns, one module each, on the same services as the screens."""
