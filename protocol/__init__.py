"""Teller's wire protocol, version 1: frames, codecs, errors, money and the sans-I/O session.

Nothing in this package does I/O, keeps time or knows the hub; an outside implementation can be
checked against it with the golden vectors in ``protocol/vectors``.
"""
