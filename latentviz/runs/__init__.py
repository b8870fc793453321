"""A recorded run: what is known of each step, and its points' latents, read when asked for."""
