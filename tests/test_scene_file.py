"""A film as a file: every option, there and back, and what is wrong with it in a line."""

import hashlib
import shlex

import numpy as np
import pytest

from latentviz import Film, FilmSpec, OptionError, SceneFile, open_run, read_scene
from latentviz.film.options import options_of
from latentviz.film.scene_file import OTHERS, SPECS
from latentviz.film.work import WorkSpec

# What the command line could say for each option.
WORDS = {
    "dims": ["0,1", "2,3"],
    "names": "hue,tint",
    "titles": "one,two",
    "title": "A title",
    "heading": "on",
    "charts": "off",
    "captions": [":5:first: words", "5:9:second"],
    "project": "pca@final",
    "center": "step",
    "size": "640x360",
    "frames": "12",
    "pace": "geometric:4",
    "steps": "2:",
    "blur": "shutter",
    "shutter": "90",
    "interpolate": True,
    "turn": "8",
    "alpha": "0.5",
    "dot_radius": "0.2",
    "limits": "2.5",
    "plate": "off",
    "show": ["explained"],
    "theme": "light",
    "ground": "white",
    "colormap": "magma",
    "label": ["3,17", "all"],
    "highlight": ["4"],
    "trail": "7",
    "points": ["rows:embed.weight"],
    "layer": "encoder",
    "run_names": "a,b",
    "align": "fraction",
    "register": "final",
    "fps": "30000/1001",
    "crf": "30",
    "preset": "veryfast",
    "quality": "50",
    "loop": "2",
    "hold": "0.5",
    "threads": "2",
    "jobs": "1",
    "dask": "local:2",
    "resume": True,
    "keep_parts": True,
    "segments": "0:4",
}
NEEDS = {  # what an option is refused without
    "shutter": {"blur": "shutter"},
    "align": {},
}


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, int | float):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def each_option():
    for spec in SPECS:
        for name, about in options_of(spec).items():
            yield pytest.param(spec, name, about, id=name)


def write(folder, text):
    path = folder / "film.toml"
    path.write_text(text, "utf-8")
    return path


def test_all_options_are_tried():
    assert set(WORDS) == {name for spec in SPECS for name in options_of(spec)}


@pytest.mark.parametrize(("spec", "name", "about"), [*each_option()])
def test_every_option_of_the_command_can_stand_in_a_file(tmp_path, spec, name, about):
    words = WORDS[name]
    numbers = about.parse in (int, float)
    value = about.parse(words) if numbers else words
    needed = NEEDS.get(name, {})
    lines = [f"{about.flag or name} = {toml(value)}"]
    lines += [f"{other} = {toml(needed[other])}" for other in needed]
    scene = read_scene(write(tmp_path, "\n".join(lines)))
    given = [about.parse(word) for word in words] if isinstance(words, list) else about.parse(words)
    expected = spec(**{name: given, **needed})
    (found,) = (each for each in (scene.film, scene.encoding, scene.work) if type(each) is spec)
    assert found == expected
    # And as it is written down, it is read again.
    again = read_scene(write(tmp_path, scene.dump()))
    assert (again.film, again.encoding, again.work) == (scene.film, scene.encoding, scene.work)


COMMANDS = [
    "--dims 0,1 --theme light",
    "--dims 0,1 --dims 2,3 --names 'hue,\"tint\"' --pace linear:20",
    "--frames 9 --alpha 0.4 --dot-radius 0.2 --limits 2 --plate off",
    "--caption ':40:it grows' --caption '40::it settles' --frames 6",
    "--project pca --center step --frames 5 --title 'Ünïcode \\\\ \"quoted\"'",
    "--highlight 3,5 --trail 4 --label 3 --frames 8",
    "--blur shutter --shutter 120 --frames 7 --heading off",
    "--interpolate --steps 3:9 --frames 12 --charts off",
    "--dims 1,0,2 --dims 0,1 --turn 3 --frames 9",
    "--layer encoder --colormap magma --ground white --frames 6",
    "--pace geometric:3 --titles off --show explained --project pca --frames 5",
]


@pytest.mark.parametrize("words", COMMANDS)
def test_what_is_dumped_gives_the_same_frames(short_run, tmp_path, invoke, words):
    words = [*shlex.split(words), "--size", "640x360"]
    text = invoke("render", short_run, *words, "--dump-scene").output
    scene = read_scene(write(tmp_path, text))
    hashes = tmp_path / "hashes"
    invoke("render", short_run, *words, "-o", tmp_path / "f.mp4", "--frame-hashes", hashes)
    with open_run(short_run) as run:
        film = Film(run, scene.film)
        found = [
            hashlib.sha256(np.ascontiguousarray(film.draw(k).transpose(1, 2, 0)).data).hexdigest()
            for k in range(len(film))
        ]
    assert hashes.read_text().split() == found


