"""JSON Schema: whether a value satisfies a schema, why not, and what text editors show for it.

Decided here: what each keyword of a schema means, when a value is judged, when a breach is
explained, and in the schema for text editors. Not decided here: what a field of a config means to a
run (`planning`), which warnings there are (`checking`), and where an action's schema comes from
(`actions`).

Begin with `compiler`. `explanation`, and with it the library jsonschema, is imported only when a
value is invalid.

    published    loads the published schemas, the files of `schema/`
    keywords     lists the keywords of draft-07, and what each may say
    inspection   checks that a schema is one, and finds where each `$ref` leads
    lint         finds misspelt keywords, and those that never apply
    compiler     turns a schema into a function that returns True or False
    contracts    schemas as texts of a plan: compiled once, and held against outputs
    fit          finds that no value can satisfy two schemas
    equality     compares values, and finds multiples, exactly
    patterns     matches regular expressions of ECMA-262, in bounded time; `ecma` reads them
    parts        replaces the schemas inside a schema, and localizes `$ref`
    explanation  says in DriftFlow's words which rules of a schema a value breaks
    description  says what a value is instead, in a sentence
    breaches     finds what is wrong, by jsonschema, with all that explains it
    forms        chooses the form of an `anyOf` that was meant
    telling      makes issues of what is wrong, each at its place
    wording      puts what a schema asks for into words
    hints        finds what to write instead
    authority    makes jsonschema, which finds those, judge as the compiler does
    editor       builds the config's schema with actions, and with references in their inputs
"""
