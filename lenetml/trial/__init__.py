"""One trial: data, augmentation, network, training, evaluation, energy."""
