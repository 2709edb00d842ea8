"""The frame of a site: shells, templates, search, file names, assets."""
