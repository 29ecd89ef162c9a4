"""How much of a modification of the training pictures shows in the synthesized ones (M12).

The numbers that it shows in are `seam_energy` (cut-up pictures), `ColorOrder.score` (BRG) and `laplacian_sharpness`
(blur).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..errors import ArrayError
from .arrays import per_unit, same_length
from .statistics.bootstrap import bootstrap, ratio_of_means
from .statistics.estimate import Estimate


def transfer_share(modified: Any, regular: Any, real_modified: Any, real_regular: Any, **options: Any) -> Estimate:
    """The mean difference between synthesized pictures of modified and regular units, over that of real pictures.

    0 where pictures of both units are the same in this number, 1 where they differ as real pictures do.

    modified, regular: (U,) or (U, S), one number a picture; row i of both is the pair of units of one class.
    real_modified, real_regular: (U,) or (U, R), of the real pictures of the same classes.
    options: of `bootstrap`, over classes, all four drawn together.

    A share of a difference that may be none means nothing: real pictures that do not surely differ are an error, by the
    interval of their difference.
    """
    named = {"modified": modified, "regular": regular, "real_modified": real_modified, "real_regular": real_regular}
    rows = {name: per_unit(values, name) for name, values in named.items()}
    same_length(**rows)
    ours, theirs = rows["modified"] - rows["regular"], rows["real_modified"] - rows["real_regular"]
    if abs(theirs.mean()) <= 1e-12 * np.abs(theirs).max():
        raise ArrayError("real: modified and regular pictures do not differ in this number, so no share can be taken")
    real = bootstrap(np.mean, theirs, **options)
    if real.low <= 0 <= real.high:
        raise ArrayError(f"real: modified and regular pictures do not surely differ in this number: by {real}")
    sign = float(np.sign(real.value))
    return bootstrap(partial(ratio_of_means, sign=sign), ours, theirs, paired=True, **options)
