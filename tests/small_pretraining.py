"""A pretraining of a moment: its settings, and the sentences of its corpus."""

import random

SETTINGS = {
    "steps": 12,
    "evaluations": 3,
    "save_every": 5,
    "batch_pieces": 256,
    "learning_rate": 3e-3,
    "precision": "float32",
    "held_out": 0.2,
    "corpus_settings": {"block_pieces": 40},
}


def sentences(count: int) -> list[str]:
    chance = random.Random(0)
    names = ["ada", "charles", "mary", "alan"]
    places = ["paris", "london", "the old town", "turin"]
    return [
        f"{chance.choice(names)} went to {chance.choice(places)} in 18{chance.randrange(10, 99)} by train."
        for _ in range(count)
    ]
