"""A scene as a page for the browser: one file, which asks nobody for anything."""
