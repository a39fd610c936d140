"""Graph to graph, keeping what is computed."""
