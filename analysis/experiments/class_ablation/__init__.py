"""Class ablation."""
