"""The plan: what will be done, and in what order, as a value that nothing can change.

Decided here: the run order, the defaults, what an input may refer to, where a setting comes from,
and the digest by which a run knows its plan again. Not decided here: whether a document is right
(`schemas`, `checking`) and what happens when the plan is run (`running`). Begin with `plan`.

    plan        a document that was found good becomes a plan; the digest
    references  inputs: data, and what stands for other steps' outputs and for parameters
    settings    flags, timeout and backoff, and where each comes from
"""
