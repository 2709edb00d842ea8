"""The experiment `[texture]`: do units respond to shape or to texture?"""
