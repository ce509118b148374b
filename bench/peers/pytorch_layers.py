"""What the nets of convolutions and batch normalizations share: their parameters, batch and step."""

import math
from typing import NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F

from pytorch_numbers import initial, normals


class Parameter(NamedTuple):
    """As nets/net.ts has it."""

    shape: Tuple[int, ...]
    deviation: Optional[float] = None
    constant: float = 0.0
    decay: float = 0.0
    rate: float = 1.0


def filters(size, channels, out):
    return Parameter((size, size, channels, out), math.sqrt(2 / (size * size * channels)), decay=1)


def tensors(parameters, layout):
    """Filters are [KH, KW, C, O] in the numbers that all programs share, [O, C, KH, KW] here."""
    w = {}
    for n, (name, parameter) in enumerate(parameters.items()):
        value = torch.tensor(initial(1 + n, *parameter[:3]))
        if value.dim() == 4:
            value = value.permute(3, 2, 0, 1).contiguous(memory_format=layout)
        w[name] = value.requires_grad_(parameter.rate != 0)
    return w


def fixed_batch(size, layout):
    images = torch.tensor(normals(0, size * 32 * 32 * 3)).reshape(size, 32, 32, 3)
    return images.permute(0, 3, 1, 2).contiguous(memory_format=layout), torch.arange(size) * 3 % 10


def optimize(w, parameters, rate, decay, **options):
    """SGD with each parameter's own rate and decay; parameters that share both are one group."""
    groups = {}
    for name, parameter in parameters.items():
        if parameter.rate != 0:
            groups.setdefault((parameter.rate, parameter.decay), []).append(w[name])
    return torch.optim.SGD(
        [
            {"params": values, "lr": rate * own_rate, "weight_decay": decay * own_decay}
            for (own_rate, own_decay), values in groups.items()
        ],
        lr=rate,
        **options,
    )


def stepper(w, parameters, loss, decay, optimizer):
    """The step. The optimizer's own weight decay makes the gradient; its loss is added to be shown."""
    decayed = [(w[name], p.decay * decay / 2) for name, p in parameters.items() if p.decay]

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            squares = sum(factor * value.square().sum() for value, factor in decayed)
        value = loss()
        value.backward()
        optimizer.step()
        return value.item() + squares.item()

    return step


def batch_norm(x, gamma, beta, eps):
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
