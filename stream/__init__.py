"""The engine: any source, one pipeline, any sinks, and the command line and live page that drive them."""

__version__ = "0.1.0"  # its only home: the wheel's version is read from here
