"""CONTRIBUTING's table of layers, held against every import in the code."""

import ast
import subprocess
import sys
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import latentviz
import latentviz.figures
import latentviz.tasks

ROOT = Path(__file__).parents[1]

# Each layer may import from itself and from those above it.
LAYERS = [
    (
        "ground",
        {
            *("arrays", "blas", "classes", "color", "deferral", "easing", "errors"),
            *("logistic", "markup", "palette", "points", "projection", "text", "theme"),
        },
    ),
    ("scene", {"scene"}),
    ("packing", {"packing"}),
    ("archive", {"archive"}),
    ("modules", {"modules"}),
    ("recording", {"recording"}),
    ("runs", {"runs"}),
    ("importing", {"importing"}),
    ("transforms", {"transforms"}),
    ("what to show", {"backend", "pacing", "reach", "views"}),
    ("pixels", {"raster"}),
    ("web", {"web"}),
    ("files", {"beside", "cache", "interruption", "files", "video", "figures", "comparison"}),
    ("tasks", {"tasks", "fingerprint"}),
    (
        "face",
        {
            *("film", "viewing", "watching", "media", "notebook", "cli", "pytest_plugin"),
            "__main__",
        },
    ),
    ("adapters", {"adapters"}),
]
LAYER_OF = {module: i for i, (_, modules) in enumerate(LAYERS) for module in modules}

# What a layer knows nothing of, though it stands above, or comes from elsewhere.
IGNORANT_OF = {
    "ground": {"torch", "matplotlib", "numba", "pyvista", "PIL", "rich", "click"},
    "scene": {"torch", "matplotlib", "numba", "pyvista", "PIL", "rich", "click"},
    "packing": {"scene", "torch", "matplotlib", "numba", "pyvista", "PIL", "rich", "click"},
    "archive": {
        "scene",
        "packing",
        "torch",
        "matplotlib",
        "numba",
        "pyvista",
        "PIL",
        "rich",
        "click",
    },
    "modules": {"scene", "archive", "matplotlib", "numba", "pyvista", "PIL", "rich", "click"},
    "recording": {"scene", "matplotlib", "numba", "pyvista", "PIL", "rich", "click"},
    "runs": {"scene", "recording", "matplotlib", "numba", "pyvista", "PIL", "rich", "click"},
    "importing": {"scene", "matplotlib", "numba", "pyvista", "PIL", "rich", "click"},
    "transforms": {
        "torch",
        "archive",
        "recording",
        "matplotlib",
        "numba",
        "pyvista",
        "PIL",
        "click",
    },
    "what to show": {"archive", "numba", "pyvista", "PIL", "rich", "click"},
    "pixels": {
        *("archive", "modules", "recording", "runs", "transforms", "views", "rich", "click"),
    },
    "web": {
        *("archive", "modules", "recording", "runs", "transforms", "views", "rich", "click"),
    },
    "files": {"recording", "rich", "click"},
    "tasks": {"recording", "rich", "click", "torch", "matplotlib", "numba"},
    "face": set(),
    "adapters": set(LAYER_OF) - {"errors", "recording", "adapters"},
}

TORCH = {"modules", "recording", "runs", "importing", "adapters"}
TRAINERS = {"lightning", "transformers", "accelerate"}
# Where others may take names from, and which. What `latentviz` has, its ground has too; pictures
# that are an experiment's own are drawn with what `latentviz.figures` says is for that.
PUBLIC_MODULES = {
    **dict.fromkeys(
        ["latentviz", "latentviz.color", "latentviz.easing", "latentviz.errors"],
        latentviz.__all__,
    ),
    "latentviz.figures": latentviz.figures.__all__,
    "latentviz.tasks": latentviz.tasks.__all__,
    # Adapters import their libraries, and so are imported by name only.
    "latentviz.adapters.transformers": ["RecorderCallback"],
}


@dataclass(frozen=True)
class Import:
    """`from module import name`, or `import module`."""

    module: str
    name: str | None
    at_top: bool  # outside of functions
    for_types: bool  # under `if TYPE_CHECKING:`


def imports(source, package):
    """All imports in a module of a package, wherever in it they stand."""
    found = []

    def visit(node, at_top, for_types):
        if isinstance(node, ast.Import):
            found.extend(Import(a.name, None, at_top, for_types) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level]
            module = ".".join([*(base if node.level else []), *filter(None, [node.module])])
            found.extend(Import(module, a.name, at_top, for_types) for a in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.body:
                visit(child, at_top, True)
            for child in node.orelse:
                visit(child, at_top, for_types)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                visit(child, at_top and not inside, for_types)

    visit(ast.parse(source), True, False)
    return found


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


def imports_of(path):
    return imports(path.read_text(), ".".join(path.relative_to(ROOT).parent.parts))


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda p: str(p.relative_to(ROOT)))


def own_module(path):
    """Which row of the table a file belongs to."""
    return path.relative_to(ROOT / "latentviz").parts[0].removesuffix(".py")


def target(an_import):
    """Which row of the table an import is of, or None if it is of another package."""
    parts = an_import.module.split(".")
    if parts[0] != "latentviz":
        return None
    return parts[1] if len(parts) > 1 else an_import.name


MODULES = [p for p in files("latentviz") if p != ROOT / "latentviz/__init__.py"]


