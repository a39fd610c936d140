"""Training: update rules as graphs, the loop, fits by least squares. Reports events; draws and prints nothing."""
