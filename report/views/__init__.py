"""View models: what each page says, as frozen dataclasses of plain values. Templates only set them."""
