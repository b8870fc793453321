"""What members are called: each name is read as it was made, and made in one place."""

import ast
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from latentviz.archive import format as f
from latentviz.archive import schema as s
from latentviz.errors import ArchiveError

ROOT = Path(__file__).parents[2]

texts = st.text(st.characters(exclude_categories=()), min_size=1)
numbers = st.one_of(st.integers(0, 2_000_000), st.integers(0, 10**30))
curve_groups = st.sampled_from(s.CURVES)
final_groups = st.sampled_from([s.STATES, s.LATENTS, s.LOSSES, s.METRICS])
parts = st.one_of(
    st.builds(s.inputs_part, st.none() | texts),
    st.builds(s.labels_part, texts),
)

# What makes a name, of what; and as what it is taken apart: its group, chunk and rest, of the same.
MADE = {
    "header": (st.tuples(), lambda: s.HEADER, lambda: ("header", None, "")),
    "manifest": (st.tuples(), lambda: s.MANIFEST, lambda: ("manifest", None, "")),
    "steps": (st.tuples(numbers), s.steps_member, lambda c: ("steps", c, "")),
    "list": (st.tuples(numbers), s.list_member, lambda c: ("chunks", c, "")),
    "state": (st.tuples(numbers, texts), s.state_member, lambda c, name: ("states", c, name)),
    "latents": (st.tuples(numbers, texts), s.latents_member, lambda c, name: ("latents", c, name)),
    "curve": (st.tuples(curve_groups, numbers, texts), s.curve_member, lambda *made: made),
    "gaps": (
        st.tuples(curve_groups, numbers, texts),
        s.gaps_member,
        lambda group, c, name: ("gaps", c, f"{group}/{name}"),
    ),
    "batch": (
        st.tuples(numbers, st.just(s.OFFSETS) | parts | st.builds(s.shapes_part, parts)),
        s.batch_member,
        lambda c, part: ("batches", c, part),
    ),
    "probe": (
        st.tuples(st.none() | texts),
        s.probe_member,
        lambda name: ("probe", None, "inputs" if name is None else f"inputs/{name}"),
    ),
    "colors": (st.tuples(), lambda: s.PROBE_COLORS, lambda: ("probe", None, "colors")),
    "final": (
        st.tuples(final_groups, texts),
        s.final_member,
        lambda group, name: ("final", None, f"{group}/{name}"),
    ),
}


@pytest.mark.parametrize("kind", MADE)
def test_every_name_is_taken_apart_into_what_made_it(kind):
    strategy, make, expected = MADE[kind]

    @given(strategy)
    def check(given_parts):
        name = make(*given_parts)
        parsed = s.parse_name(name)
        assert parsed == expected(*given_parts)
        assert str(parsed) == name

    check()


@given(curve_groups, numbers, texts)
def test_a_rest_is_a_kind_and_a_name(group, chunk, text):
    gaps = s.parse_name(s.gaps_member(group, chunk, text))
    assert (gaps.kind, gaps.name) == (group, text)
    final = s.parse_name(s.final_member(group, text))
    assert (final.kind, final.name) == (group, text)
    labels = s.parse_name(s.batch_member(chunk, s.labels_part(text)))
    assert (labels.kind, labels.name) == ("labels", text)
    shapes = s.parse_name(s.batch_member(chunk, s.shapes_part(s.labels_part(text))))
    assert (shapes.kind, shapes.name) == ("shapes", s.labels_part(text))
    one = s.parse_name(s.probe_member())
    assert (one.kind, one.name) == ("inputs", "")


OTHER_ZEROS = "\u0660" * 6  # digits, but not ASCII's
near_names = st.lists(
    st.sampled_from(["states", "probe", "/", "000000", "0000000", "1000000", OTHER_ZEROS, "x"])
).map("".join)


