"""How a graph will be run: the order of its nodes, the memory of their values, what runs together, what it costs."""
