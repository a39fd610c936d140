"""A graph on arrays, run with NumPy: node by node as a reference, or by a plan as generated code."""
