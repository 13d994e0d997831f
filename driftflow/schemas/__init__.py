"""JSON Schema: whether a value satisfies a schema, why not, and what text editors show for it.

Decided here: what each keyword of a schema means, when a value is judged, when a breach is
explained, and in the schema for text editors. Not decided here: what a field of a config means to a
run (`planning`), which warnings there are (`checking`), and where an action's schema comes from
(`actions`).

Begin with `compiler`. `explanation`, and the library jsonschema that it uses, is imported only when
a value is invalid.

    published    loads the published schemas, the files of `schema/`
    compiler     turns a schema into a function that returns True or False
    parts        finds the schemas inside a schema, and resolves `$ref`
    explanation  says in DriftFlow's words which rules of a schema a value breaks
    editor       builds the config's schema with actions, and with references in their inputs
"""
