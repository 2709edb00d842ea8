"""The experiment `[control]`: a network with the same layers and other weights, for comparison."""
