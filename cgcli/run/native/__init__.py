"""Machine code made of loop nests."""
