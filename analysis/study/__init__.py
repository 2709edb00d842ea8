"""The study: what to dissect, on which images, for which concepts, and which experiments to run."""
