"""The embedded world: procedural scenes with exact labels for every pixel, and small networks trained on them."""
