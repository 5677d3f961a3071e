"""The way to a plugin: finding instances, one connection with one reader, errors with their place.

>>> connection = krach.client.Connection(krach.client.find(None))
>>> connection.call("transport")["tempo"]
120.0
>>> connection.close()
"""

from .connection import Connection, Gone, Listener
from .discovery import Instance, NoInstance, find, folders, instances
from .refusal import Refusal, Unsupported

__all__ = [
    "Connection",
    "Gone",
    "Instance",
    "Listener",
    "NoInstance",
    "Refusal",
    "Unsupported",
    "find",
    "folders",
    "instances",
]
