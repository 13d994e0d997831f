"""The audit: what is on file of a run, and how it gets there and back.

Decided here: what a record holds, when it is written and brought to the disk, and which earlier run
can be taken up. Not decided here: what happens in a run (`running`), and whether there is an audit
at all (the flag `audit` of the plan). Begin with `audit`; `records` says what a record looks like.

    audit     appends each event of a run to the audit before the run goes on
    records   an event as a line of the file, and such a line read back
    storage   the file: opened, locked, appended to, synced, read
    resume    finds the run that can be taken up, and what it has done
"""
