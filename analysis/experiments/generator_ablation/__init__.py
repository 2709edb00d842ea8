"""The experiment `[ablation]` of a generator: which concepts vanish from its images without some units?"""
