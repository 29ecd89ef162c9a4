"""What measures take where nothing is said, and the ends of what may be given."""

import numpy as np
import pytest
import torch

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure import (
    Judge,
    Verdict,
    authentic,
    choose_alternatives,
    class_activation_maps,
    cohens_kappa,
    copying_ratio,
    copying_z,
    density_and_coverage,
    diversity_ratio,
    find_blobs,
    floor_of_real,
    frame_orders,
    frechet_distance,
    frozen_order,
    iou_at_equal_area,
    iou_sweep,
    kernel_distance,
    kid,
    kid_difference,
    laplacian_sharpness,
    least_retained,
    map_spearman,
    mmd2,
    nearest,
    nearest_pictures,
    order_gain,
    other_units_null,
    pan_between_frames,
    path_similarity,
    percentile_among,
    permutation_drop,
    permute_patches,
    retrieval_ranks,
    reversed_order,
    seam_energy,
    shifted_null,
    sign_accuracy,
    transfer_share,
    vendi_score,
)
from dgnam.measure.arrays import features, per_unit, same_length, unit_rows
from dgnam.measure.judge import BaseJudge, rank_by_target
from dgnam.measure.occlusion import Occluder, occlusion_map, region
from dgnam.measure.real_floor import balanced_rows
from dgnam.measure.statistics import bootstrap
from dgnam.measure.unit_values import unit_values

DRAW = np.random.default_rng(0)
A, B = DRAW.normal(size=(2, 8, 3))
MAPS = DRAW.normal(size=(3, 4, 5))
SHOWN = DRAW.integers(0, 256, (6, 8, 8, 3)).astype(np.uint8)


def same(first, second):
    return np.array_equal(np.asarray(first), np.asarray(second))


def test_features_and_units():
    assert features([[1.0]], "x").shape == (1, 1)
    with pytest.raises(ArrayError, match="a row for each of 1 or more pictures"):
        features([1.0], "x")
    assert per_unit([3.0], "x").tolist() == [3]
    with pytest.raises(ArrayError, match="1 units, and at least 2"):
        per_unit([3.0], "x", least=2)
    with pytest.raises(ArrayError, match="x: row 1 is 0"):
        unit_rows(np.array([[0.0, 2.0], [0.0, 0.0]]), "x")
    same_length(a=[1], b=None)


def test_copies():
    assert copying_ratio([[0.0, 0.0]]).tolist() == [0]
    cells = {"cells": [0] * 19 + [1] * 20, "held_out_cells": [0, 0, 1, 1]}
    own, held_out = np.arange(39.0), [1.0, 2.0, 3.0, 40.0]
    found = copying_z(own, held_out, **cells)
    assert found == copying_z(own, held_out, **cells, least=20) == copying_z(own[19:], held_out[2:])
    assert copying_z([1.0], [2.0], cells=[0], held_out_cells=[0], least=1) == copying_z([1.0], [2.0])
    with pytest.raises(DgnamError, match="least 0 must be at least 1"):
        copying_z([1.0], [2.0], cells=[0], held_out_cells=[0], least=0)
    assert authentic([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]).tolist() == [False, False, True]


def test_density_and_coverage_take_five_neighbors():
    assert density_and_coverage(A, B) == density_and_coverage(A, B, 5) != density_and_coverage(A, B, 4)
    assert density_and_coverage(A[:2], A[:1], 1).coverage == 0.5
    with pytest.raises(DgnamError, match="k 0 must be at least 1"):
        density_and_coverage(A, B, 0)


def test_orders_of_frames():
    assert frame_orders(2, 1).tolist() == [[1, 0]]
    assert len(frame_orders(9)) == 100
    assert same(frame_orders(9), frame_orders(9, 100, seed=0))
    assert frame_orders(10, 1).shape == (1, 10)
    assert (reversed_order(1).tolist(), frozen_order(1).tolist()) == ([0], [0])
    for call in (lambda: frame_orders(3, 0), lambda: reversed_order(0), lambda: frozen_order(0)):
        with pytest.raises(DgnamError, match="0 must be at least 1"):
            call()
    assert order_gain([4.0], [[1.0, 3.0]]).tolist() == pytest.approx([2 / np.sqrt(2)])


