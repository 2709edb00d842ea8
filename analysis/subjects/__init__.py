"""The subjects of a dissection: networks, their layers, and the images that go in."""
