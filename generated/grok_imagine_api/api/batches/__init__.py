# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
"""Contains endpoint functions for accessing the API"""
