"""airbench94's training step, as nets/airbench94.ts describes it."""

import torch
import torch.nn.functional as F

from pytorch_layers import Parameter, batch_norm, filters, fixed_batch, optimize, stepper, tensors

DECAY = 0.00133
GROUPS = {"group1": (24, 64), "group2": (64, 256), "group3": (256, 256)}


def parameters():
    found = {
        "whiten/weights": filters(2, 3, 24)._replace(decay=0, rate=0),
        "whiten/biases": Parameter((24,), decay=1),
    }
    for name, (channels, out) in GROUPS.items():
        for i, inputs in ((1, channels), (2, out)):
            found[f"{name}/conv{i}/weights"] = filters(3, inputs, out)
            found[f"{name}/bn{i}/beta"] = Parameter((out,), decay=1 / 64, rate=64)
    found["head/weights"] = Parameter((256, 10), 1 / 16, decay=1)
    return found


def make_step(batch, layout, variant):
    described = parameters()
    w = tensors(described, layout)
    images, labels = fixed_batch(batch, layout)
    ones = torch.ones(256)

    def active(x, name):
        beta = w[f"{name}/beta"]
        return F.gelu(batch_norm(x, ones[: len(beta)], beta, 1e-12))

    def loss():
        x = F.gelu(F.conv2d(images, w["whiten/weights"], w["whiten/biases"]))
        for name in GROUPS:
            x = F.max_pool2d(F.conv2d(x, w[f"{name}/conv1/weights"], padding=1), 2)
            x = F.conv2d(active(x, f"{name}/bn1"), w[f"{name}/conv2/weights"], padding=1)
            x = active(x, f"{name}/bn2")
        logits = F.max_pool2d(x, 3).flatten(1) @ w["head/weights"] / 9
        return F.cross_entropy(logits, labels, label_smoothing=0.2)

    optimizer = optimize(w, described, 0.001, DECAY, momentum=0.85, nesterov=True)
    return stepper(w, described, loss, DECAY, optimizer)
