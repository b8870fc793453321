"""A run's page in the browser, while the run is recorded."""
