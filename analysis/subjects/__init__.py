"""What is dissected: networks, their layers, and the images that go in."""
