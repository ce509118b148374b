"""The pre-activation ResNet-20's training step, as nets/resnet20.ts describes it."""

import torch.nn.functional as F

from pytorch_layers import Parameter, batch_norm, filters, fixed_batch, optimize, stepper, tensors

DECAY = 2e-4


def unit_names():
    return [f"unit_{stage}_{i}" for stage in (1, 2, 3) for i in range(3)]


def parameters():
    found = {"stem/weights": filters(3, 3, 16)}

    def norm(name, channels):
        found[f"{name}/gamma"] = Parameter((channels,), constant=1.0)
        found[f"{name}/beta"] = Parameter((channels,))

    channels = 16
    for name in unit_names():
        out = {"1": 16, "2": 32, "3": 64}[name[5]]
        norm(f"{name}/bn1", channels)
        found[f"{name}/conv1/weights"] = filters(3, channels, out)
        norm(f"{name}/bn2", out)
        found[f"{name}/conv2/weights"] = filters(3, out, out)
        channels = out
    norm("bn_last", channels)
    found["logits/weights"] = Parameter((64, 10), 64**-0.5, decay=1)
    found["logits/biases"] = Parameter((10,))
    return found


def make_step(batch, layout, variant):
    described = parameters()
    w = tensors(described, layout)
    images, labels = fixed_batch(batch, layout)

    def active(x, name):
        y = batch_norm(x, w[f"{name}/gamma"], w[f"{name}/beta"], 1e-3)
        return F.leaky_relu(y, 0.1, inplace=True)

    def unit(x, name):
        first = active(x, f"{name}/bn1")
        if name in ("unit_2_0", "unit_3_0"):  # TensorFlow's padding of a stride: below and right
            y = F.conv2d(F.pad(first, (0, 1, 0, 1)), w[f"{name}/conv1/weights"], stride=2)
            missing = x.shape[1] // 2
            shortcut = F.pad(F.avg_pool2d(x, 2), (0, 0, 0, 0, missing, missing))
        else:
            y = F.conv2d(first, w[f"{name}/conv1/weights"], padding=1)
            shortcut = first if name == "unit_1_0" else x
        return shortcut + F.conv2d(active(y, f"{name}/bn2"), w[f"{name}/conv2/weights"], padding=1)

    def loss():
        x = F.conv2d(images, w["stem/weights"], padding=1)
        for name in unit_names():
            x = unit(x, name)
        pooled = active(x, "bn_last").mean((2, 3))
        return F.cross_entropy(pooled @ w["logits/weights"] + w["logits/biases"], labels)

    optimizer = optimize(w, described, 0.01, DECAY, momentum=0.9)
    return stepper(w, described, loss, DECAY, optimizer)