def test_frechet_distance_needs_two_of_both():
    with pytest.raises(ArrayError, match="second: a row for each of 2"):
        frechet_distance(A, A[:1])
    assert frechet_distance([[0.0], [2.0]], [[0.0], [4.0]]) == pytest.approx(1 + (np.sqrt(8) - np.sqrt(2)) ** 2)


def test_kid_is_of_a_hundred_subsets_of_half():
    usual = kid(A, B)
    assert same(usual, kid(A, B, subsets=100, subset_size=4, seed=0))
    assert len(kid(A[:3], B, subsets=1)) == 1
    assert same(kid(A[:3], B, subsets=3), kid(A[:3], B, subsets=3, subset_size=2))
    assert len(kid(A[:2], B[:2], subsets=2, subset_size=2)) == 2
    for wrong in ({"subsets": 0}, {"subset_size": 1}):
        with pytest.raises(DgnamError, match="must be at least"):
            kid(A, B, **wrong)
    with pytest.raises(ArrayError, match="subset_size 9: the smaller set has 8 rows"):
        kid(A, B, subset_size=9)
    for pair in ((A[:1], B), (A, B[:1])):
        for call in (kid, mmd2):
            with pytest.raises(ArrayError, match="a row for each of 2"):
                call(*pair)


def test_kid_takes_a_thousand_at_most(monkeypatch):
    assert kernel_distance.SUBSET_SIZE == 1000
    monkeypatch.setattr(kernel_distance, "SUBSET_SIZE", 3)
    assert same(kid(A, B, subsets=2), kid(A, B, subsets=2, subset_size=3))


def test_a_difference_of_kid_by_its_means():
    units, real = [0, 0, 1, 1, 2, 2, 3, 3], DRAW.normal(size=(5, 3))
    how = {"first_units": units, "second_units": units}
    found = kid_difference(A, B, real, resamples=50, **how)
    assert found == kid_difference(A, B, real, resamples=50, level=0.95, seed=0, **how)
    assert found.value == pytest.approx(mmd2(A, real) - mmd2(B, real))
    assert (found.n, found.level) == (4, 0.95)
    with pytest.raises(ArrayError, match="two or more are needed, and the same ones"):
        kid_difference(A, B, real, first_units=[0] * 8, second_units=[0] * 8)
    with pytest.raises(DgnamError, match="resamples 0"):
        kid_difference(A, B, real, resamples=0, **how)


def test_agreement_of_maps():
    for share in (0, 1):
        with pytest.raises(ArrayError, match="give one between 0 and 1"):
            iou_at_equal_area(MAPS, MAPS, share)
    other = MAPS[::-1]
    assert same(iou_sweep(MAPS, other), [iou_at_equal_area(MAPS, other, share) for share in (0.05, 0.1, 0.2)])
    flat = np.zeros((3, 4, 5))
    assert same(iou_at_equal_area(MAPS, flat, 0.5), iou_at_equal_area(MAPS, flat, 0.5, seed=0))
    assert same(iou_sweep(MAPS, flat), iou_sweep(MAPS, flat, seed=0))
    assert iou_at_equal_area(MAPS, MAPS, 0.001).tolist() == [1, 1, 1]  # one place at least
    null = shifted_null(map_spearman, MAPS, other)
    assert same(null, shifted_null(map_spearman, MAPS, other, count=100, seed=0))
    two = np.array([[[1.0, 2.0]]])
    assert shifted_null(map_spearman, two, two, count=1).tolist() == [[-1]]
    for wrong in ({"count": 0}, {}):
        with pytest.raises(DgnamError, match=r"count 0|maps of 1x1 can't be shifted"):
            shifted_null(map_spearman, *([two] * 2 if wrong else [two[..., :1]] * 2), **wrong)
    assert other_units_null(map_spearman, MAPS[:2], MAPS[:2]).shape == (1, 2)
    with pytest.raises(ArrayError, match="two or more are needed to compare"):
        other_units_null(map_spearman, MAPS[:1], MAPS[:1])


