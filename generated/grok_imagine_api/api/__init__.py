# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
"""Contains methods for accessing the API"""
