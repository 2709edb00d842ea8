"""The experiment `[artifacts]`: units of a generator that are most active on images with artifacts."""
