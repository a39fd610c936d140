"""A model in Python: a network whose depth the data decide, recorded as it runs.

Try: cg grad samples/model.py:loss --x '[0.5, -1]'
"""

import numpy as np


def layer(x, weight, bias):
    return np.tanh(weight @ x + bias)


def loss(x: "float[2]", scale: float = 0.5, target: float = 1.0):
    """Goes on as long as the values are far from rest."""
    weight = scale * np.array([[0.8, 0.3], [-0.4, 0.9]])
    steps = 0
    while np.sum(x * x) > 0.05 and steps < 20:
        x = layer(x, weight, 0.1)
        steps = steps + 1
    return {"loss": (x[0] - target) ** 2, "steps": steps}
