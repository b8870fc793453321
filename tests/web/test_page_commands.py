"""The command that a page gives for the film of what it shows; by node."""

from by_node import value_of

# A run of two panels. Its components are numbers 4, 1, 7 and 2 of all.
ROW = {
    "run": 0,
    "components": [{"index": index} for index in (4, 1, 7, 2)],
    "projections": [{}, {}],
}
WORDS = ["latentviz", "render", "it's.npz", "-o", "film.mp4", "--names", "x,y", "--trail", "2"]


def command(*panels, theme="dark", words=WORDS):
    """The command of a page that shows these components in its panels, and what is said of it."""
    found = value_of(
        """sharing.commandOf({
          document: given.document, view: () => ({ panels: given.panels }),
          store: { get: () => ({ theme: given.theme, touring: false }) },
        })""",
        "sharing",
        given={
            "document": {"rows": [ROW], "command": words},
            "panels": [{"dims": dims} for dims in panels],
            "theme": theme,
        },
    )
    return found["text"], found["note"]


def test_it_has_the_planes_by_their_own_numbers():
    text, note = command([0, 1], [3, 2], theme="light")
    assert text == (
        "latentviz render 'it'\\''s.npz' -o film.mp4 --names x,y --trail 2 "
        "--dims 4,1 --dims 2,7 --theme light"
    )
    assert note == ""


def test_it_is_one_command_for_several_runs():
    several = [*WORDS[:3], "b.npz", "c.npz", *WORDS[3:]]
    text, _ = command([0, 1], [0, 1], words=several)
    assert text == (
        "latentviz render 'it'\\''s.npz' b.npz c.npz -o film.mp4 --names x --trail 2 --dims 4,1"
    )


def test_it_names_no_panel_that_it_leaves_out():
    # Else the film would have more names than panels, which is an error.
    text, note = command([0, 1, 2], [3, 2])
    assert text.endswith("-o film.mp4 --names y --trail 2 --dims 2,7")
    assert "Turned panels are left out" in note
    assert command([0, 1, 2], [0, 1, 3])[0].endswith("-o film.mp4 --trail 2")
    # Two panels of one plane are one panel of the film.
    assert command([3, 2], [3, 2])[0].endswith("-o film.mp4 --names x --trail 2 --dims 2,7")
