"""The experiment `[insertion]`: does a concept appear in a generator's images if its units are forced on?"""
