"""Generator ablation."""
