"""The tables of a run: columns, the tables of every run, and the catalog of all tables."""
