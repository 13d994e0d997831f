"""JSON Schema: whether a value satisfies one, why not, and what editors show for it.

Decided here: what the keywords of a schema mean, as a yes or no, as an explanation, and in the
schema for editors. Not decided here: what a field of a config means to a run (`planning`), which
warnings there are (`checking`), and where an action's schema comes from (`actions`).

Begin with `compiler`. `explanation`, and with it the library jsonschema, is imported only when a
value is invalid.

    published    reads the schema files of `schema/`
    compiler     turns a schema into a function that returns True or False
    parts        finds the schemas inside a schema, and resolves `$ref`
    explanation  says in our own words which rules of a schema a value breaks
    editor       the config's schema extended with actions, and with references in inputs
"""
