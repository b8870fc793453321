"""The still pictures of a run: each a function that returns a `Picture`."""
