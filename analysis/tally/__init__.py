"""Running statistics that can be added: the tallies of two sets of images sum to the tally of both sets together."""
