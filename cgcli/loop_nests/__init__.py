"""The loop form: one level below the graph, for every target."""
