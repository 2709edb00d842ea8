"""Columns that several tables have in common."""

from __future__ import annotations

from dissectory.analysis.tables.table import Column

LAYER = Column("layer", "name", "the layer's name in the network, as PyTorch gives it")
UNIT = Column("unit", "int", "the unit: a channel of the layer, counted from 0")
CONCEPT = Column("concept", "name", "the concept")
IMAGE = Column("image", "int", "the image's number, as in the table images")
SEED = Column("seed", "long", "the seed of the image")
