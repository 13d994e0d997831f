"""JSON Schema: does a value satisfy one, why not, and what do editors show of it.

Decided here: what the keywords of a schema mean, in yes and no, in words for people, and in the
schema that editors are given. Not decided here: what a field of a config means to a run (planning),
which warnings there are (checking), and where an action's schema comes from (actions).

Begin with `compiler`. Only a no needs `explanation`, and with it jsonschema.

- published: the schemas in the files of `schema/`.
- compiler: from a schema to a function that says yes or no.
- parts: where there are schemas in a schema, and what a `$ref` leads to.
- explanation: what a value breaks of a schema, in our words.
- editor: the config's schema with the actions that there are, and with references in inputs.
"""
