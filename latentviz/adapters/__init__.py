"""Callbacks that record from within other libraries' trainers; each needs its library installed."""
