"""The version of this distribution."""

__version__ = "0.1.0"

USER_AGENT = f"aseanbiz-python/{__version__}"
