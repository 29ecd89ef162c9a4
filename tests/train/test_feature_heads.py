"""Discriminators on features and on pixels: they learn to tell, and to mind the code."""

import torch

from dgnam.train.feature_heads import FeatureHeads, PixelHead, generator_hinge, hinge

SHAPES = [(4, 14, 14), (6, 4, 4)]


def features(seed: int, count: int = 16) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(count, *shape, generator=draw) * 5 + 3 for shape in SHAPES]


def trained(heads: torch.nn.Module, real: list, fake: list, steps: int = 60) -> torch.Tensor:
    optimizer = torch.optim.Adam(heads.parameters(), 0.01)
    loss = torch.zeros(())
    for _ in range(steps):
        loss = hinge(heads(*real), heads(*fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss


def test_each_layer_is_scored_at_places():
    torch.manual_seed(0)
    scores = FeatureHeads(SHAPES, 5, 8)(features(0), torch.ones(16, 5))
    assert [tuple(s.shape) for s in scores] == [(16, 49), (16, 16)]


def test_channels_are_brought_to_one_spread_once():
    heads = FeatureHeads(SHAPES, 5, 8)
    heads.learn_statistics(features(0))
    variance = heads.variance0.clone()
    assert 16 < variance.mean() < 36
    heads.learn_statistics([x * 10 for x in features(1)])
    assert torch.equal(heads.variance0, variance)
    again = FeatureHeads(SHAPES, 5, 8)
    again.load_state_dict(heads.state_dict())
    again.learn_statistics(features(2))
    assert torch.equal(again.variance0, variance)


def test_heads_learn_which_features_go_with_a_code():
    torch.manual_seed(0)
    heads = FeatureHeads(SHAPES, 2, 8)
    codes = torch.eye(2).repeat(8, 1)
    real = [x + 4 * codes[:, :1, None, None] for x in features(0)]
    heads.learn_statistics(real)
    assert trained(heads, [real, codes], [real, codes.flip(1)]) < 1.2


def test_the_pixel_head_learns_what_grain_looks_like():
    torch.manual_seed(0)
    head = PixelHead(3, 8)
    codes = torch.ones(8, 3)
    smooth = torch.nn.functional.interpolate(torch.randn(8, 3, 8, 8), (32, 32), mode="bilinear")
    noisy = smooth + torch.randn(8, 3, 32, 32)

    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = head

        def forward(self, images: torch.Tensor, code: torch.Tensor) -> list[torch.Tensor]:
            return [self.head(images, code)]

    assert trained(Both(), [smooth, codes], [noisy, codes]) < 1


def test_the_generator_s_loss_is_least_where_scores_are_high():
    assert generator_hinge([torch.full((2, 3), 5.0)]) < generator_hinge([torch.full((2, 3), -5.0)])
