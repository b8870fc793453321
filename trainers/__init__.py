"""The two colour experiments that latentviz grew out of: ``python -m trainers --help``."""
