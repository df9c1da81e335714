"""Frozen values and pure rules: the product's vocabulary, on the standard library alone."""
