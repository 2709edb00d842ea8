"""The agreement with other textures on the pages of layers and units."""
