"""The nets that recipe_curves.py trains: ResNets and cuda-convnet's, with the initial values of their recipes.

A net has `w`, its parameters by name; `rates` and `decays`, the learning rate and the decay of each of them; and
`forward(x)`, the logits of NCHW images. `training` tells whether a batch normalization takes the moments of the
batch or the running ones.
"""

import functools
import math

import torch
import torch.nn.functional as F

import cuda_convnet
import resnets
from cuda_convnet import cmrnorm, conv, local, max_pool, three_convolutions


class Drawn(resnets.Network):
    """Draws what resnets.py makes of integers, and has no margins to look at."""

    classes = 10
    RATE = 0.1

    def __init__(self, random):
        super().__init__(torch.float32)
        self.random = random
        self.updates = 1
        self.forward(torch.zeros(2, 3, 32, 32))  # makes the parameters
        self.running, self.debias, self.updates = {}, {}, 0
        self.rates = dict.fromkeys(self.w, self.RATE)
        self.decays = {name: resnets.WEIGHT_DECAY * (name in self.decayed) for name in self.w}

    def __call__(self, x):
        self.updates += self.training
        return self.forward(x)

    def parameter(self, name, shape, offset, scale, decays):
        if name not in self.w:
            kind = name.rsplit("/", 1)[1]
            if kind == "weights":
                value = self.conv_start(shape) if len(shape) == 4 else self.dense_start(shape)
            else:
                value = torch.full(shape, float(kind == "gamma"))
            self.w[name] = value.requires_grad_()
            if decays:
                self.decayed.append(name)
        return self.w[name]

    def norm(self, name, x):
        if not self.training:
            return super().norm(name, x)
        channels = x.shape[1]
        gamma = self.parameter(name + "/gamma", (channels,), 1.0, 0.0, self.decays_all)
        beta = self.parameter(name + "/beta", (channels,), 0.0, 0.0, self.decays_all)
        # A momentum of 1 puts the batch's own moments there, much faster than x.var does.
        mean, variance = torch.zeros(channels), torch.ones(channels)
        y = F.batch_norm(x, mean, variance, gamma, beta, True, 1.0, self.epsilon)
        count = x.numel() / channels
        self.follow(name, (mean, variance * (count - 1) / count))
        return y

    def activated(self, x):
        return F.leaky_relu(x, self.slope)

    def normal(self, shape, deviation):
        return torch.tensor(deviation * self.random.standard_normal(shape), dtype=torch.float32)

    def uniform(self, shape, reach):
        return torch.tensor(self.random.uniform(-reach, reach, shape), dtype=torch.float32)


class DrawnPreActivation(Drawn):
    def conv_start(self, shape):
        size, _, _, filters = shape
        return self.normal(shape, math.sqrt(2 / (size * size * filters)))

    def dense_start(self, shape):
        return self.uniform(shape, math.sqrt(3 / shape[0]))


class Resnet(DrawnPreActivation, resnets.PreActivation):
    def __init__(self, random, units, widths=resnets.PreActivation.widths):
        self.units, self.widths = units, widths
        super().__init__(random)


class BottleneckResnet(DrawnPreActivation, resnets.Bottleneck):
    def __init__(self, random, units):
        self.units = units
        super().__init__(random)


class ResnetV1(Drawn, resnets.Version1):
    """All weights start uniformly as Glorot and Bengio 2010 have it."""

    def __init__(self, random, units):
        self.units = units
        super().__init__(random)

    def conv_start(self, shape):
        size, _, channels, filters = shape
        return self.uniform(shape, math.sqrt(6 / (size * size * (channels + filters))))

    def dense_start(self, shape):
        return self.uniform(shape, math.sqrt(6 / sum(shape)))


def pct80sec(x, w):
    x = torch.relu(three_convolutions(x, w, lambda x: x) @ w["fc64"][0] + w["fc64"][1])
    return x @ w["fc10"][0] + w["fc10"][1]


def pct19(x, w):
    return three_convolutions(x, w, lambda x: x) @ w["fc10"][0] + w["fc10"][1]


def local_13pct(x, w):
    x = max_pool(torch.relu(conv(x, *w["conv1"])))
    x = max_pool(torch.relu(conv(x, *w["conv2"])))
    x = torch.relu(local(x, *w["local3"]))
    x = torch.relu(local(x, *w["local4"]))
    return x.flatten(1) @ w["fc10"][0] + w["fc10"][1]


def filters(channels, count, init_w, wc):
    return (5, 5, channels, count), (count,), init_w, wc


def banks(places, channels, count):
    return (places, 9 * channels, count), (places, count), 0.04, 0.004


def units(inputs, count, init_w, wc):
    return (inputs, count), (count,), init_w, wc


THREE = {
    "conv1": filters(3, 32, 1e-4, 0.004),
    "conv2": filters(32, 32, 0.01, 0.004),
    "conv3": filters(32, 64, 0.01, 0.004),
}
TWO = {"conv1": filters(3, 64, 1e-4, 0), "conv2": filters(64, 64, 0.01, 0)}

# Each layer: the shapes of weights and biases, initW, wc.
CONVNETS = {
    "80sec": (pct80sec, THREE | {"fc64": units(1024, 64, 0.1, 0.03), "fc10": units(64, 10, 0.1, 0.03)}),
    "19pct": (pct19, THREE | {"fc10": units(1024, 10, 0.01, 3)}),
    "18pct": (cuda_convnet.pct18, THREE | {"fc10": units(1024, 10, 0.01, 1)}),
    "local-13pct": (local_13pct, TWO | {
        "local3": banks(64, 64, 32),
        "local4": banks(64, 32, 32),
        "fc10": units(2048, 10, 0.01, 0.004),
    }),
    "local-11pct": (cuda_convnet.local_11pct, TWO | {
        "local3": banks(36, 64, 64),
        "local4": banks(36, 64, 32),
        "fc10": units(1152, 10, 0.01, 0.01),
    }),
}


class Convnet:
    """Weights start normally with initW, not truncated, biases at 0. epsW is 0.001, epsB 0.002."""

    def __init__(self, random, name):
        self.net, self.layers = CONVNETS[name]
        self.w, self.rates, self.decays = {}, {}, {}
        for layer, (weights, biases, init_w, wc) in self.layers.items():
            start = torch.tensor(init_w * random.standard_normal(weights), dtype=torch.float32)
            self.w[f"{layer}/weights"] = start.requires_grad_()
            self.w[f"{layer}/biases"] = torch.zeros(biases, requires_grad=True)
            self.rates |= {f"{layer}/weights": 0.001, f"{layer}/biases": 0.002}
            self.decays |= {f"{layer}/weights": wc, f"{layer}/biases": 0}

    def __call__(self, x):
        w = {layer: (self.w[f"{layer}/weights"], self.w[f"{layer}/biases"]) for layer in self.layers}
        return self.net(x.permute(0, 2, 3, 1), w)


# What makes each net, of a source of random numbers.
NETS = {
    "resnet-20": functools.partial(Resnet, units=3),
    "resnet-32": functools.partial(Resnet, units=5),
    "resnet-20-bottleneck": functools.partial(BottleneckResnet, units=2),
    "resnet-v1-20": functools.partial(ResnetV1, units=3),
    "wrn-28-10": functools.partial(Resnet, units=4, widths=(160, 320, 640)),
} | {f"cuda-convnet-{name}": functools.partial(Convnet, name=name) for name in CONVNETS}
