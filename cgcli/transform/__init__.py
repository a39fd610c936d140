"""Graph to graph, changing what is computed: derivatives by reverse mode."""
