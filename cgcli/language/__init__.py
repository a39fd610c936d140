"""Text to graph: parser, name resolution, lowering, formatter, syntax errors, unparsing."""
