"""Text to graph: parser, names, lowering, formatter, and diagnostics in words."""
