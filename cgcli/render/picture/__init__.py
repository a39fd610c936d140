"""The picture of a graph: its contents, their layout, and its files."""
