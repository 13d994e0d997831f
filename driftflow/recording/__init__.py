"""The audit: what is stored about a run, and how it is written and read.

Decided here: what a record holds, when it is written and flushed to the disk, and which earlier run
can be resumed. Not decided here: what happens in a run (`running`), and whether there is an audit
(the flag `audit`, `planning.settings`). Begin with `audit`; `records` decides which fields a record
has, and `schema/audit.schema.json` publishes them.

    audit     writes each event of a run to the file before the run continues
    records   turns an event into a line of the file, and a line into a record
    storage   the file: opens, locks, appends, syncs, reads
    resume    finds the run that can be resumed, and which of its steps are done
    closing   appends the end of a run that was killed
"""