def test_neighbors_are_one_and_pictures_shift_by_three():
    assert same(nearest(A, [B]).places, nearest(A, [B], 1).places)
    assert nearest(A, [B], 8).places.shape == (8, 8)
    found = nearest_pictures(SHOWN[:2], [SHOWN[2:]])
    assert same(found.distances, nearest_pictures(SHOWN[:2], [SHOWN[2:]], 1, shift=3, mirror=True).distances)
    whole = nearest_pictures(SHOWN[:1], [SHOWN[1:2]], shift=0, mirror=False).distances[0, 0]
    assert whole == pytest.approx(np.sqrt(((SHOWN[0].astype(float) - SHOWN[1]) ** 2).mean()))
    for call in (lambda: nearest(A, [B], 0), lambda: nearest_pictures(SHOWN, [SHOWN], 0)):
        with pytest.raises(DgnamError, match="k 0 must be at least 1"):
            call()
    with pytest.raises(ArrayError, match="shift 4: pictures of 8x8 have no center left"):
        nearest_pictures(SHOWN, [SHOWN], shift=4)
    for shape in ((8, 6), (6, 8)):
        with pytest.raises(ArrayError, match="no center left"):
            nearest_pictures(np.zeros((1, *shape, 3), np.uint8), [], shift=3)


def test_the_floor_of_real_pictures():
    def distance(first, second):
        return float(abs(first.sum() - second.sum()))

    usual = floor_of_real(distance, A, 2)
    assert same(usual, floor_of_real(distance, A, 2, repeats=20, seed=0))
    assert len(floor_of_real(distance, A, 4, repeats=1)) == 1
    classes = [0] * 4 + [1] * 4
    assert same(balanced_rows(classes, 1), balanced_rows(classes, 1, seed=0))
    for call in (lambda: floor_of_real(distance, A, 1), lambda: floor_of_real(distance, A, 2, repeats=0)):
        with pytest.raises(DgnamError, match="must be at least"):
            call()
    with pytest.raises(DgnamError, match="per_class 0 must be at least 1"):
        balanced_rows(classes, 0)
    assert balanced_rows(classes, 4).tolist() == list(range(8))
    assert balanced_rows(np.zeros(0, int), 1).tolist() == []


def test_patches_and_pans():
    images = DRAW.normal(size=(2, 3, 8, 8))
    assert same(permute_patches(images), permute_patches(images, grid=4, seed=0))
    assert permute_patches(images, grid=2).shape == images.shape
    with pytest.raises(DgnamError, match="grid 1 must be at least 2"):
        permute_patches(images, grid=1)
    for shape in ((2, 3, 8, 6), (2, 3, 6, 8)):
        with pytest.raises(ArrayError, match="multiples of 4"):
            permute_patches(np.zeros(shape))
    clip = DRAW.normal(size=(2, 16, 16))
    assert same(pan_between_frames(clip), pan_between_frames(clip, subpixels=10))
    assert pan_between_frames(clip, subpixels=1).shape == (1, 2)
    with pytest.raises(DgnamError, match="subpixels 0 must be at least 1"):
        pan_between_frames(clip, subpixels=0)


def test_choices_of_two():
    values = DRAW.normal(size=400)
    usual = choose_alternatives(values)
    given = choose_alternatives(values, trials=20, references=9, percentiles=(90.0, 99.0), seed=0)
    for name in ("maximal", "minimal", "strong", "weak"):
        assert same(getattr(usual, name), getattr(given, name))
    assert (len(usual.maximal), len(usual.strong)) == (9, 20)
    assert len(choose_alternatives(values, trials=1, references=1, percentiles=(50, 100)).weak) == 1
    for wrong in ({"trials": 0}, {"references": 0}, {"percentiles": (49, 60)}, {"percentiles": (60, 60)}):
        with pytest.raises(DgnamError, match=r"must be at least 1|give two between 50 and 100"):
            choose_alternatives(values, **wrong)
    with pytest.raises(ArrayError, match="give two between 50 and 100"):
        choose_alternatives(values, percentiles=(90, 101))
    assert sign_accuracy([1.0, 0.0, -1.0, 2.0]) == 0.625


