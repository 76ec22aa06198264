"""Everything a person may tune: the schema with its defaults, the loader, and the shipped profiles."""
