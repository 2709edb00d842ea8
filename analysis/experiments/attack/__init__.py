"""The experiment `[attack]`: an adversarial attack on a classifier, and the units that change."""
