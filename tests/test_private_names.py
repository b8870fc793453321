"""A name that begins with an underscore is its own file's: nothing else imports or touches it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("latentviz", "trainers", "gallery", "benchmarks", "tests")

TORCH = {"_buffers", "_modules"}  # a module's own, which we have variables of the same name for


def is_private(name):
    # What has underscores at both ends is Python's, or a protocol's such as `_repr_html_`.
    return name.startswith("_") and not name.endswith("_")


def defined(tree):
    """The private names that a file gives to what it holds, and to attributes of its classes."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) in ("self", "cls")
        ):
            names.add(node.attr)
    return set(filter(is_private, names))


def touched(tree):
    """The private names that a file imports, takes from something, or gives to `setattr`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("setattr", "getattr")):
            texts = (a.value for a in node.args if isinstance(a, ast.Constant))
            yield from (name for t in texts if isinstance(t, str) for name in t.split("."))


def foreign(tree, ours):
    """The private names of ours that a file touches, and that are not its own."""
    return set(filter(is_private, touched(tree))) & ours - defined(tree)


@pytest.mark.parametrize(
    "source",
    [
        *("from a import _b", "a._b", "a.b._b()", "a._b = 1"),
        *('setattr(a, "_b", 1)', 'patch.setattr("a._b", 1)'),
    ],
)
def test_finding_what_is_touched(source):
    assert foreign(ast.parse(source), {"_b", "_c"}) == {"_b"}
    assert foreign(ast.parse(source), {"_c"}) == set()


@pytest.mark.parametrize("source", ["_b = 1", "def _b(): ...", "class _b: ...", "self._b = 1"])
def test_what_is_a_file_s_own(source):
    assert foreign(ast.parse(f"{source}\nself._b"), {"_b"}) == set()


def test_no_private_name_leaves_its_file():
    paths = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    trees = {path: ast.parse(path.read_text()) for path in paths}
    ours = {name for tree in trees.values() for name in defined(tree)} - TORCH
    found = {
        (str(path.relative_to(ROOT)), name)
        for path, tree in trees.items()
        for name in foreign(tree, ours)
    }
    assert found == set()
