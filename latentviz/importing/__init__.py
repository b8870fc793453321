"""Makes archives of what was not recorded: checkpoints that a training saved, and arrays."""
