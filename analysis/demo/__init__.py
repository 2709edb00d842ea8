"""The embedded world: procedural scenes whose every pixel is known, and small networks trained on them."""
