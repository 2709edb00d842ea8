"""Pictures of a run: the top images of each unit, the example images of each concept, and the gallery."""