@given(st.text() | near_names)
@example("states/000000/")
@example("states/000000")
@example("header/")
@example("/")
@example(f"states/{OTHER_ZEROS}")
@example("states/0000000/w")
def test_any_name_is_put_together_again_and_so_no_two_are_taken_apart_alike(name):
    assert str(s.parse_name(name)) == name


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        (s.steps_member(0), "steps/000000"),
        (s.list_member(1_000_000), "chunks/1000000"),
        (s.state_member(12, "encoder.0.weight"), "states/000012/encoder.0.weight"),
        (s.batch_member(0, s.OFFSETS), "batches/000000/offsets"),
        (s.batch_member(0, s.inputs_part()), "batches/000000/inputs"),
        (s.batch_member(0, s.shapes_part(s.labels_part("a"))), "batches/000000/shapes/labels/a"),
        (s.batch_member(0, s.labels_part("red")), "batches/000000/labels/red"),
        (s.latents_member(0, "a/b"), "latents/000000/a/b"),
        (s.curve_member(s.LOSSES, 0, "β·KL"), "losses/000000/%CE%B2%C2%B7KL"),
        (s.gaps_member(s.PARAMS, 0, "lr"), "gaps/000000/params/lr"),
        (s.probe_member(), "probe/inputs"),
        (s.probe_member("mask"), "probe/inputs/mask"),
        (s.PROBE_COLORS, "probe/colors"),
        (s.final_member(s.STATES, "w"), "final/states/w"),
        (s.final_member(s.METRICS, "f1"), "final/metrics/f1"),
        (s.HEADER, "header"),
        (s.MANIFEST, "manifest"),
    ],
)
def test_names_are_spelled_as_the_format_says(name, stored):
    assert f.stored_name(name) == stored


@pytest.mark.parametrize("name", ["", "a" * 201, "損" * 23])
def test_a_name_that_no_member_can_have_is_refused(name):
    with pytest.raises(ArchiveError, match="cannot name a member"):
        s.check_name(name, s.curve_member(s.LOSSES, 0, name))


# --- lists of members

crcs = st.dictionaries(texts, st.integers(0, 2**32 - 1), max_size=3)
steps = st.integers(0, f.MAX_STEP)
entries = st.builds(s.ChunkEntry, st.tuples(steps, steps), st.integers(1, f.MAX_STEP), crcs)
manifests = st.builds(s.Manifest, st.sampled_from(f.READABLE), st.lists(entries, max_size=3), crcs)


@given(entries)
def test_a_chunk_s_entry_reads_back_equal(entry):
    # As JSON reads names: two halves of a character are one.
    names = {f.whole_text(name): crc for name, crc in entry.members.items()}
    back = s.ChunkEntry.parse(json.loads(json.dumps(entry.to_json())))
    assert back == s.ChunkEntry(entry.steps, entry.count, names)


@given(manifests)
def test_a_manifest_reads_back_equal(manifest):
    back = s.Manifest.parse(json.loads(json.dumps(manifest.to_json())))
    assert back.to_json() == json.loads(json.dumps(manifest.to_json()))
    assert back.n_steps == sum(chunk.count for chunk in manifest.chunks)


# --- names that are made elsewhere

GROUPS = s.OF_CHUNKS | {s.PROBE, s.FINAL}
PARTS = {s.INPUTS, s.LABELS, s.SHAPES}


def made_by_hand(tree):
    """The strings in a file that are, or begin, a member's name; but for docs and messages."""
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            if any("chunk_id(" in ast.unparse(part) for part in node.values):
                yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            group, slash, rest = node.value.partition("/")
            is_name = slash and group in GROUPS | PARTS and " " not in rest
            if id(node) not in docs and (is_name or node.value == s.MANIFEST):
                yield node.value


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('read("probe/inputs")', ["probe/inputs"]),
        ('f"states/{c:06d}/{name}"', ["states/"]),
        ('name.startswith("final/")', ["final/"]),
        ('rest.removeprefix("labels/")', ["labels/"]),
        ('read("manifest")', ["manifest"]),
        ('f"{group}/{chunk_id(c)}"', ["f'{group}/{chunk_id(c)}'"]),
        ('"""states/C/TENSOR"""', []),
        ('raise ValueError("steps/second or states / names")', []),
        ("state_member(c, name)", []),
    ],
)
def test_finding_names_that_are_made_by_hand(source, found):
    assert list(made_by_hand(ast.parse(source))) == found


def test_names_are_made_by_schema_alone():
    sources = {str(p.relative_to(ROOT)): p.read_text() for p in (ROOT / "latentviz").rglob("*.py")}
    found = {name: list(made_by_hand(ast.parse(source))) for name, source in sources.items()}
    assert found.pop("latentviz/archive/schema.py") == [s.MANIFEST]
    assert {name: names for name, names in found.items() if names} == {}
