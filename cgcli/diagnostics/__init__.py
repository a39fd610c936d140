"""Diagnostics: the record of a problem, its spans in a source text, and its message."""
