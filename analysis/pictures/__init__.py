"""Pictures of a run: what lights a unit up, and what a concept looks like."""
