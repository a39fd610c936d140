"""Graph to graph, with the same outputs: optimisation passes."""
