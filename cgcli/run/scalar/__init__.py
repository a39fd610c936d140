"""A graph on numbers, run as Python code: nodes one by one, loops compiled to Python source."""
