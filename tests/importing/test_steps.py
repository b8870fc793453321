import pytest

from latentviz.importing.steps import in_order, step_in


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint-500", 500),
        ("step_00500", 500),
        ("epoch=3-step=1200", 1200),
        ("epoch=3-step=1200-v1", 1200),
        ("epoch=09-val_loss=0.32", 9),
        ("step=40-loss=7", 40),
        ("model_v2_100", 100),
        ("lr=1e-4-100", 100),
        ("model.0100", 100),
        ("1000steps", 1000),
        ("last", None),
        ("loss-0.5", None),
    ],
)
def test_a_name_tells_its_step(name, step):
    assert step_in(name) == step


def test_names_are_sorted_as_people_count():
    assert sorted(["b10", "b9", "a", "b"], key=in_order) == ["a", "b", "b9", "b10"]
