"""Replaces a file as a whole, so that it is the old one or the new one, whatever happens.

Decided here: how a file comes to hold something else, what of it stays, and which files are
written to at all. Not decided here: what is written (`packs.files`, `cli`), and how records are
appended to an audit (`recording.storage`). Begin with `replacement.replace`.

    replacement  replaces a file in one move
    drafts       makes the file beside it that is to take its name, and removes those left behind
    attributes   gives the draft the owner, the rights and the attributes of the old file
"""
