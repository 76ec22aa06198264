"""The engine: any source, one pipeline, any sinks, and the command line and live page that drive them."""
