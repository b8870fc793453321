"""The gallery: ``python -m gallery --help``. Its entries are the scripts in ``gallery/entries``."""
