import numpy as np
import pytest
import torch

from latentviz import Run, Schedule
from latentviz.arrays import numbers_of
from latentviz.classes import are_names, codes_of
from latentviz.errors import OptionError

LATENTS = np.arange(2 * 5 * 3, dtype=np.float64).reshape(2, 5, 3)
RAGGED = [[1.0, 2.0], [3.0]]
SPARSE = torch.eye(3).to_sparse()
# Each with what its error says.
NO_NUMBERS = {
    "text": (["a", "b"], "must be numbers, got text"),
    "one text": ("a", "must be numbers, got text"),
    "bytes": ([b"a", b"b"], "must be numbers, got bytes"),
    "none": (None, "must be numbers, got None among them"),
    "none inside": ([[1.0, None]], "must be numbers, got None among them"),
    "ragged": (RAGGED, "must be an array, got rows that differ in length or depth"),
    "masked": (np.ma.masked_less([1.0, 2.0], 2), "but some of it is masked; fill it"),
    "complex": (np.ones(2, complex), "must be numbers, got complex128; give .real and .imag apart"),
    "complex objects": (np.array([1j], object), "must be numbers, got 1j among them"),
    "dates": (np.array(["2024-01-01"], "M8[D]"), "must be numbers, got dates"),
    "object": (object(), "must be numbers, got <object"),
    "dictionary": ({"a": 1}, "must be numbers, got {'a': 1} among them"),
    "sparse": (SPARSE, "must be what NumPy takes for an array, got Tensor (can't convert Sparse"),
    "records": (np.zeros(2, [("x", float)]), "must be numbers, got [('x', '<f8')]"),
    "too large": ([10**400], "must be numbers that a float64 can hold"),
}


def message_of(call):
    try:
        said = f"accepted: {call()}"
    except OptionError as error:
        said = str(error)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("what", ["latents", "colors", "steps"])
def test_what_is_no_array_of_numbers_is_refused_in_a_line(what):
    of_names = {"text": "got (2,)", "one text": "a single one"} if what == "colors" else {}
    for case, (value, expected) in NO_NUMBERS.items():
        if what != "latents" and case == "none":
            continue  # the default
        given = {"latents": LATENTS} | {what: value}
        said = message_of(lambda given=given: Run.from_arrays(**given))
        assert of_names.get(case, expected) in said, case


@pytest.mark.parametrize("what", ["params", "losses", "Schedule"])
def test_a_curve_that_is_no_array_of_numbers_is_refused_in_a_line(what):
    # These are gaps; and of the wrong shape.
    gaps = {"none": [None], "none inside": [None], "masked": NO_NUMBERS["masked"][0][:1]}
    for case, (value, expected) in NO_NUMBERS.items():
        curves = {"lr": gaps.get(case, value)}
        if what == "Schedule":
            said = message_of(lambda given=curves: Schedule("s", np.arange(2), given))
        else:
            said = message_of(lambda given=curves: Run.from_arrays(LATENTS, **{what: given}))
        assert said.startswith(("curve 'lr' ", "property 'lr' ")), case
        assert ("one value a step, got " if case in gaps else expected) in said, case


STEPS = [
    ([0, np.nan], "nan among them"),
    ([0, np.inf], "inf among them"),
    ([0, 1.5], "1.5 among them"),
    ([0, 2**53 + 1], "within 9007199254740992, got 9007199254740993 among them"),
    ([-(2**63), 0], "within 9007199254740992, got -9223372036854775808 among them"),
    (np.array([0, 2**64 - 1], np.uint64), "got 18446744073709551615 among them"),
    ([0, 2**70], "within 9007199254740992, got"),
    ([5, 3], "got 5 before 3"),
    (np.array([5, 3], np.uint8), "got 5 before 3"),
    ([3, 3], "got 3 before 3"),
    ([False, True], "got bool"),
    ([0], "got shape (1,)"),
    ([[0, 1]], "got shape (1, 2)"),
]


def test_steps_are_whole_numbers_that_increase():
    for steps, expected in STEPS:
        said = message_of(lambda steps=steps: Run.from_arrays(LATENTS, steps=steps))
        assert said.startswith("steps must be (2,) increasing whole numbers"), steps
        assert expected in said, steps


