import pytest
import torch

from latentviz.errors import OptionError
from trainers.regularizers import (
    Anchor,
    AngularAnchor,
    AntiAnchor,
    Planar,
    Regularizer,
    Separate,
    Unitarity,
)

X = (1.0, 0.0, 0.0, 0.0)


def latents(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def test_anchor_is_the_squared_distance_to_a_point():
    anchor = Anchor(X)
    # (2-1)² + 3² = 10
    assert anchor(latents([1, 0, 0, 0], [2, 0, 3, 0])).tolist() == [0, 10]


def test_angular_anchor_is_one_less_the_cosine_whatever_the_lengths():
    # Along, across, against; and (3, 4)·(2, 0)/(5·2) = 0.6.
    z = latents([2, 0], [0, 3], [-1, 0], [3, 4])
    assert AngularAnchor((2.0, 0.0))(z).tolist() == pytest.approx([0, 1, 2, 0.4])


def test_anti_anchor_repels_from_the_half_of_the_sphere_that_is_near_or_from_all_of_it():
    z = latents([2, 0], [0, 3], [-1, 0], [3, 4], [-3, 4])
    # Cosines: 1, 0, -1, 0.6, -0.6.
    assert AntiAnchor((2.0, 0.0))(z).tolist() == pytest.approx([1, 0, 0, 0.6, 0])
    assert AntiAnchor((2.0, 0.0), whole_sphere=True)(z).tolist() == pytest.approx(
        [1, 0.5, 0, 0.8, 0.2]
    )


@pytest.mark.parametrize("kind", [AngularAnchor, AntiAnchor])
@pytest.mark.parametrize("direction", [(0.0, 0.0), (float("nan"), 1.0), ()])
def test_a_direction_must_point_somewhere(kind, direction):
    with pytest.raises(OptionError, match="finite coordinates that are not all 0, got"):
        kind(direction)


def test_planar_is_the_squared_length_beyond_the_first_two_components():
    assert Planar()(latents([5, 6, 0, 0], [1, 1, 2, -3])).tolist() == [0, 13]


def test_unitarity_is_the_squared_difference_of_the_length_to_one():
    # (5-1)², (0-1)², (1-1)²
    assert Unitarity()(latents([3, 4], [0, 0], [0, 1])).tolist() == [16, 1, 0]


def test_separate_sums_powers_of_the_cosine_to_every_other_sample():
    # Cosines: (1,0)·(3,4)/5 = 0.6, (1,0)·(0,2)/2 = 0, (3,4)·(0,2)/10 = 0.8.
    z = latents([1, 0], [3, 4], [0, 2])
    assert Separate(power=2, shift=False)(z).tolist() == pytest.approx([0.36, 1.0, 0.64])
    # Shifted: 0.8, 0.5, 0.9, and their third powers.
    assert Separate(power=3, shift=True)(z).tolist() == pytest.approx(
        [0.512 + 0.125, 0.512 + 0.729, 0.125 + 0.729]
    )


@pytest.mark.parametrize("shift", [False, True])
def test_separate_counts_neither_self_nor_duplicates(shift):
    separate = Separate(power=10, shift=shift)
    assert separate(latents([1, 2], [1, 2], [2, 4])).tolist() == [0, 0, 0]
    # A latent of length 0 has cosine 0 with all, itself included.
    assert separate(latents([0, 0])).tolist() == [0]


def test_separate_has_opposites_count_only_unshifted():
    z = latents([1, 0], [-1, 0])
    assert Separate(power=10, shift=False)(z).tolist() == [1, 1]
    assert Separate(power=10, shift=True)(z).tolist() == [0, 0]


@pytest.mark.parametrize(
    "loss",
    [
        Anchor(X),
        AngularAnchor(X),
        AntiAnchor(X),
        AntiAnchor(X, whole_sphere=True),
        Separate(10, False),
        Separate(10, True),
        Planar(),
        Unitarity(),
    ],
)
def test_gradients_are_finite_even_where_latents_coincide_or_vanish(loss):
    z = latents([0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [-1, 0, 0, 0]).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(z).sum(), z)
    assert gradient.isfinite().all()


def length(z):
    return z.sum(-1)


def test_a_term_without_affinities_is_the_mean():
    term = Regularizer("r", length).term(latents([1], [2], [6]), {})
    assert term.item() == pytest.approx(3)


def test_a_term_weighs_samples_by_their_labels():
    regularizer = Regularizer("r", length, {"red": 1.0, "vibrant": 0.5})
    labels = {"red": torch.tensor([0.0, 0.5, 0.25]), "vibrant": torch.tensor([0.0, 0.0, 1.0])}
    # a = 0, 0.5, 0.75: (0.5·2 + 0.75·6) / 1.25 = 4.4
    assert regularizer.term(latents([1], [2], [6]), labels).item() == pytest.approx(4.4)


def test_affinities_are_clamped_to_0_and_1():
    regularizer = Regularizer("r", length, {"red": 3.0, "dull": -1.0})
    labels = {"red": torch.tensor([1.0, 0.0, 0.2]), "dull": torch.tensor([0.0, 1.0, 0.1])}
    # 3, -1, 0.5 clamp to 1, 0, 0.5: (1·1 + 0.5·6) / 1.5
    assert regularizer.term(latents([1], [2], [6]), labels).item() == pytest.approx(4 / 1.5)


def test_next_to_no_affinity_does_not_blow_up():
    regularizer = Regularizer("r", length, {"red": 1.0})
    # a = 1e-8: 1e-8·4 / (1e-8 + 1e-8)
    term = regularizer.term(latents([4]), {"red": torch.tensor([1e-8])})
    assert term.item() == pytest.approx(2)


def test_a_scalar_loss_stands_for_every_sample():
    def spread(z):
        return z.max() - z.min()

    z, labels = latents([1], [2], [6]), {"red": torch.tensor([0.0, 1.0, 0.5])}
    assert Regularizer("r", spread).term(z, {}).item() == pytest.approx(5)
    assert Regularizer("r", spread, {"red": 1.0}).term(z, labels).item() == pytest.approx(5)


def test_a_term_is_skipped_where_no_label_matches_or_all_are_0():
    z, zeros = latents([1], [2]), torch.zeros(2)
    regularizer = Regularizer("r", length, {"red": 1.0})
    assert regularizer.term(z, {}) is None
    assert regularizer.term(z, {"vibrant": torch.ones(2)}) is None
    assert regularizer.term(z, {"red": zeros}) is None
    # Labels that only count against it, too.
    assert Regularizer("r", length, {"red": -1.0}).term(z, {"red": torch.ones(2)}) is None
