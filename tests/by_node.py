"""Node, which runs the page's modules."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VIEWER = Path(__file__).parents[1] / "latentviz/web/viewer"
# The environment's own, if it has one: the test command does not put it on the path.
NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")


def printed(source, *, given=None, kind="module"):
    """What a module, or a script, prints; without node the test is skipped.

    Args:
        source: ``VIEWER/`` in it is the folder of the page's modules.
        given: It has this as ``given``, by way of JSON, where NaN is null.
        kind: ``module`` or ``commonjs``.
    """
    if NODE is None:
        pytest.skip("node is not installed")
    given = json.loads(json.dumps(given), parse_constant=lambda _: None)
    modules = f"{VIEWER.as_uri()}/"
    result = subprocess.run(
        [NODE, f"--input-type={kind}"],
        input=f"const given = {json.dumps(given)};\n{source.replace('VIEWER/', modules)}",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def value_of(expression, *names, given=None):
    """What an expression is, as JSON has it, that has the page's modules ``names`` at hand.

    ``clock=moments`` is ``moments.js`` by the name ``clock``. Arrays of numbers are lists; of
    ``given``'s lists with null ``real`` makes such arrays with NaN.
    """
    source = ""
    for name in names:
        own, _, module = name.rpartition("=")
        own = own or module.replace("-", "_")
        source += f'import * as {own} from "VIEWER/{module}.js";\n'
    source += (
        "const plain = (_, v) => ArrayBuffer.isView(v) ? Array.from(v) : v instanceof Map"
        " ? [...v] : Object.is(v, -0) ? 0 : v;\n"
        "const real = (a, Kind = Float64Array) => Kind.from(a, (v) => v === null ? NaN : v);\n"
        f"console.log(JSON.stringify(({expression}), plain));"
    )
    return json.loads(printed(source, given=given))
