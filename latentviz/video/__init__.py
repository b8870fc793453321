"""Frames to files: what a film can be encoded as, where it goes, ffmpeg, and what reads it."""