def test_finding_imports():
    source = """
import a, b.c
from .. import d
from ..e import f
if TYPE_CHECKING:
    from torch import nn
else:
    import g
class C:
    import h
    def m(self):
        try:
            from .i import j
        except ImportError:
            import k
"""
    assert imports(source, "latentviz.raster") == [
        Import("a", None, True, False),
        Import("b.c", None, True, False),
        Import("latentviz", "d", True, False),
        Import("latentviz.e", "f", True, False),
        Import("torch", "nn", True, True),
        Import("g", None, True, False),
        Import("h", None, True, False),
        Import("latentviz.raster.i", "j", False, False),
        Import("k", None, False, False),
    ]


@each(MODULES)
def test_imports_go_up(path):
    assert own_module(path) in LAYER_OF, "give it a place in LAYERS, and in CONTRIBUTING's table"
    layer = LAYER_OF[own_module(path)]
    targets = {target(i) for i in imports_of(path)} - {None, "__version__"}
    assert {t for t in targets if LAYER_OF[t] > layer} == set()


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_files(path):
    """The files of latentviz that one needs, at once or when it is used; not those for types."""
    for an_import in imports_of(path):
        if not an_import.for_types:
            inner = f"{an_import.module}.{an_import.name}"
            yield inner if inner in FILES else an_import.module


def circle(needs):
    """A circle among modules, given what each needs; nothing if there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return error.args[1]
    return []


FILES = {module_name(path): path for path in files("latentviz")}


def test_finding_circles():
    assert circle({"a": {"b"}, "b": {"c", "json"}, "c": set()}) == []
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == {"b", "c"}
    needs = set(imported_files(FILES["latentviz.raster.clouds"]))
    assert {"latentviz.raster.lettering", "latentviz.raster.discs", "latentviz.theme"} <= needs


def test_files_do_not_import_each_other_in_a_circle():
    assert circle({module: set(imported_files(path)) for module, path in FILES.items()}) == []


@each(MODULES)
def test_a_layer_knows_nothing_of(path):
    layer, _ = LAYERS[LAYER_OF[own_module(path)]]
    known = {target(i) or i.module.split(".")[0] for i in imports_of(path) if not i.for_types}
    # The one thing of matplotlib's that a view may look up, when it is asked: a color map.
    if layer == "what to show" and own_module(path) != "backend":  # whose work that is
        maps = [i for i in imports_of(path) if i.module.startswith("matplotlib")]
        assert all((i.module, i.name, i.at_top) == ("matplotlib", "colormaps", False) for i in maps)
    assert known & IGNORANT_OF[layer] == set()


@each(MODULES)
def test_torch_is_imported_where_it_is_used_only(path):
    of_torch = [i for i in imports_of(path) if i.module.split(".")[0] == "torch"]
    assert not of_torch or own_module(path) in TORCH
    assert all(i.for_types or not i.at_top for i in of_torch)


def test_every_folder_of_code_is_a_package():
    # Only packages are built into a wheel; an editable install would not miss one.
    folders = {
        path.parent for top in ("latentviz", "trainers") for path in Path(ROOT, top).rglob("*.py")
    }
    assert [folder for folder in folders if not Path(folder, "__init__.py").exists()] == []


def test_what_adapters_import_is_listed():
    imported = {i.module.split(".")[0] for path in MODULES if own_module(path) == "adapters"
                for i in imports_of(path) if i.at_top and not i.for_types}  # fmt: skip
    assert imported - TRAINERS - set(sys.stdlib_module_names) - {"latentviz"} == set()


@each(MODULES)
def test_other_libraries_trainers_are_known_to_adapters_only(path):
    packages = {i.module.split(".")[0] for i in imports_of(path)}
    assert own_module(path) == "adapters" or packages & TRAINERS == set()


@each(MODULES)
def test_nothing_of_the_library_needs_the_experiments(path):
    packages = {i.module.split(".")[0] for i in imports_of(path)}
    assert packages & {"trainers", "gallery", "tests", "benchmarks"} == set()


@each(files("trainers") + files("gallery"))
def test_the_experiments_use_public_names_only(path):
    of_latentviz = [i for i in imports_of(path) if i.module.split(".")[0] == "latentviz"]
    private = [
        i
        for i in of_latentviz
        if i.name is not None and i.name not in PUBLIC_MODULES.get(i.module, ())
    ]
    assert private == []


def test_every_public_name_is_there():
    assert latentviz.__all__ == sorted(latentviz.__all__)
    for name in latentviz.__all__:
        assert getattr(latentviz, name) is not None
    assert dir(latentviz) == latentviz.__all__
    with pytest.raises(AttributeError, match="no attribute 'recorder_'"):
        _ = latentviz.recorder_


HEAVY = {"torch", "matplotlib", "numba", "pyvista", "rich", "PIL", "skimage"} | TRAINERS


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("latentviz.cli", HEAVY | {"numpy"}),
        ("latentviz.runs.opening", HEAVY),
        ("latentviz.recording", HEAVY),
        ("latentviz.views", HEAVY),
        ("latentviz.video.writer", HEAVY),
        ("latentviz.comparison", HEAVY),
        ("latentviz.pytest_plugin", HEAVY | {"numpy"}),
        ("latentviz.film.render", HEAVY - {"PIL"}),
    ],
)
def test_heavy_imports_wait(module, kept_out):
    code = f"import sys, {module}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(result.stdout.split())
    assert module in loaded
    assert loaded & kept_out == set()
