"""The two color experiments that latentviz grew out of: ``python -m trainers --help``."""
