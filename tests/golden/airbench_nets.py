"""airbench94 and its variant with Muon in float32 PyTorch, for recipe_curves.py.

K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, written from its description. The losses there
are sums over the batch; here they are means, so that a rate is the original's times the batch and a decay the
original's over it. Muon's update does not depend on the size of the gradient.
"""

import math

import torch
import torch.nn.functional as F

WIDTHS = (64, 256, 256)
EPSILON, RUNNING_DECAY = 1e-12, 0.6
MOMENTUM = 0.85
BIAS_EPOCHS = 3  # in which the whitening's biases learn
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def whitening(images, epsilon=5e-4):
    """Filters [24, 3, 2, 2]: eigenvectors of the patches' second moments over their deviation, and their negatives."""
    patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
    variances, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (variances + epsilon).sqrt()).T.reshape(12, 3, 2, 2)
    return torch.cat([filters, -filters])


def orthogonalized(g):
    """Three steps of the quintic Newton-Schulz iteration towards the nearest orthogonal matrix."""
    a, b, c = NEWTON_SCHULZ
    x = g / (g.norm() + 1e-7)
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    for _ in range(3):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide else x.T


class Airbench:
    """What both have. Filters [O, C, 3, 3] start as PyTorch's do, the first C of them as identities."""

    def __init__(self, random, images, steps, batch):
        """`images`: the first normalized ones of the training set."""
        self.random, self.steps, self.batch = random, steps, batch
        self.training = True
        self.fixed = whitening(images)
        self.w = {"whiten/biases": self.whiten_biases()}
        self.running = {}
        channels = len(self.fixed)
        for i, width in enumerate(WIDTHS):
            for name, inputs in ((f"group{i + 1}/1", channels), (f"group{i + 1}/2", width)):
                filters = self.uniform((width, inputs, 3, 3), 9 * inputs)
                torch.nn.init.dirac_(filters[:inputs])
                self.w |= {f"{name}/filters": filters, f"{name}/betas": torch.zeros(width)}
                self.running[name] = (torch.zeros(width), torch.ones(width))
            channels = width
        self.w["head"] = self.uniform((10, channels), channels)
        self.start_head()
        for value in self.w.values():
            value.requires_grad_()
        self.start()

    def uniform(self, shape, inputs):
        reach = 1 / math.sqrt(inputs)
        return torch.tensor(self.random.uniform(-reach, reach, shape), dtype=torch.float32)

    def of(self, kind):
        return [value for name, value in self.w.items() if name.endswith(kind)]

    def start_head(self):
        pass

    def __call__(self, x):
        x = F.gelu(F.conv2d(x, self.fixed, self.w["whiten/biases"]))
        for i in range(len(WIDTHS)):
            x = F.max_pool2d(self.conv(f"group{i + 1}/1", x), 2)
            x = F.gelu(self.norm(f"group{i + 1}/1", x))
            x = F.gelu(self.norm(f"group{i + 1}/2", self.conv(f"group{i + 1}/2", x)))
        return F.max_pool2d(x, 3).flatten(1) @ self.w["head"].T * self.scale

    def conv(self, name, x):
        return F.conv2d(x, self.w[f"{name}/filters"], padding=1)

    def norm(self, name, x):
        mean, variance = self.running[name]
        betas = self.w[f"{name}/betas"]
        return F.batch_norm(x, mean, variance, None, betas, self.training, 1 - RUNNING_DECAY, EPSILON)

    def finish(self):
        pass


class Airbench94(Airbench):
    """Nesterov momentum with lookahead: every fifth step the weights return to an average that follows them."""

    scale = 1 / 9
    RATE = 11.5 / (1 + 1 / (1 - MOMENTUM))  # 1.5; for batches of 1024
    DECAY = 0.0153 / 11.5

    def whiten_biases(self):
        return torch.zeros(len(self.fixed))

    def start(self):
        self.decays = {name: self.DECAY / (64 if name.endswith("betas") else 1) for name in self.w}
        peak = self.RATE * self.batch / 1024
        betas = self.of("betas")
        others = [value for name, value in self.w.items() if not name.endswith("betas")]
        groups = [{"params": others, "peak": peak}, {"params": betas, "peak": 64 * peak}]
        self.optimizer = torch.optim.SGD(groups, peak, momentum=MOMENTUM, nesterov=True)
        moments = [x for pair in self.running.values() for x in pair]
        self.fast = [*self.w.values(), *moments]
        self.slow = [x.detach().clone() for x in self.fast]

    def rate(self, step):
        """Of the peak: from 0.2 to 1 over the first 0.23 of the steps, then towards 0.07."""
        top = int(0.23 * self.steps)
        if step < top:
            return 0.2 + 0.8 * step / top
        return 1 - 0.93 * (step - top) / (self.steps - top)

    @torch.no_grad()
    def update(self, step, epoch):
        if epoch >= BIAS_EPOCHS:
            self.w["whiten/biases"].grad = None  # SGD leaves it as it is
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self.rate(step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        done = step + 1
        if done % 5 == 0:
            kept = 0.95**5 * (done / self.steps) ** 3
            for slow, fast in zip(self.slow, self.fast):
                slow.mul_(kept).add_(fast, alpha=1 - kept)
                fast.copy_(slow)

    @torch.no_grad()
    def finish(self):
        for slow, fast in zip(self.slow, self.fast):
            fast.copy_(slow)


class Airbench94Muon(Airbench):
    """Filters learn by Muon (K. Jordan et al. 2024), all else by SGD."""

    scale = 1 / WIDTHS[-1]
    FILTERS, BIASES, HEAD = 0.24, 0.053, 0.67  # rates, of sums but for Muon's
    FILTER_MOMENTUM = 0.6
    DECAY = 2e-6  # of sums and by image: what a step takes off at the full rate, whatever that rate is

    def whiten_biases(self):
        return self.uniform((len(self.fixed),), 12)

    def start_head(self):
        self.w["head"] /= self.w["head"].std()

    def start(self):
        bias_rate, head_rate = self.BIASES * self.batch, self.HEAD * self.batch
        decay = self.DECAY * self.batch
        self.decays = {
            name: 0 if name.endswith("filters") else decay / (head_rate if name == "head" else bias_rate)
            for name in self.w
        }
        groups = [
            {"params": [self.w["whiten/biases"]], "start": bias_rate},
            {"params": self.of("betas"), "start": bias_rate},
            {"params": [self.w["head"]], "start": head_rate},
        ]
        self.optimizer = torch.optim.SGD(groups, bias_rate, momentum=MOMENTUM, nesterov=True)
        self.velocity = {w: torch.zeros_like(w) for w in self.of("filters")}

    @torch.no_grad()
    def update(self, step, epoch):
        falling = 1 - step / self.steps
        bias_steps = BIAS_EPOCHS * (50_000 // self.batch)
        if step >= bias_steps:
            self.w["whiten/biases"].grad = None
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = group["start"] * (1 - step / bias_steps if i == 0 else falling)
        self.optimizer.step()
        for w, velocity in self.velocity.items():
            velocity.mul_(self.FILTER_MOMENTUM).add_(w.grad)
            g = w.grad + self.FILTER_MOMENTUM * velocity
            w *= math.sqrt(len(w)) / w.norm()
            w -= self.FILTERS * falling * orthogonalized(g.flatten(1)).view_as(w)
            w.grad = None
        self.optimizer.zero_grad(set_to_none=True)


NETS = {"airbench94": Airbench94, "airbench94-muon": Airbench94Muon}
