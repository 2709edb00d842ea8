"""Units of a generator as detectors of their labels, and counterexamples. This runs in every generator's study."""
