"""A film: its options, its spec, its frames, and how they are drawn and written."""
