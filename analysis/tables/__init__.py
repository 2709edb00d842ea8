"""Tables of a run: columns, the tables that every run has, and the catalog of all tables."""
