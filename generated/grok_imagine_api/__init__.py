# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
"""A client library for accessing Grok Imagine video API"""

from .client import AuthenticatedClient, Client

__all__ = (
    "AuthenticatedClient",
    "Client",
)
