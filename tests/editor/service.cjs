// VS Code's JSON language service and the validator ajv, for tests that talk to them by lines of
// JSON: a request on stdin, its answer on stdout. It opens no file and no connection.
"use strict";

const readline = require("node:readline");
const { default: Ajv } = require("ajv");
const {
  ClientCapabilities,
  TextDocument,
  getLanguageService,
} = require("vscode-json-languageservice");

// What our schema says to editors, and to no validator.
const EDITOR_KEYWORDS = [
  "defaultSnippets",
  "deprecationMessage",
  "doNotSuggest",
  "enumDescriptions",
  "errorMessage",
  "markdownDescription",
  "patternErrorMessage",
  "suggestSortText",
];

let service;
let validate;

function open({ name, text }) {
  const document = TextDocument.create(`file:///jobs/${name}`, "json", 1, text);
  return [document, service.parseJSONDocument(document)];
}

const methods = {
  // How a document finds its schema: by `$schema`, from a file beside it, or by its name.
  configure({ schema, files, schemas }) {
    service = getLanguageService({
      clientCapabilities: ClientCapabilities.LATEST,
      schemaRequestService: (uri) =>
        uri in files ? Promise.resolve(files[uri]) : Promise.reject(`no file ${uri}`),
      workspaceContext: { resolveRelativePath: (path, base) => new URL(path, base).href },
    });
    service.configure({ validate: true, allowComments: false, schemas });
    const ajv = new Ajv({ strict: true, allowUnionTypes: true });
    EDITOR_KEYWORDS.forEach((keyword) => ajv.addKeyword(keyword));
    validate = ajv.compile(schema);
    return true;
  },
  async diagnose(file) {
    const [document, parsed] = open(file);
    const found = await service.doValidation(document, parsed, { schemaValidation: "warning" });
    return found.map(({ range, severity, message }) => ({ range, severity, message }));
  },
  async complete({ position, ...file }) {
    const [document, parsed] = open(file);
    return (await service.doComplete(document, position, parsed)).items;
  },
  async hover({ position, ...file }) {
    const [document, parsed] = open(file);
    return (await service.doHover(document, position, parsed))?.contents ?? [];
  },
  validate: ({ documents }) => documents.map((document) => validate(document)),
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const { method, ...parameters } = JSON.parse(line);
  let answer;
  try {
    answer = { result: await methods[method](parameters) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
