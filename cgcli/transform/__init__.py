"""Graph to graph, with other outputs: derivatives by reverse mode, batching, checkpoints."""
