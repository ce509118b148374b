"""The reference CNN's training step; pytorch.py says what the variants are."""

import torch
import torch.nn.functional as F

from pytorch_numbers import initial, normals

PARAMETERS = {  # name: (shape, standard deviation or None, constant)
    "conv1/weights": ((5, 5, 3, 64), 0.05, 0.0),
    "conv1/biases": ((64,), None, 0.0),
    "conv2/weights": ((5, 5, 64, 64), 0.05, 0.0),
    "conv2/biases": ((64,), None, 0.1),
    "local3/weights": ((2304, 384), 0.04, 0.0),
    "local3/biases": ((384,), None, 0.1),
    "local4/weights": ((384, 192), 0.04, 0.0),
    "local4/biases": ((192,), None, 0.1),
    "softmax_linear/weights": ((192, 10), 1 / 192, 0.0),
    "softmax_linear/biases": ((10,), None, 0.0),
}


def make_step(batch, layout, variant):
    w = {}
    for n, (name, parameter) in enumerate(PARAMETERS.items()):
        value = torch.tensor(initial(1 + n, *parameter))
        if value.dim() == 4:
            value = value.permute(3, 2, 0, 1).contiguous(memory_format=layout)
        if name == "local3/weights":  # rows in H, W, C order, here for a C, H, W flatten
            value = value.reshape(6, 6, 64, 384).permute(2, 0, 1, 3).reshape(2304, 384).contiguous()
        w[name] = value.requires_grad_()
    images = normals(0, batch * 24 * 24 * 3).reshape(batch, 24, 24, 3)
    images = torch.tensor(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    labels = torch.arange(batch) * 3 % 10

    channels = torch.arange(64)
    band = ((channels[:, None] - channels[None, :]).abs() <= 4).float().view(64, 64, 1, 1)

    def norm(x):
        if variant == "tricks":
            r = (1 + 0.001 / 9 * F.conv2d(x * x, band)).rsqrt()
            return x * (r * r.sqrt())
        return F.local_response_norm(x, size=9, alpha=0.001, beta=0.75, k=1.0)

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    def dense(x, name):
        return x @ w[name + "/weights"] + w[name + "/biases"]

    def step():
        x = F.conv2d(images, w["conv1/weights"], w["conv1/biases"], padding=2)
        x = norm(pool(F.relu(x)))
        x = F.conv2d(x, w["conv2/weights"], w["conv2/biases"], padding=2)
        x = pool(norm(F.relu(x))).flatten(1)
        x = F.relu(dense(F.relu(dense(x, "local3")), "local4"))
        loss = F.cross_entropy(dense(x, "softmax_linear"), labels)
        for name in ("local3/weights", "local4/weights"):
            loss = loss + 0.004 / 2 * w[name].square().sum()
        loss.backward()
        with torch.no_grad():
            for value in w.values():
                value -= 0.1 * value.grad
                value.grad = None
        return loss.item()

    return step
