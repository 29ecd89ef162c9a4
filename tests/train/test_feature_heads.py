"""Discriminators on features and on pixels: they learn to tell, and to mind the code."""

import torch

from dgnam.train.feature_heads import FeatureHeads, Head, PixelHead, generator_hinge, hinge

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


def test_losses_by_hand():
    real, fake = (
        [torch.tensor([[2.0, 0.5]]), torch.tensor([[-1.0]])],
        [torch.tensor([[-3.0, 0.0]]), torch.tensor([[1.0]])],
    )
    assert hinge(real, fake).item() == ((0 + 0.5) / 2 + (0 + 1) / 2 + 2 + 2) / 2
    assert generator_hinge(fake).item() == (1.5 - 1) / 2


def test_a_head_by_hand():
    """Two convolutions with leaky slopes, a score for each place, and the place's product with the embedded code."""
    torch.manual_seed(0)
    head = Head(3, 4, 5, 6).eval()
    x, code = torch.randn(2, 3, 4, 4), torch.randn(2, 5)
    with torch.no_grad():
        y = torch.nn.functional.leaky_relu(head.first(x), 0.2)
        y = torch.nn.functional.leaky_relu(head.second(y), 0.2)
        wanted = head.score(y).view(2, 16) + torch.einsum("nchw,nc->nhw", y, head.embed(code)).reshape(2, 16)
        assert torch.allclose(head(x, code), wanted, atol=1e-6)


def test_features_of_more_than_ten_places_are_halved():
    for side, positions in ((10, 100), (11, 36)):
        assert Head(1, side, 1, 2)(torch.zeros(1, 1, side, side), torch.zeros(1, 1)).shape == (1, positions)
        heads = FeatureHeads([(1, 3, side)], 1, 2)
        assert heads.heads[0].first.stride == ((1, 1) if side == 10 else (2, 2))


def test_the_usual_widths():
    assert FeatureHeads([(2, 4, 4)], 3).heads[0].first.weight.shape == (64, 2, 3, 3)
    pixels = PixelHead(3)
    assert (pixels.first.weight.shape, pixels.second.weight.shape) == ((32, 3, 4, 4), (64, 32, 4, 4))
    assert pixels.head.first.weight.shape == (64, 64, 3, 3)
    assert pixels(torch.zeros(2, 3, 32, 32), torch.zeros(2, 3)).shape == (2, 16)


def test_statistics_are_those_of_the_first_features():
    heads = FeatureHeads(SHAPES, 5, 8)
    own = features(3)
    assert not heads.known
    heads.learn_statistics(own)
    assert heads.known == 1
    for k, x in enumerate(own):
        assert torch.allclose(heads.get_buffer(f"mean{k}"), x.mean((0, 2, 3)))
        assert torch.allclose(heads.get_buffer(f"variance{k}"), x.transpose(0, 1).flatten(1).var(1))
    seen = []
    heads.heads[1].forward = lambda x, code: seen.append(x) or x
    heads(own, torch.zeros(16, 5))
    assert abs(seen[0].mean()) < 1e-4
    assert abs(seen[0].var(dim=(0, 2, 3)) - 1).max() < 1e-4
