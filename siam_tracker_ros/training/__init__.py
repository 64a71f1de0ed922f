"""Training: pairs, labels, losses and the Lightning module around them."""
