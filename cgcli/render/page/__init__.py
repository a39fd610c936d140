"""Pages that compute: loop nests as JavaScript."""