def test_percentiles_and_shares_by_hand():
    assert percentile_among([1.0, 2.0, 9.0], [1.0, 2.0, 2.0, 3.0]).tolist() == [12.5, 50, 100]
    assert least_retained([1.0], [2.0], [3.0], [4.0]).tolist() == [0.5]
    with pytest.raises(ArrayError, match="second_alone: 0 at 1"):
        least_retained([1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 0.0])
    assert vendi_score([[1.0, 0.0], [1.0, 0.0]]) == pytest.approx(1)


def test_blobs_are_above_half_of_the_maximum():
    maps = np.array([[[2.0, 1.0, 1.01, 0.0, 2.0]], [[-1.0, -2.0, 0.0, -1.0, -1.0]]])
    found = find_blobs(maps)
    assert (found.counts.tolist(), found.largest.tolist()) == ([3, 0], [pytest.approx(1 / 3), 0])
    assert find_blobs(maps, (2, 10)).counts.tolist() == [2, 0]


def test_seams_by_hand():
    picture = np.zeros((1, 4, 4, 3), np.uint8)
    picture[:, 2:] = 30
    assert seam_energy(picture).tolist() == [1]
    picture[:, :, 1:] += 30  # half a seam's worth at other lines
    assert seam_energy(picture).tolist() == pytest.approx([30 / (30 + 30 / 2)])
    assert seam_energy(picture.transpose(0, 2, 1, 3)).tolist() == pytest.approx([2 / 3])
    for shape in ((2, 4), (4, 2), (5, 4), (4, 5)):
        with pytest.raises(ArrayError, match="have no quarters"):
            seam_energy(np.zeros((1, *shape, 3), np.uint8))


def test_sharpness_by_hand():
    picture = np.zeros((1, 3, 3, 3), np.uint8)
    picture[0, 1, 1] = 100, 200, 50
    luma = 0.299 * 100 + 0.587 * 200 + 0.114 * 50
    plane = luma * np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    assert laplacian_sharpness(picture).tolist() == pytest.approx([plane.std()])


def test_occluders_of_small_and_large_images():
    sizes = {(112, 300): (11, 3), (111, 300): (14, 3), (300, 64): (8, 2), (4, 4): (1, 1)}
    for size, (side, stride) in sizes.items():
        assert Occluder.for_size(size) == Occluder(side, stride, noise=False, seed=0)
    for wrong in ((0, 1), (1, 0)):
        with pytest.raises(DgnamError, match="a side and a stride of at least 1"):
            Occluder(*wrong)
    for wrong in (0, 1.01):
        with pytest.raises(DgnamError, match="above 0 and at most 1"):
            region(np.ones((2, 2)), wrong)
    found = np.array([[1.0, 0.5], [0.49, -2.0]])
    assert region(found).tolist() == [[True, True], [False, False]]
    assert region(found, 1).tolist() == [[True, False], [False, False]]
    assert not region(-np.ones((2, 2))).any()


def test_batches_are_of_64_or_100():
    sizes = []

    def score(images):
        sizes.append(len(images))
        return images.flatten(1).sum(1)

    occlusion_map(score, np.ones((3, 9, 9), np.float32), Occluder(1, 1))
    assert sizes == [1, 64, 17]


class Sums:
    """A target whose units are the sums of the channels; notes its batches and devices."""

    size, name = (2, 2), "sums"

    def __init__(self):
        self.batches, self.devices = [], []

    def __call__(self, images, layers):
        self.batches.append(len(images))
        return {layer: images.sum((2, 3)) for layer in layers}

    def layers(self):
        return ["sums"]

    def layer_shape(self, layer):
        return (3,)

    def to(self, device):
        self.devices.append(device)


def test_units_are_ranked_and_read_a_hundred_at_a_time():
    from dgnam.am import Unit

    target = Sums()
    images = np.zeros((101, 3, 2, 2), np.float32)
    images[:, 0], images[:, 1] = 2, 1
    verdict = rank_by_target(target, "sums", images, [1] * 101)
    assert (target.batches, set(verdict.ranks)) == ([100, 1], {2})
    assert verdict.log_probability[0] == pytest.approx(4 - np.log(np.exp([8.0, 4.0, 0.0]).sum()))
    found = unit_values(target, [Unit("sums", 0), Unit("sums", 2)], images)
    assert (target.batches[2:], found[100].tolist()) == ([100, 1], [8, 0])
    assert target.devices == [torch.device("cpu")]


