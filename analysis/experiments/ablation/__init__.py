"""What a classifier loses without its units (Bau et al. 2020, 'The role of individual units')."""
