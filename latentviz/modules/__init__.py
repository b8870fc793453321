"""Runs a torch module as it is now, or as it was, without touching it: copies, layers, outputs."""
