"""Tables, arrays and checkpoints in and out."""
