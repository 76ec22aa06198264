"""Where frames come from: one file per kind of source, all behind `stream.sources.base.Source`."""
