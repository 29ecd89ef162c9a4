"""Small torch modules of the kinds that people have, as targets."""

import torch
from torch import nn


class Tokens(nn.Module):
    """A transformer without attention: tokens (N, T, C) from the patches of an image."""

    def __init__(self, features=6, classes=3):
        super().__init__()
        self.patch, self.norm = nn.Conv2d(3, features, 16, 16), nn.LayerNorm(features)
        self.mix, self.head = nn.Linear(features, features), nn.Linear(features, classes)

    def forward(self, x):
        return self.head(self.mix(self.norm(self.patch(x).flatten(2).transpose(1, 2))).mean(1))


class ViT(nn.Module):
    """Patches and a class token through `nn.TransformerEncoder`, with the batch first or second."""

    def __init__(self, batch_first=True):
        super().__init__()
        self.batch_first = batch_first
        self.patch, self.cls = nn.Conv2d(3, 8, 8, 8), nn.Parameter(torch.randn(1, 1, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls.expand(len(tokens), -1, -1), tokens], 1)
        if self.batch_first:
            return self.head(self.encoder(tokens)[:, 0])
        return self.head(self.encoder(tokens.transpose(0, 1))[0])


class ChannelsLast(nn.Module):
    """A Swin-like module: blocks on (N, H, W, C), of layer norms and linear layers."""

    def __init__(self):
        super().__init__()
        self.patch, self.start = nn.Conv2d(3, 6, 8, 8), nn.Identity()
        self.norm, self.mlp = nn.LayerNorm(6), nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6))
        self.block, self.back, self.head = nn.Identity(), nn.Conv2d(6, 5, 1), nn.Linear(5, 4)

    def forward(self, x):
        x = self.start(self.patch(x).permute(0, 2, 3, 1))
        x = self.block(x + self.mlp(self.norm(x)))
        return self.head(self.back(x.permute(0, 3, 1, 2)).mean((2, 3)))


class Time(nn.Module):
    """A recurrent net over an image's patches, time first (T, N, C) or the batch."""

    def __init__(self, batch_first=False):
        super().__init__()
        self.batch_first = batch_first
        self.conv, self.rnn = nn.Conv2d(3, 6, 8, 8), nn.GRU(6, 5, batch_first=batch_first)
        self.out, self.fc = nn.Identity(), nn.Linear(5, 4)

    def forward(self, x):
        x = self.conv(x).flatten(2)
        found = self.out(self.rnn(x.permute(0, 2, 1) if self.batch_first else x.permute(2, 0, 1))[0])
        return self.fc(found[:, -1] if self.batch_first else found[-1])


def classifier(channels=3):
    """Convolution, batch norm, dropout and a linear layer, in training mode as it is made."""
    return nn.Sequential(
        nn.Conv2d(channels, 8, 5, 2),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    )
