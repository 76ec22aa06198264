"""Where frames go: one file per kind of sink, all behind `stream.sinks.base.Sink`."""
