"""Pixels: where things go on the page, and how they get there."""
