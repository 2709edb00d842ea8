"""The page to paint on."""
