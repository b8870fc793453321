pytest_plugins = ["snapshots", "pytester"]