def test_paths_are_relative_to_the_file(short_run, tmp_path, invoke):
    folder = tmp_path / "scenes"
    folder.mkdir()
    (tmp_path / "run.npz").write_bytes(short_run.read_bytes())
    np.save(tmp_path / "m.npy", np.eye(4)[:, :2].astype(np.float32))
    scene = write(
        folder,
        'runs = ["../run.npz"]\noutput = "film.gif"\nproject = "matrix:../m.npy"\n'
        'size = "320x180"\nframes = 4\n',
    )
    told = invoke("render", "--scene", scene).output
    assert (folder / "film.gif").is_file()
    assert "film.gif" in told
    film = read_scene(scene).render()
    assert len(film) == 4


def test_the_command_line_wins(short_run, tmp_path, invoke):
    scene = write(tmp_path, f"runs = [{toml(str(short_run))}]\nframes = 4\ntheme = 'light'\n")
    hashes = tmp_path / "hashes"
    words = ["-o", tmp_path / "f.gif", "--size", "320x180", "--frames", "6"]
    invoke("render", "--scene", scene, *words, "--frame-hashes", hashes)
    assert len(hashes.read_text().split()) == 6
    dumped = invoke("render", "--scene", scene, "--theme", "dark", "--dump-scene").output
    assert 'theme = "dark"' in dumped
    assert "frames = 4" in dumped
    other = tmp_path / "frame.png"
    invoke("frame", "--scene", scene, "-o", other, "--size", "320x180")
    assert other.is_file()
    assert "no run is named" in invoke("render", "-o", "x.mp4", status=2).output
    assert "no output is named" in invoke("render", "--scene", scene, status=2).output


def test_several_runs_and_a_draft(short_run, tmp_path, invoke):
    run = toml(str(short_run))
    text = f"runs = [{run}, {run}]\nrun_names = ['a', 'b']\ndraft = true\noutput = 'f.mp4'\n"
    scene = read_scene(write(tmp_path, text))
    assert scene.film.size == (1280, 720)
    assert scene.encoding.preset == "draft"
    assert len(scene.runs) == 2
    with pytest.raises(OptionError, match="no output"):
        SceneFile({"runs": (short_run,)}).render()
    with pytest.raises(OptionError, match="no runs"):
        SceneFile({"output": tmp_path / "f.mp4"}).render()


MALFORMED = [
    ("dims = [[0, 1]", "is no TOML: Unclosed array"),
    ("size = 640x360", "is no TOML"),
    ('dmis = ["0,1"]', "unknown key 'dmis'; did you mean dims?"),
    ("dot-radius = 0.1", "unknown key 'dot-radius'; did you mean dot_radius?"),
    ("captions = []", "unknown key 'captions'; did you mean caption?"),
    ("[film]\nsize = '640x360'", "unknown key 'film'"),
    ("xyzzy = 1", "unknown key 'xyzzy'; known are runs, output"),
    ("size = '641x360'", "size must be even"),
    ("size = 640", "size must be"),
    ("frames = 'many'", "frames must be a whole number"),
    ("frames = 0", "frames must lie within 1 to"),
    ("alpha = 2", "alpha must be above 0"),
    ("theme = 'blue'", "theme must be one of dark, light"),
    ("dims = ['0;1']", "dims must be two dimensions"),
    ("steps = '9:x'", "steps must be A:B"),
    ("pace = 'bezire'", "pace"),
    ("runs = 'run.npz'", "runs must be a list of paths"),
    ("output = 3", "output must be a path"),
    ("interpolate = 'yes'", "interpolate must be True or False"),
    ("[[caption]]\ntexts = 'x'", "a caption is a table with steps"),
    ("caption = 3", "a caption is a table with steps"),
    ("[[caption]]\nsteps = [5, 2]\ntext = 'x'", "caption.*5:2 holds none"),
    ("shutter = 90", "shutter is of blur shutter"),
    ("overwrite = 1", "overwrite must be True or False"),
    ("fps = 'fast'", "fps"),
]


@pytest.mark.parametrize(("text", "message"), MALFORMED)
def test_what_is_wrong_is_said_in_a_line(tmp_path, invoke, text, message):
    path = write(tmp_path, text)
    with pytest.raises(OptionError, match=message.replace("?", r"\?")) as caught:
        read_scene(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    invoke("render", "--scene", path, status=2)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path, invoke):
    assert "cannot be read" in invoke("render", "--scene", tmp_path / "no.toml", status=2).output
    path = tmp_path / "film.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OptionError, match="cannot be read: it is no text in UTF-8"):
        read_scene(path)


def test_what_no_text_says_is_not_written_down():
    scene = SceneFile({"project": np.eye(3, 2)})
    with pytest.raises(OptionError, match=r"project is .*, which cannot be written down"):
        scene.dump()
    assert (
        set(OTHERS) & {name for spec in (FilmSpec, WorkSpec) for name in options_of(spec)} == set()
    )
