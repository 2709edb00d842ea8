"""The tally in torch operations, where the activations are: on a CUDA device, or on the CPU for tests.

Counts, thresholds, peaks and histograms equal those of the compiled kernels bit for bit. Means and standard deviations
may differ in their last digits, because sums of float64 numbers are taken in another order.
"""
