"""Files as cg reads, writes, locks and keeps them: nothing is lost, and nothing waits for a pipe."""
