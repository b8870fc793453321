"""Node, which runs the page's modules."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

VIEWER = Path(__file__).parents[2] / "latentviz/web/viewer"


def run_node(script, folder):
    """What a module prints, as JSON; ``VIEWER/`` in it is the folder of the page's modules.

    It finds ``input`` (what the test wrote) by way of its working directory, ``folder``.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to run the page's modules with")
    path = folder / "script.mjs"
    path.write_text(script.replace("VIEWER/", VIEWER.as_uri() + "/"))
    result = subprocess.run([node, path], capture_output=True, text=True, cwd=folder, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