def test_a_judge_takes_a_hundred_and_points_are_of_the_first():
    assert (BaseJudge.batch_size, Judge.batch_size) == (100, 100)
    verdict = Verdict(np.array([1, 2, 3]), np.zeros(3))
    assert verdict.points().tolist() == verdict.points(1).tolist() == [100, 0, 0]
    assert verdict.points(2).tolist() == [100, 100, 0]


def test_the_floor_s_halves_are_drawn_by_streams_of_the_seed():
    def distance(first, second):
        return float(first.sum() - second.sum())

    none = np.zeros(8, int)
    wanted = []
    for stream in np.random.default_rng(7).integers(2**32, size=3):
        both = balanced_rows(none, 4, seed=int(stream))
        first = both[balanced_rows(none[both], 2, seed=int(stream))]
        wanted.append(distance(A[first], A[np.setdiff1d(both, first)]))
    assert same(floor_of_real(distance, A, 2, repeats=3, seed=7), wanted)
    with pytest.raises(ArrayError, match="lengths differ: real 8, classes 2"):
        floor_of_real(distance, A, 2, classes=[0, 1])


def test_what_is_compared_has_one_length_and_width():
    for call in (
        lambda: retrieval_ranks(A, A[:, :2]),
        lambda: retrieval_ranks(A, A[:2]),
        lambda: mmd2(A, A[:, :2]),
        lambda: kid(A, A[:, :2]),
        lambda: density_and_coverage(A, A[:, :2], 1),
        lambda: path_similarity(A, [0] * 8, A[:, :2], [0] * 8),
        lambda: path_similarity(A, [0] * 7, A, [0] * 8),
        lambda: percentile_among([1.0, 2.0], [1.0], classes=[0], reference_classes=[0]),
        lambda: percentile_among([1.0], [1.0, 2.0], classes=[0], reference_classes=[0]),
        lambda: diversity_ratio(np.zeros((2, 2, 1)), np.zeros((3, 2, 1))),
        lambda: permutation_drop([1.0, 2.0], [1.0]),
        lambda: class_activation_maps(np.zeros((2, 3, 1, 1)), np.zeros((4, 3)), [0]),
        lambda: bootstrap(lambda a, b, axis: a.mean(axis), [1.0, 2.0], [1.0, 2.0, 3.0], paired=True),
        lambda: cohens_kappa([0, 1], [0, 1, 1]),
        lambda: transfer_share([1.0, 2.0], [1.0], [1.0, 2.0], [1.0, 2.0]),
        lambda: map_spearman(MAPS, MAPS[:, :3]),
    ):
        with pytest.raises(ArrayError, match="differ"):
            call()
    assert retrieval_ranks([[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]).tolist() == [2, 2]


def test_classes_of_activation_maps_end_with_the_weights():
    maps, weights = np.ones((1, 2, 1, 1)), np.array([[1.0, 2.0], [3.0, 4.0]])
    assert class_activation_maps(maps, weights, [1]).tolist() == [[[7]]]
    assert class_activation_maps(maps, weights, [0]).tolist() == [[[3]]]
    for wrong in (-1, 2):
        with pytest.raises(ArrayError, match="whole numbers from 0 to 1 are needed"):
            class_activation_maps(maps, weights, [wrong])


def test_processing_paths_need_two_of_two_classes():
    rows = np.array([[1.0, 0, 0], [0.9, 0.1, 0], [0, 0, 1.0], [0, 0.1, 0.9]])
    found = path_similarity(rows[:1], [0], rows[[1, 0, 2, 3]], [0, 0, 1, 1])
    assert found.same > found.different
    for classes in ([0, 0, 0, 0], [0, 0, 0, 1]):
        with pytest.raises(ArrayError, match="two of two or more are needed"):
            path_similarity(rows[:1], [0], rows, classes)
    with pytest.raises(ArrayError, match="real: no picture of class 5"):
        path_similarity(rows[:1], [5], rows, [0, 0, 1, 1])
