import sys
from pathlib import Path

# pytest puts tests/ on the path, where the folder tests/trainers would pass for the package.
sys.path.insert(0, str(Path(__file__).parents[1]))

pytest_plugins = ["snapshots", "pytester"]
