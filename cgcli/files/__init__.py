"""Files: reading, atomic writing, locks, the cache. Nothing is lost, and nothing waits for a pipe."""
