"""Columns that several tables share."""

from __future__ import annotations

from dissectory.analysis.tables.table import Column

LAYER = Column("layer", "name", "the name of the layer's module in the PyTorch network")
UNIT = Column("unit", "int", "the unit, a channel of the layer, counted from 0")
CONCEPT = Column("concept", "name", "the concept")
IMAGE = Column("image", "int", "the number of the image in the table images")
SEED = Column("seed", "long", "the seed from which the image is generated")
