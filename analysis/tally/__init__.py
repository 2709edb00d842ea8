"""Running statistics that add: the tally of two halves, added, is the tally of the whole."""
