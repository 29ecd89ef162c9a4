"""Measurements of codes, images and networks, and the statistics of claims (`dgnam.measure.statistics`)."""

from .act_range import CodeMeasurement, CodeStatistics, act_range_files, measure_codes
from .class_activation import Blobs, class_activation_maps, find_blobs
from .codes import codes_of_pictures
from .color_order import ColorOrder, fit_color_order
from .copying import authentic, copying_ratio, copying_z
from .diversity import diversity_ratio, mean_pairwise_distance, vendi_score
from .fidelity import Fidelity, density_and_coverage
from .frame_order import frame_orders, frozen_order, order_gain, reversed_order
from .frechet import frechet_distance
from .judge import BaseJudge, Judge, TargetJudge, Verdict
from .kernel_distance import kid, kid_difference, mean_kernel, mmd2
from .map_agreement import iou_at_equal_area, iou_sweep, map_spearman, other_units_null, shifted_null
from .moments import RunningMoments
from .naming import above_chance, cohens_kappa, normalized_accuracy
from .neighbors import Neighbors, nearest
from .outside_judge import OutsideJudge
from .pan import pan_between_frames
from .patch_permutation import permutation_drop, permute_patches
from .percentile import percentile_among
from .pixel_neighbors import nearest_pictures
from .processing_path import PathSimilarity, path_similarity
from .real_floor import balanced_rows, floor_of_real
from .retention import least_retained
from .retrieval import retrieval_ranks
from .seams import seam_energy
from .sharpness import laplacian_sharpness
from .transfer import transfer_share
from .two_alternative import Alternatives, choice_margins, choose_alternatives, sign_accuracy

__all__ = [
    "Alternatives",
    "BaseJudge",
    "Blobs",
    "CodeMeasurement",
    "CodeStatistics",
    "ColorOrder",
    "Fidelity",
    "Judge",
    "Neighbors",
    "OutsideJudge",
    "PathSimilarity",
    "RunningMoments",
    "TargetJudge",
    "Verdict",
    "above_chance",
    "act_range_files",
    "authentic",
    "balanced_rows",
    "choice_margins",
    "choose_alternatives",
    "class_activation_maps",
    "codes_of_pictures",
    "cohens_kappa",
    "copying_ratio",
    "copying_z",
    "density_and_coverage",
    "diversity_ratio",
    "find_blobs",
    "fit_color_order",
    "floor_of_real",
    "frame_orders",
    "frechet_distance",
    "frozen_order",
    "iou_at_equal_area",
    "iou_sweep",
    "kid",
    "kid_difference",
    "laplacian_sharpness",
    "least_retained",
    "map_spearman",
    "mean_kernel",
    "mean_pairwise_distance",
    "measure_codes",
    "mmd2",
    "nearest",
    "nearest_pictures",
    "normalized_accuracy",
    "order_gain",
    "other_units_null",
    "pan_between_frames",
    "path_similarity",
    "percentile_among",
    "permutation_drop",
    "permute_patches",
    "retrieval_ranks",
    "reversed_order",
    "seam_energy",
    "shifted_null",
    "sign_accuracy",
    "transfer_share",
    "vendi_score",
]