REFUSED = [
    ({"actions": 5}, "actions must be pairs of a step and a name"),
    ({"phases": [5]}, "phases must be pairs of a step and a name"),
    ({"phases": [(None, "warm-up")]}, "phases: a step must be a whole number, got None"),
    ({"phases": [("a", "b")]}, "phases: a step must be a whole number, got 'a'"),
    ({"phases": {0: "a"}}, "phases must be pairs"),
    ({"keyframes": 5}, "keyframes must be steps by the names of properties"),
    ({"keyframes": {"lr": [None]}}, "keyframes of 'lr': a step must be a whole number"),
    ({"params": [[1, 2]]}, "params must be arrays by their names"),
    ({"params": {5: [1, 2]}}, "params must be arrays by their names"),
    ({"losses": "loss"}, "losses must be arrays by their names"),
    ({"name": 5}, "a run's name must be text, got int"),
    ({"colors": [0, 1]}, "colors must be (5, 3) RGB or (5,) labels, names or scalars, got (2,"),
    ({"colors": ["a", 1, "b", "c", "d"]}, "must be all names or all numbers, got 1 among"),
    ({"colors": [["a"] * 5]}, "labels that are names must be (N,), one for each point, got"),
]


def test_other_arguments_are_refused_in_a_line():
    for options, expected in REFUSED:
        said = message_of(lambda given=options: Run.from_arrays(LATENTS, **given))
        assert expected in said, options


REFUSED_BY_SCHEDULES = [
    ({"name": None}, "a schedule's name must be text"),
    ({"params": 5}, "params must be arrays by their names"),
    ({"actions": 5}, "actions must be pairs"),
    ({"phases": [(0.5, "a")]}, "phases: a step must be a whole number, got 0.5"),
    ({"keyframes": [0]}, "keyframes must be steps"),
    ({"steps": [0, np.nan]}, "a schedule's steps must be (T,) increasing whole numbers"),
    ({"steps": None}, "a schedule's steps must be numbers, got None"),
    ({"gaps": {"lr": ["a", "b"]}}, "gaps of property 'lr' must be numbers, got text"),
    ({"gaps": {"lr": [0, 1]}}, "gaps of property 'lr' must be bool, got int64"),
]


def test_a_schedule_of_wrong_types():
    for options, expected in REFUSED_BY_SCHEDULES:
        given = {"name": "s", "steps": [0, 1], "params": {"lr": [1, 2]}} | options
        assert expected in message_of(lambda given=given: Schedule(**given)), options
    assert Schedule("s", [0, 1], params=None).params == {}


def test_what_numpy_takes_is_converted():
    expected = LATENTS.astype(np.float32)
    tensor = torch.tensor(LATENTS, requires_grad=True)
    negated = torch.complex(torch.zeros(2, 5, 3), -torch.tensor(expected)).conj().imag
    for latents in (
        LATENTS.astype(">f8"), LATENTS.tolist(), tensor, tensor.detach().bfloat16(), negated,
        np.ma.array(LATENTS), LATENTS.astype(object),
    ):  # fmt: skip
        run = Run.from_arrays(
            latents,
            steps=np.array([3.0, 7.0], ">f2"),
            colors=np.arange(5).astype(">i4"),
            params={"lr": torch.tensor([1, 2])},
        )
        np.testing.assert_array_equal(run.latents(), expected)
        assert run.colors.dtype == np.int32
        assert (run.steps.dtype, run.steps.tolist()) == (np.int64, [3, 7])
        assert run.params["lr"].dtype == np.float64
    whole = Schedule("s", [0, 2.0], {"lr": [None, 1]}, phases=[(np.int8(1), "a")])
    assert whole.gaps_of("lr").tolist() == [True, False]
    assert (whole.steps.dtype, whole.phases) == (np.int64, [(1, "a")])
    assert numbers_of("x", [True, False]).dtype == bool


@pytest.mark.parametrize(
    "labels",
    [
        ["dog", "cat", "dog", "ant", "cat"],
        np.array(["dog", "cat", "dog", "ant", "cat"]),
        np.array(["dog", "cat", "dog", "ant", "cat"], object),
        ("dog", "cat", "dog", "ant", "cat"),
    ],
)
def test_labels_that_are_names_are_classes(labels):
    run = Run.from_arrays(LATENTS, colors=labels)
    assert run.class_names == ("ant", "cat", "dog")
    assert (run.colors.dtype, run.colors.tolist()) == (np.int64, [2, 1, 2, 0, 1])
    codes, names = codes_of(labels)
    assert [names[code] for code in codes] == list(labels)
    assert Run.from_arrays(LATENTS, colors=run.colors).class_names is None


def test_what_are_names():
    assert are_names(["a"])
    assert are_names("a")
    assert are_names([1, "a"])
    for labels in ([1], 1, None, torch.zeros(2), np.zeros(2), range(3), RAGGED, SPARSE):
        assert not are_names(labels)
