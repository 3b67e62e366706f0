"""The hub: WebSocket edge, commit pipeline, ledger and store."""

__version__ = "0.1.0"
