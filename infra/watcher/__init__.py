"""Noticing files that are dropped into the folders of sources: which folders, and what follows.

Exactly the folders that a load looks into are listened to, one by one, by where they really are. A
listener that follows links by itself would have the whole disk watched for one link to it.
"""
