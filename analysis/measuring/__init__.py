"""Measuring a network: passes over the images, thresholds, IoUs, confidence intervals and the tables made of them."""
