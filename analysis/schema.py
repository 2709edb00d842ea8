"""For pages that still import from here."""

from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tables.categories import CATEGORIES as CATEGORIES
from dissectory.analysis.tables.categories import SIGNIFICANT as SIGNIFICANT
from dissectory.analysis.tables.categories import Category as Category
from dissectory.analysis.tables.table import VERSION as VERSION
from dissectory.analysis.tables.table import Column as Column

TABLES = all_tables()
